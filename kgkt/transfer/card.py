"""Saving a fused B: the model, what made it as JSON, and a model card that people read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kgkt.errors import InputError, count
from kgkt.files import atomic, check_place, sha256_file, write_json, write_text
from kgkt.transfer.inputs import input_names
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
    force: bool = False, taught: Any = None,
) -> tuple[Path, Path, Path]:
    """Save the fused B whole or not at all, with its `run.json` and `card.md` beside it.

    Args:
        fusion: from `fuse`.
        out: a `.keras` file.
        original: B's own file; its digest goes into the card.
        facts: what `kgkt.verbs.fuse.provenance` says of graph, model A, labels and seeds; None: not known.
        force: whether existing files may be replaced.
        taught: what of the model was taught, where that is a part of it.

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
        "network": _network(fusion.model, fusion.model if taught is None else taught),
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


def _network(whole: Any, taught: Any) -> dict[str, Any]:
    """How large B is, what it reads, and how many outputs are taught."""
    shapes = {name: list(tensor.shape[1:]) for name, tensor in zip(input_names(taught), taught.inputs, strict=True)}
    reads = shapes if len(shapes) > 1 else next(iter(shapes.values()))
    return {"weights": int(whole.count_params()), "input": reads, "outputs": int(taught.output_shape[-1])}


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that shape the figures."""
    import importlib
    import platform

    # the module's own word: TensorFlow has several distributions
    found = {name: importlib.import_module(name).__version__ for name in PACKAGES}
    return {"python": platform.python_version()} | found


def card_text(run: Mapping[str, Any]) -> str:
    """The model card in Markdown, of what `run.json` holds: for people, every number of it is in the JSON."""
    facts = run["facts"]
    target = run["target"]["file"] if run["target"] else "B"
    by = f"a concept graph of what {facts['source']['source']} knows" if facts else "a concept graph"
    network = run["network"]
    parts = [
        f"# {run['model']}",
        f"{target}, taught by {by}; made with kgkt {run['versions']['kgkt']}, {run['made_at']}; "
        f"{network['weights']:,} weights; reads {_shape(network['input'])}. It opens in plain Keras."
        + (f"\n\n{_outputs(network['outputs'], facts['classes'])}" if facts else ""),
        "## How good it is\n\n" + _worth(run["figures"], run["options"]),
    ]
    if facts:
        parts.append("## What it was taught\n\n" + markdown_table(("", ""), _taught(facts)))
    if facts.get("grown"):
        parts.append("## What was grown\n\n" + _grown(facts["grown"], run["figures"]))
    parts.append("## Weights written before training\n\n" + _written(run["written"], bool(facts.get("grown"))))
    parts.append("## Training\n\n" + _training(run["options"], run["figures"]))
    if run["notices"]:
        parts.append("## Notices\n\n" + "\n".join(f"- {markdown_cell(notice)}" for notice in run["notices"]))
    parts.append("## To make it again\n\n" + _made_from(run))
    return "\n\n".join(parts) + "\n"


def _outputs(units: int, classes: Sequence[str]) -> str:
    """What B's outputs stand for."""
    if units == 1:
        return f"Its one output speaks for {markdown_cell(classes[1])} against {markdown_cell(classes[0])}."
    return f"Its {count(len(classes), 'output')}, in order: {markdown_cell(', '.join(classes))}."


def _beside(out: Path) -> tuple[Path, Path]:
    return out.with_suffix(".run.json"), out.with_suffix(".card.md")


def _worth(figures: Mapping[str, float | None], options: Mapping[str, Any]) -> str:
    lines = []
    if figures["test_fused"] is None:
        lines.append("Not measured: no test set was given.")
    else:
        rows = [("B alone, the same steps on the labels", share(figures["test_alone"])),
                ("**this model**", share(figures["test_fused"]))]  # fmt: skip
        if figures["gain"] is not None:
            error = "" if figures["gain_error"] is None else f" ±{100 * figures['gain_error']:.1f}"
            gain = f"{100 * figures['gain']:+.1f}{error} points"
            rows.append(("difference, ± standard error over the test items", gain))
        lines.append(markdown_table(("on the test set", "accuracy"), rows))
    if figures["held_out_loss"] is not None:
        lines.append(f"Loss against the graph's targets, on the {100 * options['held_out']:.0f} % of the pool held out "
                     f"from training: {figures['held_out_loss']:.3f} nats.")  # fmt: skip
    if figures["batchnorm_after"] is not None:
        lines.append(f"Accuracy before and after BatchNorm's statistics were estimated again: "
                     f"{share(figures['batchnorm_before'])} and {share(figures['batchnorm_after'])}.")  # fmt: skip
    return "\n\n".join(lines)


