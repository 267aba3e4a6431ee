"""Saving a fused B: the model, what made it as JSON, and a model card that people read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kgkt.errors import InputError
from kgkt.rundir import atomic, check_place, sha256_file, write_json, write_text
from kgkt.values import Fusion

PACKAGES = ("kgkt", "keras", "tensorflow", "numpy", "scipy", "sklearn")


def check_output(out: Path, original: Path | None = None, force: bool = False) -> None:
    """Refuse a place for the fused B, before any work is done for it.

    Args:
        out: where the fused B goes, a `.keras` file.
        original: B's own file, which is never replaced.
        force: whether an existing file may be replaced.

    Raises:
        InputError: another suffix, a folder, B's own file, a file that exists, or a folder that is not there or
            not to be written in.
    """
    if out.suffix != ".keras":
        raise InputError(f"{out}: a fused B is a Keras file; name it {out.with_suffix('.keras').name}")
    if out.is_dir():
        raise InputError(f"{out} is a folder; name a file in it")
    if original is not None and out.resolve() == original.resolve():
        raise InputError(f"{out} is B's own file, which kgkt never changes; give another --out")
    beside = [path for path in (out, *_beside(out)) if path.exists()]
    if beside and not force:
        raise InputError(f"{beside[0]} exists; give another --out, or --force to replace it")
    check_place(out)


def write_card(
    fusion: Fusion, out: Path, *, original: Path | None = None, facts: Mapping[str, Any] | None = None,
    force: bool = False,
) -> tuple[Path, Path, Path]:
    """Save the fused B whole or not at all, with its `run.json` and `card.md` beside it.

    Args:
        fusion: from `fuse`.
        out: a `.keras` file.
        original: B's own file; its digest goes into the card.
        facts: what the caller knows: graph, model A and its digest, concepts, labels, seeds.
        force: whether existing files may be replaced.

    Returns:
        The paths of the model, the JSON and the card.

    Raises:
        InputError: the place is refused, or cannot be written.
    """
    check_output(out, original, force)
    with atomic(out) as temporary:
        fusion.model.save(temporary)
    run_json, card = _beside(out)
    run = {
        "model": out.name,
        "sha256": sha256_file(out),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "target": None if original is None else {"file": original.name, "sha256": sha256_file(original)},
        "facts": dict(facts or {}),
        "versions": versions(),
        "options": fusion.options,
        "figures": fusion.figures,
        "written": fusion.written,
        "notices": list(fusion.notices),
        "history": fusion.history,
    }
    write_json(run_json, run)
    write_text(card, card_text(run))
    return out, run_json, card


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the figures."""
    import importlib
    import platform

    # the module's own word: TensorFlow has several distributions
    found = {name: importlib.import_module(name).__version__ for name in PACKAGES}
    return {"python": platform.python_version()} | found


def card_text(run: Mapping[str, Any]) -> str:
    """The model card in Markdown, of what `run.json` holds."""
    target = run["target"] or {"file": "B", "sha256": "not kept"}
    parts = [
        f"# {run['model']}",
        f"A fused model: {target['file']} taught by a concept graph with kgkt {run['versions']['kgkt']}, "
        f"{run['made_at']}. It opens in plain Keras.",
        "## Figures\n\n" + markdown_table(("figure", "value"), [(k, _figure(k, v)) for k, v in run["figures"].items()]),
        "## Weights written before training\n\n" + _written(run["written"]),
        "## Training\n\n" + markdown_table(("option", "value"), list(run["options"].items())),
    ]
    if run["notices"]:
        parts.append("## Notices\n\n" + "\n".join(f"- {markdown_cell(notice)}" for notice in run["notices"]))
    made_from = [("model sha256", run["sha256"]), ("B sha256", target["sha256"]), *run["facts"].items()]
    parts.append("## Made from\n\n" + markdown_table(("what", "value"), made_from))
    parts.append("## Versions\n\n" + markdown_table(("package", "version"), list(run["versions"].items())))
    return "\n\n".join(parts) + "\n"


def _beside(out: Path) -> tuple[Path, Path]:
    return out.with_suffix(".run.json"), out.with_suffix(".card.md")


def _written(written: Mapping[str, Mapping[str, Any]]) -> str:
    if not written:
        return "None: there was no map."
    rows = [
        (layer, f"{w['blocks']} {w['kind']}", "written in closed form" if w["written"] else "B's own kept", w["why"])
        for layer, w in written.items()
    ]
    return markdown_table(("layer", "blocks", "weights", "why"), rows)


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "not measured"
    if name.endswith("step") or name == "steps":
        return f"{value:.0f}"
    return f"{value:.3f} nats" if name == "held_out_loss" else f"{100 * value:.1f} %"


def markdown_table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(markdown_cell(cell) for cell in line) + " |" for line in lines)


def markdown_cell(value: Any) -> str:
    """A value as the text of one Markdown cell: no line breaks, no pipes, no markup of its own."""
    text = " ".join(str(value).split())
    for mark in "\\|<>`":
        text = text.replace(mark, "\\" + mark)
    return text
