"""predict: what items are that were never in the pool, by the graph or by B."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError
from kgkt.files import check_place, write_csv
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph, open_graph_store, read_current
from kgkt.rundir.features import pool_lengths
from kgkt.rundir.folder import RunDir
from kgkt.rundir.new_items import NewItems, new_memberships, read_new
from kgkt.rundir.state import Say, open_run
from kgkt.rundir.words import of_words_alone
from kgkt.source.arrays import rows_of
from kgkt.source.known_items import MADE_UP
from kgkt.source.texts import Columns
from kgkt.transfer.prediction import COLUMNS, Predicted
from kgkt.values import Targets
from kgkt.verbs.propagate import fresh_targets

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.source.inputs import Data

FEW_FAR = 0.03  # share of far items up to which nothing is said: 1 in 100 is usual


def predict(
    recipe: Recipe, say: Say, data: str | None = None, features: str | None = None, model: str | None = None,
    items: str | None = None, force: bool = False, progress: Any = None,
    named: tuple[str | None, str | None, str | None] = (None, None, None), columns: tuple[str, ...] = (),
) -> Predicted:  # fmt: skip
    """Say what new items are: by the graph alone, or by B.

    Args:
        recipe: of the graph; names A where `populate` was not told it, or A lies elsewhere now.
        say: takes notices.
        data: the new items, in any form of a pool.
        features: in place of data: the same layers of the new items, made elsewhere.
        model: a B that answers in the place of the graph.
        items: a CSV to write: item_id, class, mass, next_class, next_mass, concepts.
        force: replace `items` where it exists.
        progress: as for `populate`.
        named: of a table, the columns of item ids, texts and classes; else those of the pool, where it has them.
        columns: of a table of features, its columns of numbers; else as `populate` was told.

    Raises:
        UsageError: neither data nor features, or both; columns of data.
        InputError: items that A or B cannot read, other layers, another A than the graph was made with.
    """
    if (data is None) == (features is None):
        raise UsageError("which items? --data new.npz, a folder or a .csv, or --features new.parquet")
    if model is not None and data is None:
        raise UsageError("B reads the items themselves: --data, not --features")
    if columns and features is None:
        raise UsageError("--columns are those of a table of features: give --features")
    if items is not None and Path(items).exists() and not force:
        raise InputError(f"{items} exists: --force replaces it")
    if items is not None:
        check_place(Path(items))
    run = open_run(recipe)
    if model is not None and data is not None:
        told = dict(zip(("id_column", "text_column", "class_column"), named, strict=True))
        done = _by_b(recipe.override("target", **told), run, data, model, say)
    else:
        asked = Columns(text=named[1], ids=named[0], classes=named[2])
        done = _by_graph(recipe, run, data, features, asked, columns, say, progress)
    if items is not None:
        write_csv(Path(items), ("item_id", *COLUMNS[1:]), done.lines())
    return done


def _by_graph(
    recipe: Recipe, run: RunDir, data: str | None, features: str | None, asked: Columns, columns: tuple[str, ...],
    say: Say, progress: Any,
) -> Predicted:  # fmt: skip
    """Through A, the maps of the embedding, and the answer of the nearest items of the pool."""
    new = read_new(recipe, run, data, features, asked, columns, say, progress)
    given, names = new.data, None if new.data is None else _names(run, new.data)
    rows = None if given is None else rows_of(new.ids.tolist(), given.ids.tolist())
    if given is not None and names is not None:
        new = dataclasses.replace(new, ids=names[rows_of(given.ids.tolist(), new.ids.tolist())])
    current, targets = fresh_targets(recipe, run, say)
    Z = new_memberships(run, new.vectors)
    P, reached = answers_for(new, Z, current, targets)
    q = Z.indptr[1] - Z.indptr[0]
    nearest = current.into[Z.indices].reshape(len(new.ids), q)
    far = _far(run, new.vectors, new.pool["vectors"], new.lengths, new.maps, say)
    done = Predicted(new.ids, P, targets.names, reached, nearest, Z.data.reshape(len(new.ids), q),
                     tuple(str(name) for name in current.graph.names), far)  # fmt: skip
    if given is None or names is None or rows is None:
        return done
    done = _as_given(done, names, rows)
    return dataclasses.replace(done, right=_right(done, given), texts=given.text)


def _names(run: RunDir, given: Data) -> np.ndarray:
    """(g,) what items are called: by their ids; in a graph of words those that bring no ids are the words."""
    import numpy as np

    numbered = all(MADE_UP.fullmatch(item) and int(item[1:]) == i for i, item in enumerate(given.ids.tolist()))
    if given.text is None or not numbered or not of_words_alone(run):
        return given.ids
    return np.array([text.strip() for text in given.text], dtype=str)


def _as_given(done: Predicted, names: np.ndarray, rows: np.ndarray) -> Predicted:
    """A row for each item that was given, in that order; one that A does not know has no class and no concept.

    Args:
        done: of those that A knows.
        names: (g,) of those given.
        rows: (g,) where each stands in `done`, -1 of one that A does not know.
    """
    import numpy as np

    known = rows >= 0
    assert done.concepts is not None
    assert done.strengths is not None
    return dataclasses.replace(
        done, ids=names, reached=known & done.reached[rows],
        P=np.where(known[:, None], done.P[rows], 1 / done.P.shape[1]),
        concepts=np.where(known[:, None], done.concepts[rows], -1),
        strengths=np.where(known[:, None], done.strengths[rows], 0.0),
    )  # fmt: skip


def answers_for(
    new: NewItems, Z: csr_matrix, current: CurrentGraph, targets: Targets
) -> tuple[np.ndarray, np.ndarray]:
    """What the graph says of new items: (m, c) probabilities, and (m,) whether knowledge reaches an item.

    Args:
        new: the items, embedded.
        Z: (m, k) their memberships, not folded.
        current, targets: of the graph.
    """
    import numpy as np

    from kgkt.concepts.merge import fold_memberships
    from kgkt.transfer.new_items import SAME, answer_new, round_new

    vectors, pool = new.vectors, new.pool["vectors"]
    P, reached = answer_new(vectors, pool, targets.P, targets.weight)
    taught = (targets.weight > 0) & (True if targets.ticked is None else targets.ticked < 0)
    P = round_new(P, reached, new.head, new.pool["head"], targets.P, taught)
    folded = fold_memberships(Z, current.into)
    dark = np.asarray(folded[:, current.graph.active].sum(axis=1)).ravel() <= 0  # all its concepts are switched off
    P[dark], reached[dark] = 1 / P.shape[1], False
    place = {item: row for row, item in enumerate(current.ids.tolist())}
    for i, item in enumerate(new.ids.tolist()):  # an item of the pool has its answer there
        row = place.get(item)
        if row is not None and np.linalg.norm(vectors[i] - pool[row]) <= SAME:
            P[i], reached[i] = targets.P[row], targets.weight[row] > 0
    return P, reached


def _by_b(recipe: Recipe, run: RunDir, data: str, model: str, say: Say) -> Predicted:
    """What B answers for the items as it reads them; the order of its outputs is that of the graph's classes."""
    import numpy as np

    from kgkt.rundir.target_model import open_target, read_for_target
    from kgkt.transfer.trainer import Trainer

    recipe = recipe.override("target", model=model)
    b = open_target(recipe).model
    with open_graph_store(recipe, run) as store:
        names = read_current(store, run, say, recipe.target.classes).labels.names
    read, x = read_for_target(recipe, run, b, data, names, say)
    P = Trainer(b, from_logits=recipe.target.from_logits).predict(x)
    total = P.sum(axis=1, keepdims=True)
    P = np.divide(P, total, out=np.full_like(P, 1 / P.shape[1]), where=total > 0)
    done = Predicted(_names(run, read), P, names, np.ones(len(P), bool))
    return dataclasses.replace(done, right=_right(done, read), texts=read.text)


def _far(
    run: RunDir, vectors: np.ndarray, pool: np.ndarray, lengths: np.ndarray,
    maps: dict[str, tuple[np.ndarray, np.ndarray]], say: Say,
) -> int:  # fmt: skip
    """How many new items are unlike the pool; said where they are many. Without the pool's features, by place alone."""
    import numpy as np

    from kgkt.transfer.new_items import ASKED, far_from, other_scale

    known = pool_lengths(run, maps, ASKED)
    scaled = np.zeros(len(vectors), bool) if known is None else other_scale(lengths, known)
    far = int((far_from(vectors, pool) | scaled).sum())
    if far > FEW_FAR * len(vectors):
        why = f", {scaled.sum()} by their scale (are features scaled as the pool's are?)" if scaled.any() else ""
        say(f"{far} of {len(vectors)} items lie farther from the pool than 99 of 100 of its items do from one another"
            f"{why}: they may be of no class that the graph knows")
    return far


def _right(done: Predicted, data: Data | None) -> float | None:
    """Share of items whose class is the one that the data gives; None where it gives none."""
    if data is None or data.y is None:
        return None
    return sum(known == name for known, name in zip(data.y.tolist(), done.classes, strict=True)) / len(done)