def _taught(facts: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the graph was made of and what people said in it, a row each."""
    source, teach = facts["source"], facts["teach"]
    layers = ", ".join(f"{layer} ({width:,} features)" for layer, width in source["layers"].items())
    labels = facts["labels"]
    without = [name for name, n in labels.items() if not n]
    prior = ("every class equally frequent, as stated" if teach["balanced"]
             else ", ".join(f"{name} {100 * share:.0f} %" for name, share in teach["prior"].items()) + ", as stated"
             if teach["prior"] else "nothing stated")  # fmt: skip
    over = "concepts and items" if facts["spread"] == "both" else facts["spread"]
    rows = [
        ("model A", f"{source['source']}, layers {layers}"),
        ("pool", f"{facts['items']:,} items"),
        ("graph", f"{facts['graph']}: {count(source['concepts'], 'concept')}, {count(source['edges'], 'edge')}"),
        ("stability", f"{source['stability']:.2f} (agreement of two seeds on the same items; 1 is the same concepts)"),
        ("labels", f"{sum(labels.values()):,}: " + ", ".join(f"{name}: {n}" for name, n in labels.items() if n)),
        ("classes without a label", ", ".join(without)),
        ("ticks (what an item is not)", f"{facts['ticks']:,}" if facts["ticks"] else ""),
        ("concepts switched off", f"{facts['inactive_concepts']:,}" if facts["inactive_concepts"] else ""),
        ("spread over", f"{over}, alpha {facts['alpha']:g}"),
        ("experts beside the graph", ", ".join(f"{name} {weight:g}" for name, weight in facts["experts"].items())),
        ("shares of the classes", prior),
        ("reached", f"{facts['items'] - facts['unreached']:,} of {facts['items']:,} items"),
    ]
    return [row for row in rows if row[1]]


def _grown(grown: Mapping[str, Any], figures: Mapping[str, float | None]) -> str:
    """What of B is new, and what became of what it knew."""
    rows = [(f"layer {path}", f"{layer['had']} to {layer['units']} units") for path, layer in grown["layers"].items()]
    if grown["classes"]:
        rows += [("classes that B had", ", ".join(grown["old_classes"])), ("new ones", ", ".join(grown["classes"]))]
    if grown.get("spoken"):
        rows.append(("answers of B that joined the labels", f"{grown['spoken']:,}"))
    rows.append(("largest difference to B's answers before training", f"{grown['largest_difference']:.1e}"))
    words = {"kept": "B's answers that stayed, where the graph sees no new class",
             "test_before": "accuracy on the test set, before B grew",
             "old_before": "accuracy on the classes that B had, before", "old_after": "now",
             "new_after": "on the new ones"}  # fmt: skip
    rows += [(text, share(figures[name])) for name, text in words.items() if figures.get(name) is not None]
    return markdown_table(("", ""), rows)


def _written(written: Mapping[str, Mapping[str, Any]], grown: bool = False) -> str:
    if not written:
        return "None but what is new: it was trained already." if grown else "None: there was no map."
    rows = [
        (layer, f"{w['blocks']} {w['kind']} block{'' if w['blocks'] == 1 else 's'}",
         "written in closed form" if w["written"] else "B's own kept", w["why"])
        for layer, w in written.items()
    ]  # fmt: skip
    return markdown_table(("layer", "blocks", "weights", "why"), rows)


def _training(options: Mapping[str, Any], figures: Mapping[str, float | None]) -> str:
    outputs = {None: "as its last layer says", True: "logits, as stated", False: "shares, as stated"}
    return (
        f"{figures['steps']:.0f} of at most {options['steps']} steps of {options['optimizer']}, the best after "
        f"{figures['best_step']:.0f}; learning rate {options['learning_rate']:g}, {options['batch']} items a step, "
        f"seed {options['seed']}. Every {options['every']} steps a look at the items held out; it would have stopped "
        f"after {options['patience']} looks without improvement. Targets to the power of {options['sharpen']:g}; "
        f"B's outputs read {outputs[options['from_logits']]}." + _carried(options, figures)
    )


def _carried(options: Mapping[str, Any], figures: Mapping[str, float | None]) -> str:
    """What B's last hidden layer learned beside the classes; "" where nothing."""
    concepts, told = figures.get("concepts"), figures.get("carried")
    if not concepts:
        return ""
    tells = "" if told is None else f" and told the nearest one of {share(told)} of the items held out"
    return (f"\n\nBeside the classes its last hidden layer learned which of {count(int(concepts), 'concept')} an item "
            f"is in (loss of weight {options['carry_weight']:g}){tells}. The head that was trained for this is no part "
            "of the model.")  # fmt: skip


def _made_from(run: Mapping[str, Any]) -> str:
    """Digests, seeds and versions."""
    facts = run["facts"]
    files = {run["model"]: run["sha256"]}
    if run["target"]:
        files[f"{run['target']['file']} (B)"] = run["target"]["sha256"]
    if facts:
        files |= {f"{facts['source']['source']} (A)": facts["source_sha256"], **facts["digests"]}
    concepts = f"; of the concepts {facts['concepts_seed']}" if facts else ""
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    return (markdown_table(("file", "sha256"), list(files.items()))
            + f"\n\nSeeds: of the training {run['options']['seed']}{concepts}. Versions: {versions}.")


def share(value: float | None) -> str:
    """A share as people read it, in per cent."""
    return "not measured" if value is None else f"{100 * value:.1f} %"


def _shape(shape: Sequence[int | None] | Mapping[str, Sequence[int | None]]) -> str:
    """What B reads; of several inputs each with its name."""
    if isinstance(shape, Mapping):
        return " and ".join(f"{name} {_shape(one)}" for name, one in shape.items())
    return " x ".join("any" if size is None else str(size) for size in shape)


def markdown_table(header: tuple[str, ...], rows: list[tuple[Any, ...]]) -> str:
    lines = [header, tuple("---" for _ in header), *rows]
    return "\n".join("| " + " | ".join(markdown_cell(cell) for cell in line) + " |" for line in lines)


def markdown_cell(value: Any) -> str:
    """A value as the text of one Markdown cell: no line breaks, no pipes, no markup of its own."""
    text = " ".join(str(value).split())
    for mark in "\\|<>`":
        text = text.replace(mark, "\\" + mark)
    return text
