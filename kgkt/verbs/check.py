"""check: what is there, what would be done, what it would take; nothing heavy is imported."""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.concepts.cluster import default_k
from kgkt.concepts.embed import DIMS, WORD_DIMS
from kgkt.errors import KgktError, count
from kgkt.recipe import Recipe
from kgkt.rundir.reading import other_reading
from kgkt.rundir.state import open_run, store_url
from kgkt.source.choose import source_of
from kgkt.source.describe import in_words
from kgkt.source.inputs import TEST
from kgkt.store.opening import embedded_path
from kgkt.verbs.plan import Plan, try_
from kgkt.verbs.stale import look_at_stages
from kgkt.verbs.trainer import trainer_command

if TYPE_CHECKING:
    from kgkt.source.inputs import Data
    from kgkt.source.model_config import Shape
    from kgkt.source.models import ModelInfo
    from kgkt.source.source import Look, Source


def check(recipe: Recipe) -> Plan:
    """Look at everything that a run would read.

    Args:
        recipe: with whatever is named so far.

    Returns:
        The plan; a broken file is a problem in it, not an error.
    """
    plan = Plan()
    drop, imports = recipe.source.drop_bad, (*recipe.source.imports, *recipe.target.imports)
    source, a = _source(plan, recipe)
    pool = _data(plan, recipe, recipe.source.data, None if a is None else a.input_shape, a.name if a else "", drop)
    b = _model(plan, recipe, imports)
    reads = recipe.target.method != "rows"  # rows are written whatever B reads
    if b is not None and len(b.inputs) > 1 and reads:
        _named(plan, recipe, b, drop)
    elif reads:
        shape = None if b is None else b.input_shape
        _data(plan, recipe, recipe.target.data, shape, drop_bad=drop, pool=pool, what="data")
        _data(plan, recipe, recipe.target.test, shape, pool=pool, what=TEST)
    if path := _there(plan, recipe, recipe.teach.labels):
        plan.add(str(path), "labels, imported once for each content", kind="labels", path=str(path))
    if source is not None and a is not None and pool is not None:
        for notice in try_(plan, partial(_beside, source, a, pool, str(recipe.source.data))) or ():
            plan.add("notice", notice, kind="notice")
    if b is not None and pool is not None and not recipe.target.data and reads:
        _fits(plan, recipe, b, pool)
    if not any((recipe.source.model, recipe.source.data, recipe.source.features, recipe.target.model)):
        plan.add("nothing named", "kgkt init writes a kgkt.toml to fill in; or give --model, --data, …")
    if recipe.target.trainer is not None:
        _trainer(plan, recipe)
    _memory(plan, recipe, a, pool)
    _store(plan, recipe)
    look_at_stages(plan, recipe)
    if b is not None and b.outputs is not None and reads:
        _outputs(plan, recipe, b, b.outputs)
    return plan


def _trainer(plan: Plan, recipe: Recipe) -> None:
    """The command of the recipe's own, which only `kgkt run --allow-trainer` runs."""
    if (command := try_(plan, lambda: trainer_command(recipe))) is not None:
        says = f"{shlex.join(command)}: a command of the recipe's own, run only by kgkt run --allow-trainer"
        plan.add("trainer", says, kind="trainer", command=command)


def _beside(source: Source, look: Look, pool: Data, path: str) -> list[str]:
    """What the source says of the pool, and whether it holds the items of features that it lies beside."""
    from kgkt.source.beside import match_pool

    held = source.held_ids()
    return [*source.check(look, pool), *([] if held is None else match_pool(pool, held, path, look.name)[1])]


def _there(plan: Plan, recipe: Recipe, path: str | None) -> Path | None:
    """A named file or folder, if it is there."""
    if not path:
        return None
    if Path(path).exists():
        return Path(path)
    plan.problems.append(f"{path} is not there" + (f": {recipe.path} names it" if recipe.path else ""))
    _broken(plan, path)
    return None


def _broken(plan: Plan, path: str) -> None:
    plan.add(path, "cannot be used, see below", kind="problem", path=path)


