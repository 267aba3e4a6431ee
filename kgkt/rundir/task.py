"""The user's own A, pool and B as a task of an evaluation: views, true classes, B and its test set."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.files import digest_value, load_arrays, make_folder
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.reading import pool_reading
from kgkt.rundir.state import Say, made_by, settings_of
from kgkt.rundir.target_model import open_target, read_for_target, refuse_shift, target_inputs, taught_model
from kgkt.source.choose import source_of

if TYPE_CHECKING:
    import numpy as np

    from kgkt.proof.task import Task
    from kgkt.proof.view import View
    from kgkt.source.inputs import Data


def make_task(
    recipe: Recipe, run: RunDir, out: Path, say: Say, *, truth: str | None, with_b: bool, with_untrained: bool,
    allow_overlap: bool, second: str | None = None,
) -> Task:
    """The task of a populated graph.

    Args:
        recipe, run: of the graph.
        out: folder that keeps the features of an untrained A.
        say: takes notices.
        truth: CSV with the class of every item; None reads y of the pool's file.
        with_b: whether B has a part.
        with_untrained: whether an untrained copy of A reads the pool.
        allow_overlap: go on with a test set that holds items of the pool.
        second: items with the classes of another task, to read from B's last hidden layer.
    """
    import numpy as np

    from kgkt.proof.task import Task
    from kgkt.proof.view import embedded
    from kgkt.source.parquet import open_features
    from kgkt.store.keys import natural
    from kgkt.transfer.teacher import read_prior

    arrays, _ = load_arrays(made_by(run, "populate", "embedding.safetensors"))
    features = open_features(run.need("features.parquet", "populate"))
    ids = features.ids
    data = pool_data(recipe, run)
    true = true_classes(recipe, run, truth, data, ids, say)
    names = recipe.target.classes or tuple(sorted(set(true.tolist()), key=natural))
    unknown = sorted(set(true.tolist()) - set(names))
    if unknown:
        raise InputError(f"the pool has the class {unknown[0]!r}, which [target] classes does not name")
    place = {name: index for index, name in enumerate(names)}
    text = data is not None and data.kind == "text"
    b, pool_x, test = target_of(recipe, run, ids, names, allow_overlap, say) if with_b else (None, None, None)
    other = None if second is None else second_of(recipe, run, b, pool_x, second, names, say)
    raw = None if data is None or text else data
    fresh = seen_untrained(recipe, run, data, out, say) if with_untrained and data else None
    return Task(
        run.graph,
        embedded(arrays["vectors"], arrays["head"]),
        np.array([place[name] for name in true.tolist()]),
        names,
        features=features,
        prior=read_prior(recipe.teach.prior, recipe.teach.balanced, names),
        raw_inputs=seen_raw(raw, ids) if raw is not None else None,
        untrained=fresh,
        b=b,
        pool_x=pool_x,
        test_x=None if test is None else test[0],
        test_y=None if test is None else test[1],
        text=text,
        concepts=run.state()["stages"]["populate"]["figures"]["concepts"],
        own_answer=own_answer(recipe, data, names),
        second=other,
    )


def pool_data(recipe: Recipe, run: RunDir) -> Data | None:
    """The pool's own file, if it is known and still there."""
    from kgkt.source.inputs import read_data

    known = settings_of(run, "populate")
    path = recipe.source.data or known.get("data")
    if not path or not Path(path).exists():
        return None
    return read_data(path, **pool_reading(recipe, run), folder_labels=recipe.source.folder_labels,
                     size=recipe.source.size or known.get("size"))  # fmt: skip


