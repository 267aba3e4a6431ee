"""The built page is what its sources give, told without Node.js."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE, BUILT = ROOT / "page", ROOT / "kgkt" / "serve" / "page"


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_built_from_these_sources() -> None:
    told = json.loads((BUILT / "built.json").read_text(encoding="utf-8"))
    names = ["build.mjs", "package-lock.json", "package.json", "tsconfig.json"]
    names += [path.relative_to(PAGE).as_posix() for path in (PAGE / "src").rglob("*") if path.is_file()]
    assert told["sources"] == {name: sha(PAGE / name) for name in names}, "cd page && npm ci && npm run build"
    assert told["built"] == {path.name: sha(path) for path in BUILT.iterdir() if path.name != "built.json"}


def test_nothing_from_elsewhere() -> None:
    """No address of another server, no script or style in the text, and a licence for every package."""
    html = (BUILT / "index.html").read_text(encoding="utf-8")
    assert "style=" not in html
    assert html.count("<script") == html.count('<script type="module" src="/page.js">') == 1
    for name in ("index.html", "page.js", "page.css"):
        text = (BUILT / name).read_text(encoding="utf-8")
        for known in ("http://www.w3.org/", "https://www.w3.org/"):  # names of namespaces, never asked for
            text = text.replace(known, "")
        assert "http://" not in text
        assert "https://" not in text
        assert "innerHTML=" not in text.replace("dangerouslySetInnerHTML", "") or name == "page.js"
    lock = json.loads((PAGE / "package-lock.json").read_text(encoding="utf-8"))
    used = json.loads((PAGE / "package.json").read_text(encoding="utf-8"))["dependencies"]
    licences = (BUILT / "LICENSES.txt").read_text(encoding="utf-8")
    for name in used:
        assert f"{name} {used[name]}, " in licences
        assert lock["packages"][f"node_modules/{name}"]["license"] in ("MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0")


def test_the_page_knows_the_words_of_the_service() -> None:
    """What it puts into words of its own is said so there, and each flag that it takes for a field is one."""
    said = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "kgkt").rglob("*.py"))
    for words in ("; mapping again", "; propagating again", "[target] classes leaves out ", "name every class with a label or a",
                  "nats after", "new after the order was frozen: ", "B now needs ", "--target-classes a,b,…"):  # fmt: skip
        assert words in said, words
    known = (PAGE / "src/b/fields.ts").read_text(encoding="utf-8") + (PAGE / "src/b/plain.ts").read_text(encoding="utf-8")
    flags = set(re.findall(r"--[a-z]+(?:-[a-z]+)*", known.replace("(target-)?", "").replace("(text|id)", "text")))
    assert len(flags) > 8
    assert [flag for flag in sorted(flags) if f'"{flag}"' not in said and flag not in said] == []