def _source(plan: Plan, recipe: Recipe) -> tuple[Source | None, Look | None]:
    """The source, and what it says of itself."""
    source = try_(plan, partial(source_of, recipe.source))
    if source is None or _there(plan, recipe, recipe.source.features or str(recipe.source.model_path)) is None:
        return source, None
    look = try_(plan, source.look)
    if look is None:
        _broken(plan, " + ".join(str(one.features or one.model_path) for one in recipe.source.each))
    else:
        for one in look.parts or (look,):
            plan.add(one.path.absolute().name, one.text, **one.fields)
        if look.chosen:
            plan.add("layers", look.chosen, kind="layers", layers=list(look.widths))
    return source, look


def _model(plan: Plan, recipe: Recipe, imports: tuple[str, ...]) -> ModelInfo | None:
    """What B's file says of itself."""
    from kgkt.source.describe import model_fields, outputs_in_words
    from kgkt.source.models import inspect_model

    path = _there(plan, recipe, recipe.target.model)
    if path is None:
        return None
    info = try_(plan, partial(inspect_model, path, imports))
    if info is None:
        _broken(plan, str(path))
        return None
    plan.add(path.name, outputs_in_words(info), **model_fields(info))
    if info.several_outputs and not recipe.target.output and recipe.target.method != "rows":
        plan.problems.append(f"{path} has several outputs: say which is taught, with --output or output in [target]; "
                             "kgkt map lists them" + _or_rows(info))
    return info


def _or_rows(b: ModelInfo) -> str:
    """What to add to a demand that rows of an Embedding do not make."""
    return " (fuse --method rows does without)" if "Embedding" in b.classes.values() else ""


def _data(
    plan: Plan, recipe: Recipe, named: str | None, shape: Shape | None, name: str = "", drop_bad: bool = False,
    pool: Data | None = None, what: str = "pool",
) -> Data | None:  # fmt: skip
    """What a pool or test file holds; pictures are brought to what a model of input `shape` reads.

    A model with a `name` refuses a size that it cannot take; what is broken is left out if `drop_bad`. What is not the
    pool is read by the columns that [target] names, else by those of `pool` that it has.
    """
    from kgkt.source.describe import data_fields, data_in_words
    from kgkt.source.inputs import read_data

    path = _there(plan, recipe, named)
    if path is None:
        return None
    data = try_(plan, lambda: read_data(
        path, what, drop_bad, size=_size(recipe, shape, name), **_columns(recipe, path, pool)))
    if data is None:
        _broken(plan, str(path))
        return None
    plan.add(path.name, data_in_words(data), path=str(path), **data_fields(data))
    return data


def _named(plan: Plan, recipe: Recipe, b: ModelInfo, drop_bad: bool) -> None:
    """What the files of a B with several inputs hold for each of them."""
    from kgkt.source.describe import data_fields, data_in_words
    from kgkt.source.named import read_named

    if not recipe.target.data:
        plan.problems.append(f"{b.path} has {len(b.inputs)} inputs ({', '.join(b.inputs)}): name its view of the pool "
                             f"with --target-data, a .npz with item_id and an array for each{_or_rows(b)}")
    for named, what, drop in ((recipe.target.data, "data", drop_bad), (recipe.target.test, TEST, False)):
        path = _there(plan, recipe, named)
        parts = None if path is None else try_(plan, partial(read_named, path, b.inputs, what, drop))
        if path is not None and parts is None:
            _broken(plan, str(path))
        for name, part in (parts or {}).items():
            plan.add(f"{path.name if path else ''} {name}", data_in_words(part), path=str(path), **data_fields(part))


def _columns(recipe: Recipe, path: Path, pool: Data | None) -> dict[str, Any]:
    """Which columns of a table are read, of the pool itself (None) or of what is read as the pool was."""
    source = recipe.source
    if pool is None:
        return {"id_column": source.id_column, "text_column": source.text_column, "class_column": source.class_column}
    if read := pool.columns:
        recipe = recipe.override("source", id_column=read.ids, text_column=read.text, class_column=read.classes)
    return other_reading(recipe, open_run(recipe, must_exist=False), path)


def _size(recipe: Recipe, shape: Shape | None, name: str = "") -> tuple[int, int] | None:
    """(h, w) that pictures are brought to for a model; one with a `name` refuses a size that it cannot take."""
    from kgkt.source.images import picture_size

    return picture_size(shape, recipe.source.size, name)


