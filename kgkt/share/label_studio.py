"""Items to label as tasks of Label Studio, with what the teacher says as predictions, and a labelling interface.

The formats: https://labelstud.io/guide/predictions and https://labelstud.io/tags/choices.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from kgkt.errors import InputError, UsageError, count
from kgkt.files import write_json, write_text
from kgkt.rundir.asking import Asked
from kgkt.rundir.looks import Looks
from kgkt.rundir.state import Say
from kgkt.source.images import SUFFIXES
from kgkt.source.thumbs import safe_name

CONTROL, OBJECT = "class", "item"  # names of the two tags: `from_name` and `to_name` of every result
SERVED = "/data/local-files/?d="  # what Label Studio serves from its document root
FORBIDDEN = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # what XML 1.0 cannot hold


def interface_path(path: Path) -> Path:
    """Where the labelling interface of a file of tasks is written: beside it, ending with .xml.

    Raises:
        UsageError: the tasks themselves are to be called so.
    """
    if path.suffix.lower() == ".xml":
        raise UsageError(f"--out {path}: call the tasks .json; their labelling interface is written beside as .xml")
    return path.with_suffix(".xml")


def write_tasks(
    path: Path, asked: Sequence[Asked], texts: Mapping[str, str | None], classes: Sequence[str], looks: Looks,
    version: str, say: Say,
) -> list[Path]:  # fmt: skip
    """Write the tasks and their labelling interface.

    Args:
        path: of the tasks, a JSON file.
        asked: the items; those with a `leans_to` get a prediction.
        texts: item id -> its text, where it has one.
        classes: of the graph, the choices of the interface.
        looks: where the pictures lie.
        version: what made the predictions.
        say: takes how to serve the pictures, items left out, and that there is no class yet.

    Returns:
        The two files.

    Raises:
        InputError: no item can be shown, a class name that XML cannot hold, a place that cannot be written.
    """
    pictures = {a.item_id: _picture(a, looks) for a in asked}
    kind = ("text" if any(texts.get(a.item_id) is not None for a in asked)
            else "image" if any(pictures.values()) else "item_id")  # fmt: skip
    shown: dict[str, str | None] = {a.item_id: a.item_id for a in asked}
    if kind == "text":
        shown = dict(texts)
    elif kind == "image":
        shown = {item: place and place[0] for item, place in pictures.items()}
    kept = [a for a in asked if shown.get(a.item_id) is not None]
    if len(kept) < len(asked):
        say(f"{count(len(asked) - len(kept), 'item')} left out: no {kind} of {asked_without(asked, kept)} is at hand")
    xml = interface(kind, classes)
    write_json(path, [_task(a, kind, shown[a.item_id] or "", version) for a in kept])
    write_text(interface_path(path), xml)
    if kind == "item_id":
        say("no picture or text is at hand: the tasks show the ids of the items")
    roots = sorted({place[1] for place in pictures.values() if place and place[1]}) if kind == "image" else []
    for root in roots:
        say(f"the pictures lie in {root}: start Label Studio with LABEL_STUDIO_LOCAL_FILES_SERVING_ENABLED=true and "
            f"LABEL_STUDIO_LOCAL_FILES_DOCUMENT_ROOT={Path(root).parent}, and add that folder as local storage")
    if not classes:
        say(f'no class yet, and Label Studio takes no interface without: write <Choice value="NAME"/> for each into '
            f"{interface_path(path)}, or name them in [target] classes first")
    return [path, interface_path(path)]


def asked_without(asked: Sequence[Asked], kept: Sequence[Asked]) -> str:
    """The first item that is not kept."""
    there = {a.item_id for a in kept}
    return next(a.item_id for a in asked if a.item_id not in there)


def interface(kind: str, classes: Sequence[str]) -> str:
    """The labelling interface: the item, and one choice of the classes.

    Args:
        kind: which field of a task's data is shown: "image", "text" or "item_id".
        classes: in the order of the choices.
    """
    for name in classes:
        if wrong := FORBIDDEN.search(name):
            raise InputError(f"the class {name!r} holds {wrong.group()!r}, which XML cannot: rename it")
    tag = "Image" if kind == "image" else "Text"
    choices = "".join(f"    <Choice value={quoteattr(name)}/>\n" for name in classes)
    return (f'<View>\n  <{tag} name="{OBJECT}" value="${kind}"/>\n'
            f'  <Choices name="{CONTROL}" toName="{OBJECT}" choice="single" showInLine="true">\n'
            f"{choices}  </Choices>\n</View>\n")  # fmt: skip


def _task(a: Asked, kind: str, shown: str, version: str) -> dict[str, Any]:
    """One task: its data, and what the teacher says as a prediction."""
    data = {"item_id": a.item_id, kind: shown, "concept": a.concept, "name": a.name, "speaks_for": a.speaks_for,
            "why": a.why}  # fmt: skip
    if not a.leans_to:
        return {"data": data}
    name, mass = a.leans_to[0]
    result = {"id": "teacher", "from_name": CONTROL, "to_name": OBJECT, "type": "choices", "value": {"choices": [name]}}
    return {"data": data, "predictions": [{"model_version": version, "score": round(mass, 6), "result": [result]}]}


def _picture(a: Asked, looks: Looks) -> tuple[str, str] | None:
    """The address of an item's picture, and the folder that Label Studio must serve ("" where it need not)."""
    if re.match(r"(https?|s3|gs|azure-blob)://", a.item_id) and a.item_id.lower().partition("?")[0].endswith(SUFFIXES):
        return a.item_id, ""
    for folder, name in ((looks.folder, a.item_id), (looks.thumbs, safe_name(a.item_id))):
        if folder is not None and (folder / name).is_file():
            root = folder.absolute()
            return f"{SERVED}{quote(f'{root.name}/{name}')}", str(root)
    return None