def true_classes(
    recipe: Recipe, run: RunDir, path: str | None, data: Data | None, ids: np.ndarray, say: Say
) -> np.ndarray:
    """(n,) the true class of every item: from a label file, else from y of the pool.

    Raises:
        InputError: neither is there, or items are missing.
    """
    import numpy as np

    if path is not None:
        from kgkt.source.labels import read_label_file
        from kgkt.source.texts import columns_there

        teach, target, there = recipe.teach, recipe.target, columns_there(Path(path))
        asked = [mine if mine in there else theirs for mine, theirs in (
            (target.id_column, teach.id_column), (target.class_column, teach.class_column))]  # fmt: skip
        own = pool_reading(recipe, run)["id_column"]
        said = read_label_file(
            Path(path), frozenset(ids.tolist()), asked[0], asked[1], target.classes, own, beyond=True)
        if said.outside:
            say(f"{path}: {count(said.outside, 'row')} of items that the pool does not have, passed over")
        known = {row.item_id: row.name for row in said.rows if not row.tick}
        where = path
    elif data is not None and data.y is not None:
        known = dict(zip(data.ids.tolist(), data.y.tolist(), strict=True))
        where = "the pool's y"
    else:
        raise InputError(
            "the true classes of the pool are not known, and nothing can be judged without them: give --truth "
            "truth.csv (item_id,class of every item), save y in the pool's .npz, or populate a table of texts with "
            "--class-column. Only draws and judge see them"
        )
    missing = [item for item in ids.tolist() if item not in known]
    if missing:
        raise InputError(f"{where} lacks the class of {len(missing)} of {len(ids)} items, e.g. {missing[0]!r}")
    return np.array([known[item] for item in ids.tolist()])


def target_of(
    recipe: Recipe, run: RunDir, ids: np.ndarray, names: tuple[str, ...], allow_overlap: bool, say: Say
) -> tuple[Any, Any, tuple[Any, np.ndarray] | None]:
    """B's factory, the pool as B reads it and the test set; three times None where B is left out, which is said."""
    from kgkt.transfer.blocks import check_target
    from kgkt.transfer.inputs import in_memory
    from kgkt.transfer.outputs import in_words, read_outputs

    if not recipe.target.model or not recipe.target.test:
        missing = "--target b.keras" if not recipe.target.model else "--test test.npz"
        say(f"B is left out, only the answers for the pool are compared: {missing} is missing")
        return None, None, None
    opened, file = open_target(recipe), Path(recipe.target.model).name
    model = opened.model
    for notice in opened.notices:
        say(notice)
    check_target(model, names, file=file)
    if words := in_words(read_outputs(model, recipe.target.from_logits), names, file):
        say(words)
    x, test = target_inputs(recipe, run, model, ids, names, say)
    assert test is not None
    x, test_x = in_memory(x), in_memory(test[0])
    refuse_overlap(x, test_x, ids, allow_overlap, say)
    return partial(taught_model, recipe), x, (test_x, test[1])


def second_of(
    recipe: Recipe, run: RunDir, b: Any, pool: Any, named: str, names: tuple[str, ...], say: Say
) -> tuple[np.ndarray, np.ndarray]:
    """Items (m, ...) of a second task as B reads them, and their classes (m,) as indices.

    Raises:
        InputError: there is no B to read them with, none whose last hidden layer is known, or no classes; too few
            items of a class, or items of another range than the pool.
    """
    import numpy as np

    from kgkt.proof.second import check_second
    from kgkt.transfer.carry import last_hidden
    from kgkt.transfer.inputs import in_memory

    if b is None:
        raise InputError(f"--second {named} is read from a B's last hidden layer: give --target and --test, and leave "
                         "out --recommend and --train-b none")
    model = b()
    last_hidden(model)
    data, x = read_for_target(recipe, run, model, named, names, say)
    if data.y is None:
        raise InputError(f"{named} has no classes: save them as y beside x, or name their column with --class-column")
    at, _ = check_second(np.asarray(data.y), named)
    refuse_shift(model, ("the pool", pool), (named, x), recipe.target.allow_shift, say)
    return in_memory(x), at


def refuse_overlap(pool: Any, test: Any, ids: np.ndarray, allowed: bool, say: Say) -> None:
    """Refuse a test set that holds rows of the pool: B would be judged on what it learned from.

    Raises:
        InputError: identical rows, with their count and the first one.
    """
    import numpy as np

    from kgkt.transfer.inputs import by_name

    def rows(x: Any) -> list[Any]:
        if "" not in (arrays := by_name(x)):
            return list(zip(*map(rows, arrays.values()), strict=True))
        if x.dtype == object:
            return [str(value) for value in x.tolist()]
        flat = np.ascontiguousarray(x, np.float32).reshape(len(x), -1)
        return [row.tobytes() for row in flat]

    known = dict(zip(rows(pool), ids.tolist(), strict=True))
    same = [(number, known[row]) for number, row in enumerate(rows(test)) if row in known]
    if not same:
        return
    shown = f"{len(same)} of {len(test)} test items are items of the pool, e.g. row {same[0][0]} is {same[0][1]!r}"
    if not allowed:
        raise InputError(f"{shown}: take them out of one of the two, or pass --allow-overlap")
    say(f"{shown}: allowed, and the test accuracy flatters every row")