def _outputs(plan: Plan, recipe: Recipe, b: ModelInfo, units: int) -> None:
    """What B's outputs stand for, against the classes of the recipe, or of the graph once their order is fixed."""
    from kgkt.transfer.blocks import refuse_outputs
    from kgkt.transfer.grow import read_growth
    from kgkt.transfer.outputs import Outputs, in_words, refuse_activation

    known = [found.fields for found in plan.findings if found.fields.get("kind") == "classes"]
    names = recipe.target.classes or next((fields["classes"] for fields in known if fields["frozen"]), ())
    if recipe.target.grow:  # what B gets is not there yet
        new = try_(plan, lambda: read_growth(recipe.target.grow).classes) or ()
        names = tuple(name for name in names if name not in new)
    activation, said = b.last_activation, recipe.target.from_logits

    def words() -> str:
        if names:
            refuse_outputs(b.path.name, units, names)
        if activation is not None:
            refuse_activation(b.path.name, activation, units, said)
        if not names or (activation is None and said is None):
            return ""
        each = activation == "sigmoid" or units == 1
        return in_words(Outputs(units, said or activation == "linear", each), names, b.path.name)

    if told := try_(plan, words):
        plan.add("outputs", told, kind="outputs", path=str(b.path))


def _fits(plan: Plan, recipe: Recipe, b: ModelInfo, pool: Data) -> None:
    """What B reads against what the pool holds."""
    if b.input_shape is None:
        return
    if b.reads_text != (pool.kind == "text"):
        reads, has = ("texts", "numbers") if b.reads_text else ("numbers", "texts")
        plan.problems.append(f"{b.path} reads {reads}, the data is of {has}: name B's own data of the same "
                             "items with --target-data")
        return
    if b.reads_text:
        return
    given = tuple(pool.x.shape[1:])
    if pool.kind == "images" and (size := _size(recipe, b.input_shape)):
        given = (*size, *given[2:])
    differ = (w not in (None, g) for w, g in zip(b.input_shape, given, strict=False))
    if len(given) != len(b.input_shape) or any(differ):
        plan.problems.append(f"{b.path} reads {in_words(b.input_shape)}, the data has {in_words(given)}")


def _memory(plan: Plan, recipe: Recipe, a: Look | None, pool: Data | None) -> None:
    """The plan with sizes and estimated memory of populate."""
    n = None if a is None else len(pool) if pool is not None and a.items is None else a.items
    if a is None or n is None:
        return
    widths = list(a.widths.values())
    k = recipe.concepts.k or default_k(n)
    words = (a.parts or (a,))[0].fields.get("kind") == "words" or (pool is not None and pool.is_words)
    need = a.memory_mb + estimate_mb(n, widths, k, WORD_DIMS if words else DIMS)
    plan.memory_mb = round(need)
    shown = " + ".join(str(d or "?") for d in widths)
    known = None if None in widths else n * sum(d or 0 for d in widths) * 4
    plan.add("plan", f"populate {n:,} x ({shown}) into {count(k, 'concept')}, about {need:,.0f} MB", kind="plan",
             items=n, layers=a.widths, concepts=k, memory_bytes=round(need * 1e6), features_bytes=known)  # fmt: skip


def estimate_mb(n: int, widths: list[int | None], k: int, dims: int = DIMS) -> float:
    """Megabytes that populate needs beside its imports: sample, embedding, one block of distances, the graph."""
    total = sum(w or 0 for w in widths)
    sample = min(n, 20_000) * total * 4 * 4
    embedded = sum(min(dims, w or dims) for w in widths) or dims
    arrays = n * (embedded * 3 + 64) * 4 + n * 3 * 24
    return (sample + arrays + 2_000_000 * 16 + k * k * 8) / 1e6


def _store(plan: Plan, recipe: Recipe) -> None:
    try:
        run = open_run(recipe, must_exist=False)
        url = store_url(recipe, run)
    except KgktError as error:
        plan.problems.append(str(error))
        return
    server = embedded_path(url) is None
    leave = server and recipe.store.text
    where = ("texts and paths of items go to that server" if leave else "no texts or paths of items go there"
             if server else "texts and paths of items stay on this machine")  # fmt: skip
    plan.add("the store", f"{url}   {where}", kind="store", url=url, texts_leave=leave)
