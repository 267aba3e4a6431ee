"""The pictures of the page in README.md: the demo's digits, labelled in a real Chromium.

    python benchmarks/pictures.py [--labels 12]

Starts `kgkt demo --serve` in a folder of its own, labels the digits that the page asks for as a person would, by their
keys, and writes docs/page.png (the map afterwards) and docs/label.webp (the labelling, as a short film).
"""

from __future__ import annotations

import argparse
import io
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

DOCS = Path(__file__).resolve().parents[1] / "docs"
WIDE, HIGH = 1280, 800
FILM_WIDE = 900  # pixels of the film
PAUSE, END = 700, 2_500  # milliseconds of a step, and of the last
FLAGS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking", "--hide-scrollbars"]


def main() -> None:
    """Serve, label, write both pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--labels", type=int, default=12)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        kgkt = [sys.executable, "-c", "from kgkt.cli import main; main()"]
        service = subprocess.Popen([*kgkt, "demo", "--serve", "--port", "0", "--no-open"], cwd=folder, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            assert service.stdout is not None
            play(service.stdout.readline().strip(), asked.labels)
        finally:
            service.send_signal(signal.SIGINT)
            service.wait(30)


def play(link: str, labels: int) -> None:
    """Label, and take a picture of each step."""
    from playwright.sync_api import sync_playwright
    from sklearn.datasets import load_digits

    truth = {f"digit-{row:04d}": str(digit) for row, digit in enumerate(load_digits().target)}
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        page = browser.new_page(viewport={"width": WIDE, "height": HIGH}, color_scheme="light", bypass_csp=True)
        page.goto(link)
        frames, known = [], set()
        for _ in range(labels):
            item = page.locator("main").get_by_text("digit-").first.inner_text()
            settle(page)
            frames.append(page.screenshot())
            say(page, truth[item], known)
            gone = "item => !document.querySelector('main').innerText.split('\\n').includes(item)"
            page.wait_for_function(gone, arg=item)
        page.get_by_text("being worked out").wait_for(state="hidden", timeout=120_000)
        settle(page)
        frames.append(page.screenshot())
        page.evaluate("location.hash = '#/map'")
        page.locator("canvas").first.wait_for()
        page.wait_for_timeout(1_500)
        frames.append(page.screenshot())
        (DOCS / "page.png").write_bytes(small(frames[-1]))
        browser.close()
    film(frames)


def say(page: Any, name: str, known: set[str]) -> None:
    """Give the item before the person a class: by its key, or typed where it is new."""
    page.evaluate("document.activeElement && document.activeElement.blur()")
    if name in known:
        page.keyboard.press(name)
        return
    if known:
        page.keyboard.press("t")
    else:
        page.get_by_placeholder("for instance cat").focus()
    page.keyboard.type(name)
    page.keyboard.press("Enter")
    known.add(name)


def settle(page: Any) -> None:
    """Wait until every picture is there."""
    page.wait_for_function("[...document.images].every(image => image.complete)")
    page.wait_for_timeout(300)


def small(png: bytes) -> bytes:
    """The same picture in few colours."""
    from PIL import Image

    out = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(200).save(out, "PNG", optimize=True)
    return out.getvalue()


def film(frames: list[bytes]) -> None:
    """The pictures one after the other, as an animated WebP."""
    from PIL import Image

    size = FILM_WIDE, FILM_WIDE * HIGH // WIDE
    pictures = [Image.open(io.BytesIO(frame)).convert("RGB").resize(size, Image.Resampling.LANCZOS) for frame in frames]
    times = [PAUSE] * (len(pictures) - 2) + [END, END]
    pictures[0].save(DOCS / "label.webp", save_all=True, append_images=pictures[1:], duration=times, loop=0, quality=70,
                     method=6)  # fmt: skip
    for name in ("page.png", "label.webp"):
        print(f"docs/{name}  {(DOCS / name).stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
