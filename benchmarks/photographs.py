"""A pool of 20,000 colour photographs, and its page in one file.

    python benchmarks/photographs.py                     crops of the two photographs that scikit-learn brings
    python benchmarks/photographs.py PICTURE PICTURE …   crops of these too: the more, the less alike
    python benchmarks/photographs.py --n 2000            as many crops as that

Crops of any size and place, brought to 256 pixels, brighter and darker, some mirrored, with noise, as JPEG in one
folder. Seconds and peak memory of `populate` into 2,500 concepts by a small network, and of `export --page`; the
file's bytes and the side of its pictures.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.serving import COMMAND

SIDE, A_INPUT, CONCEPTS = 256, 48, 2_500


def crops(files: list[str], n: int, folder: Path) -> None:
    """Write `n` JPEG files."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_sample_images

    sources = [Image.fromarray(picture) for picture in load_sample_images().images]
    sources += [Image.open(file).convert("RGB") for file in files]
    rng = np.random.default_rng(0)
    folder.mkdir()
    for number in range(n):
        source = sources[rng.integers(len(sources))]
        width = int(rng.integers(60, min(source.size)))
        height = int(width * rng.uniform(0.7, 1))
        x, y = int(rng.integers(source.width - width + 1)), int(rng.integers(source.height - height + 1))
        picture = source.crop((x, y, x + width, y + height)).resize((SIDE, SIDE * height // width))
        if rng.random() < 0.5:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        pixels = np.asarray(picture, np.float32) * rng.uniform(0.7, 1.3, 3)
        pixels += rng.normal(0, 6, (*pixels.shape[:2], 1))
        Image.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / f"IMG_{number:05d}.jpg", quality=85)


def small_network(place: Path) -> None:
    """A, untrained: what it knows is not asked here."""
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.Input((A_INPUT, A_INPUT, 3)), keras.layers.Rescaling(1 / 255)]
    layers += [keras.layers.Conv2D(width, 3, strides=2, activation="relu") for width in (16, 32, 48)]
    layers += [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(64, activation="relu", name="emb")]
    keras.Sequential([*layers, keras.layers.Dense(10, activation="softmax")]).save(place)


def measured(what: str, *words: str) -> None:
    """Run a command of kgkt, and print its seconds and peak memory."""
    start, peak = time.perf_counter(), 0
    process = subprocess.Popen([*COMMAND, *words, "--format", "table"])
    status = Path(f"/proc/{process.pid}/status")
    while process.poll() is None:
        lines = status.read_text().splitlines()
        peak = max([peak, *(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))])
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(process.returncode)
    print(f"{what}: {time.perf_counter() - start:.0f} s, {peak * 1024 / 1e6:,.0f} MB", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="*")
    parser.add_argument("--n", type=int, default=20_000)
    asked = parser.parse_args()
    files = [str(Path(file).resolve()) for file in asked.pictures]
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        crops(files, asked.n, Path("photographs"))
        small_network(Path("a.keras"))
        concepts = str(min(CONCEPTS, asked.n // 8))
        measured("populate", "populate", "--model", "a.keras", "--layers", "emb", "--data", "photographs",
                 "--concepts", concepts)  # fmt: skip
        measured("one file", "export", "--page", "page.html")
        os.chdir("/")


if __name__ == "__main__":
    main()