def seen_raw(data: Data, ids: np.ndarray) -> View:
    """The pool as its own inputs show it."""
    import numpy as np

    place = {item: row for row, item in enumerate(data.ids.tolist())}
    rows = np.array([place[item] for item in ids.tolist()])
    return _seen({"inputs": np.asarray(data.x[rows], np.float32)}, ids, "inputs")


def _seen(layers: dict[str, np.ndarray], ids: np.ndarray, source: str) -> View:
    from kgkt.concepts.embed import fit_embedding
    from kgkt.proof.view import embedded, write_arrays

    with tempfile.TemporaryDirectory(prefix="kgkt-evaluate-") as folder:
        embedding = fit_embedding(write_arrays(Path(folder) / "seen.parquet", ids, layers, source))
    return embedded(embedding.vectors, embedding.head)


def seen_untrained(recipe: Recipe, run: RunDir, data: Data, out: Path, say: Say) -> View | None:
    """The pool through a copy of A with fresh random weights; its features are kept in `out`."""
    from kgkt.concepts.embed import HEAD_DIMS, apply_maps, fit_maps
    from kgkt.concepts.sources import layer_shares
    from kgkt.proof.view import embedded
    from kgkt.source.parquet import open_features

    source = source_of(recipe.source)
    if source is None or not source.has_model:
        return None
    made = run.state()["stages"]["populate"]["figures"]["layers"]
    layers = tuple(made) if recipe.source.also else recipe.source.layers or tuple(made)
    key = digest_value([*source.digests().values(), list(layers), recipe.source.pixels, data.digest])[:12]
    path = out / f"untrained-{key}.parquet"
    if not path.exists():
        say("reading the pool through an untrained copy of A")
        make_folder(out)
        source.untrained(data, path, layers)
    features, head_dims = open_features(path), None if data.kind == "text" else HEAD_DIMS
    weights = settings_of(run, "populate").get("weights", {}).get("weights")
    shares = None if weights is None else layer_shares(features.sources, weights)
    embedding = apply_maps(features, fit_maps(features, head_dims=head_dims, shares=shares))
    return embedded(embedding.vectors, embedding.head)


def own_answer(recipe: Recipe, data: Data | None, names: tuple[str, ...]) -> np.ndarray | None:
    """(n, c) A's own probabilities, where the recipe says that its outputs are B's classes; else None.

    Raises:
        InputError: [source] classes does not name B's classes, or A has another number of outputs.
    """
    if not recipe.source.classes:
        return None
    import numpy as np
    from scipy.special import expit

    from kgkt.transfer.blocks import check_single
    from kgkt.transfer.outputs import read_outputs

    classes, source = recipe.source.classes, source_of(recipe.source)
    if source is None or not source.has_model or data is None:
        raise InputError("[source] classes says that A's outputs are B's classes: give --model and --data to ask A")
    classifier = source.classifier()
    absent = [name for name in names if name not in classes]
    if absent:
        raise InputError(f"[source] classes lacks {absent[0]!r}: it must name every class of B among A's outputs")
    model = classifier.model
    check_single(model)
    outputs = read_outputs(model, name="A", advice="Take classes out of [source]: A's answer is not compared then.")
    if outputs.classes != len(classes):
        raise InputError(f"A has {count(outputs.units, 'output')}, [source] classes names {len(classes)}")
    P = np.concatenate(list(classifier.batches(data)))
    if outputs.logits:
        P = expit(P) if outputs.each else np.exp(P - P.max(axis=1, keepdims=True))
    if outputs.units == 1:
        P = np.hstack([1 - P, P])
    P = P[:, [classes.index(name) for name in names]] + 1e-12
    return P / P.sum(axis=1, keepdims=True)
