"""How fast the map of `kgkt serve` is, in headless Chromium that draws by software.

    python benchmarks/page.py                    5,000 concepts of 30,000 items (some minutes)
    python benchmarks/page.py FOLDER             a folder with a graph that is there already; it is copied
    python benchmarks/page.py --concepts 2500    as many concepts as that

Milliseconds to the first picture from the request of the page on, of one step while the map is moved and zoomed (from
the event until the frame after the picture), and from a click on "Label" until the map has other colours. Medians
and 95th percentiles; the bars are 2 s, 200 ms and 150 ms.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.browser.conftest import FLAGS
from tests.serving import COMMAND, Served, serving

if TYPE_CHECKING:
    from playwright.sync_api import Page

STEPS, LABELS = 60, 8
FIRST = """new MutationObserver((_, eye) => {
  if (!document.querySelector('.map-canvas canvas')?.dataset.drawn) return;
  eye.disconnect();
  requestAnimationFrame(() => requestAnimationFrame(() => { window.firstPicture = performance.now(); }));
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-drawn']})"""
DRAWN = """const canvas = document.querySelector('.map-canvas canvas');
const drawn = () => new Promise((done) => {
  const eye = new MutationObserver(() => { eye.disconnect(); requestAnimationFrame(() => done(performance.now())); });
  eye.observe(canvas, {attributes: true, attributeFilter: ['data-drawn']});
});
const rest = (ms) => new Promise((done) => setTimeout(done, ms));"""
MOVES = (
    "async ([kind, n]) => {"
    + DRAWN
    + """
  const box = canvas.getBoundingClientRect(), out = [];
  let x = box.left + box.width / 2, y = box.top + box.height / 2;
  const place = () => ({bubbles: true, cancelable: true, pointerId: 1, clientX: x, clientY: y});
  const point = (type) => canvas.dispatchEvent(new PointerEvent(type, place()));
  canvas.setPointerCapture = () => undefined;
  if (kind === 'pan') point('pointerdown');
  for (let i = 0; i < n; i++) {
    const start = performance.now(), end = drawn();
    if (kind === 'pan') { x += i % 2 ? 13 : -9; y += i % 3 ? 7 : -12; point('pointermove'); }
    else canvas.dispatchEvent(new WheelEvent('wheel', {...place(), deltaY: i < n / 2 ? -60 : 60}));
    out.push(await end - start);
    await rest(5);
  }
  if (kind === 'pan') point('pointerup');
  return out;
}"""
)
LABEL = (
    "async (name) => {"
    + DRAWN
    + """
  const bar = document.querySelector('.chosen-bar'), field = bar.querySelector('input');
  const line = document.querySelector('.line');
  field.value = name;
  field.dispatchEvent(new Event('input', {bubbles: true}));
  await rest(300);
  const before = line.textContent, start = performance.now();
  bar.querySelector('button[type=submit]').click();
  while (line.textContent === before) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now() - start;
}"""
)


def make(folder: Path, concepts: int) -> None:
    """A graph of six items a concept around 40 centres."""
    import numpy as np

    rng = np.random.default_rng(0)
    n, d = 6 * concepts, 16
    x = 2.2 * rng.normal(size=(40, d))[rng.integers(40, size=n)] + rng.normal(size=(n, d))
    np.savez(folder / "f.npz", emb=x.astype(np.float32), item_id=[f"i{i:06d}" for i in range(n)])
    subprocess.run([*COMMAND, "populate", "--features", "f.npz", "--concepts", str(concepts)], cwd=folder, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip


def opened(page: Page, served: Served, query: str = "") -> float:
    """Open the map; milliseconds to its first picture."""
    page.goto("about:blank")
    page.goto(f"{served.base}/#/map{query}")
    page.wait_for_selector("canvas[data-drawn]")
    page.wait_for_timeout(2_000)
    return float(page.evaluate("window.firstPicture"))


def labelled(page: Page, served: Served, first: int, quiet: bool) -> list[float]:
    """Milliseconds from each click on "Label" until the line and the map say so, another concept each time.

    Args:
        page, served: the page and its service.
        first: of the concepts by falling size, the first that gets a label.
        quiet: wait each time until the service has worked out the items' answer; else it does so meanwhile.
    """
    root = f"/api/graphs/{graph_of(served)}"
    sizes = served.ask(f"{root}/map")[1]["sizes"]
    largest = sorted(range(len(sizes)), key=lambda i: -sizes[i])[first : first + LABELS]
    found = []
    for n, concept in enumerate(largest):
        opened(page, served, f"?chosen={concept}")
        while quiet and served.ask(f"{root}/state")[1]["working"]:
            page.wait_for_timeout(500)
        found.append(page.evaluate(LABEL, f"class {n % 4}"))
    return found


def graph_of(served: Served) -> str:
    return str(served.ask("/api/session")[1]["graph"])


def told(what: str, values: list[float], bar: int) -> None:
    """A line of the table."""
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    print(f"{what:<44} median {statistics.median(values):6.0f} ms   95 % {late:6.0f} ms   bar {bar:,} ms", flush=True)


def measure(served: Served) -> None:
    """All figures of one graph."""
    from playwright.sync_api import sync_playwright

    about: dict[str, Any] = served.ask(f"/api/graphs/{graph_of(served)}/map")[1]
    print(f"{len(about['x']):,} concepts, {about['edges']['kept']:,} of {about['edges']['all']:,} edges drawn")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), headless=True, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 800})
        page.add_init_script(FIRST)
        page.goto(served.link)
        told("first picture", [opened(page, served) for _ in range(5)], 2_000)
        told("a step of moving, themes", page.evaluate(MOVES, ["pan", STEPS]), 200)
        told("a step of zooming, themes and concepts", page.evaluate(MOVES, ["zoom", STEPS]), 200)
        for _ in range(4):
            page.keyboard.press("+")
        page.wait_for_timeout(1_500)
        told("a step of moving, concepts", page.evaluate(MOVES, ["pan", STEPS]), 200)
        labelled(page, served, 0, quiet=True)  # the first ones read what the others find
        told("a label, until the map has its colours", labelled(page, served, LABELS, quiet=True), 150)
        told("the same while items are worked out", labelled(page, served, 2 * LABELS, quiet=False), 150)
        browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?")
    parser.add_argument("--concepts", type=int, default=5_000)
    asked = parser.parse_args()
    os.environ.setdefault("PYTHONPATH", str(Path(__file__).parents[1]))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "work"
        if asked.folder:
            shutil.copytree(asked.folder, folder)
        else:
            folder.mkdir()
            make(folder, asked.concepts)
        with serving(folder, "--rw") as served:
            measure(served)


if __name__ == "__main__":
    main()
