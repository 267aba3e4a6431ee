"""fuse --method rows: the rows of B's Embedding from what the graph knows of words; nothing is trained."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.files import sha256_file
from kgkt.recipe import Recipe, Target
from kgkt.rundir.beside import foretold_as, foretold_beside, foretold_in_words
from kgkt.rundir.current import CurrentGraph, open_graph_store, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.row_carry import RowStrength, ends_of_rows, let_wait_for, remember_ends, rows_waiting
from kgkt.rundir.row_edits import (
    Edges,
    RowEdit,
    deleted_edits,
    edges_of_rows,
    row_edits,
    unseen,
)
from kgkt.rundir.row_stage import STAGE, cut_by, in_graph, inputs_of_rows, provenance, told_of
from kgkt.rundir.row_target import look_at_rows
from kgkt.rundir.rows_again import remember_extended
from kgkt.rundir.state import Say, open_run, record
from kgkt.rundir.word_features import word_vectors
from kgkt.rundir.words import ITEMS_ARE_WORDS, listed_words, need_words
from kgkt.verbs.row_figures import figures_of_rows
from kgkt.verbs.row_notices import NOT_FOUND, notices_of_rows

if TYPE_CHECKING:
    import numpy as np

    from kgkt.store.protocol import Store
    from kgkt.transfer.words.row_length import Tried
    from kgkt.transfer.words.row_plan import Space, Words
    from kgkt.transfer.words.vocabulary import Vocabulary

SHOWN = 5  # words that a refusal gives of each side


@dataclass(frozen=True, slots=True)
class WroteRows:
    """What `fuse --method rows` wrote.

    Args:
        model: B with its new rows, an open Keras model.
        out: its file.
        figures: counts of rows, lengths, and what the learned map explains; None where there is none.
        options: as used.
        notices: what the user should hear.
        seconds: "rows" (matching, reckoning, writing into the model), "graph" (blocks into the database), "file".
    """

    model: Any
    out: Path
    figures: dict[str, Any]
    options: dict[str, Any]
    notices: tuple[str, ...]
    seconds: dict[str, float]


def write_rows(recipe: Recipe, say: Say, force: bool = False) -> WroteRows:
    """Write the rows of B's Embedding from the concepts and vectors of its words, save B, and tell the graph.

    Args:
        recipe: what to do.
        say: takes notices.
        force: replace what stands at [target] out.

    Raises:
        UsageError, InputError: what cannot be done, before anything is written.
    """
    from kgkt.source.models import open_model
    from kgkt.transfer.card import check_output
    from kgkt.transfer.words.embeddings import need_embedding, rows_of
    from kgkt.transfer.words.row_card import write_row_card
    from kgkt.transfer.words.row_plan import check_options
    from kgkt.transfer.words.vocabulary import vocabulary_of

    target = recipe.target
    run, path, out = open_run(recipe), *_places(target)
    check_output(out, path, force)
    check_options(target.rank, target.row_norm, target.projection, target.test)
    look_at_rows(target)
    need_words(recipe, run)
    model = open_model(path, target.imports, recipe.source.allow_legacy)
    listed = listed_words(target.vocabulary)
    vocabulary = vocabulary_of(model, target.layer, listed, special=target.special, name=path.name)
    layer = need_embedding(model, vocabulary.layer, path.name)[1]
    made = foretold_beside(path, vocabulary.layer, vocabulary.rows)
    early = [*vocabulary.notices, *(
        [foretold_in_words(path, int(made.sum()), "those that the graph has are written anew")] if made.any() else [])]
    for notice in early:
        say(notice)
    begun = time.perf_counter()
    with open_graph_store(recipe, run, write=target.map) as store:
        current = read_current(store, run, say)
        found = _find(recipe, vocabulary, current)
        words = _words(run, current, vocabulary, found, rows_of(layer), layer, target, made)
        edits, wait = row_edits(store, run, path.stem, vocabulary, words, current, say) if target.map else ([], [])
        if target.map:
            edits += deleted_edits(store, run, path.stem, vocabulary, words, current, say)
        edges, strength = edges_of_rows(words, current, edits, _keeps(words, target))
        wait += [edit.waits(path.stem, vocabulary.layer) for edit in unseen(edits, edges)]
        _refuse_trained(words, strength, target, path, vocabulary)
        norm, tried = _length(recipe, run, model, layer, words, strength, say)
        rows, s, space, options = _rows(words, strength, target, norm)
        layer.embeddings.assign(rows)
        seconds = {"rows": time.perf_counter() - begun}
        begun = time.perf_counter()
        blocks = ends = None
        if target.map:
            blocks, ends = _tell_graph(store, run, path, model, layer, vocabulary, edges, edits, wait)
    seconds["graph"] = time.perf_counter() - begun
    told = in_graph(run, path, vocabulary, edges) if target.map else None
    if target.map:
        remember_ends(run, path.stem, vocabulary.layer, ends_of_rows(run, vocabulary.named(), words.home()))
    figures = figures_of_rows(vocabulary, words, current, edges, s, space, rows, options["rank"])
    missing = figures["not_found"]
    figures |= {"blocks": blocks, "length_chosen": norm if tried else None,
                "tried": None if tried is None else [one.to_json() for one in tried],
                "not_found": missing[:NOT_FOUND],
                "cut_by": cut_by(recipe, run, len(current.ids), missing)}  # fmt: skip
    late = notices_of_rows(target, model, layer, vocabulary, current.ids.tolist(), words, space, figures)
    for notice in late:
        say(notice)
    notices = (*early, *late)
    begun = time.perf_counter()
    options = {"layer": vocabulary.layer, "words": vocabulary.source, **options}
    facts = provenance(run, current) | foretold_as(vocabulary.layer, made | (s > 0))
    write_row_card(model, out, path, figures, options, notices, facts, force)
    seconds["file"] = time.perf_counter() - begun
    kept = {"model": path.stem, "layer": vocabulary.layer, **figures, "in_graph": told, "strengths": ends}
    record(run, STAGE, inputs_of_rows(recipe, run, current, edges), {"model": sha256_file(out)}, kept,
           {"target": told_of(target)})  # fmt: skip
    if target.map:
        let_wait_for(run, path.stem, vocabulary.layer, wait)
        remember_extended(run, path.stem, None)
    return WroteRows(model, out, figures, options, notices, seconds)


def _places(target: Target) -> tuple[Path, Path]:
    """B's file and that of what is written.

    Raises:
        UsageError: one is not named, or what does not go with rows is asked for.
    """
    if not target.model:
        raise UsageError("which model B? --target b.keras")
    if not target.out:
        raise UsageError("where to? --out b-rows.keras")
    asked = {"--grow": target.grow, "--carry": target.carry, "--require-gain": target.require_gain,
             "--temperature": target.temperature, "--class-weights": target.class_weights}  # fmt: skip
    if wrong := [flag for flag, value in asked.items() if value]:
        raise UsageError(f"--method rows writes rows and trains nothing: leave out {' and '.join(wrong)}, or give what "
                         "it writes to a second fuse as --target")
    return Path(target.model), Path(target.out)


def _find(recipe: Recipe, vocabulary: Vocabulary, current: CurrentGraph) -> np.ndarray:
    """(rows,) the item that is the word of each of B's rows, -1 where there is none.

    Raises:
        InputError: the graph holds none of B's words.
    """
    import numpy as np

    from kgkt.transfer.words.vocabulary import better_match, match

    target, ids = recipe.target, current.ids.tolist()
    found = match(vocabulary.words, ids, target.lower, target.strip_accents)
    if not (found >= 0).any():
        flags, most = better_match(vocabulary.words.tolist(), ids, target.lower, target.strip_accents)
        ours = ", ".join(repr(word) for word in [w for w in vocabulary.words if w is not None][:SHOWN])
        theirs = ", ".join(repr(word) for word in ids[:SHOWN])
        hint = (f"{count(most, 'word')} would be found with {flags}" if flags else
                f"The graph's {ITEMS_ARE_WORDS}")
        raise InputError(f"none of the words of {vocabulary.source} is an item of the graph.\n"
                         f"  words of B   {ours or 'none'}\n  items        {theirs}\n{hint}")
    return np.concatenate([found, np.full(vocabulary.rows - len(found), -1, np.int64)])


def _words(
    run: RunDir, current: CurrentGraph, vocabulary: Vocabulary, found: np.ndarray, own: np.ndarray, layer: Any,
    target: Target, made: np.ndarray,
) -> Words:  # fmt: skip
    """What A knows of B's words, and which of B's rows something trained: none that kgkt itself `made`."""
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.transfer.words.embeddings import learned_rows
    from kgkt.transfer.words.row_plan import Words

    at = np.flatnonzero(found >= 0)
    nearest = nearest_concept(current.Z)
    vectors, centroids = word_vectors(run, nearest, len(current.graph), found[at])
    fresh = target.projection in ("pca", "whitened")  # as into a B that nothing trained
    learned = np.zeros(len(own), bool) if fresh else learned_rows(layer, target.seed) & ~made
    return Words(own, learned, at, vectors, nearest[found[at]], centroids)


def _keeps(words: Words, target: Target) -> bool:
    """Whether rows that B trained stay as they are."""
    from kgkt.transfer.words.row_plan import uses_learned

    return uses_learned(words, target.projection) and not target.replace


def _refuse_trained(words: Words, strength: Any, target: Target, path: Path, vocabulary: Vocabulary) -> None:
    """Refuse a B that trained every row that could be written, where people gave none of these a strength.

    Raises:
        InputError: as said.
    """
    if _keeps(words, target) and words.learned[words.at].all() and not strength.nnz:
        raise InputError(f"all {count(len(words.at), 'row')} of {vocabulary.layer} of words that the graph has were "
                         f"trained in {path.name} already, and stay: nothing is left to write. --replace writes "
                         "over them, which takes from B what they learned; kgkt extend-vocabulary gives B words that "
                         "it never saw")


def _length(
    recipe: Recipe, run: RunDir, model: Any, layer: Any, words: Words, strength: Any, say: Say
) -> tuple[float | None, tuple[Tried, ...] | None]:
    """The mean length of rows, None for B's own; and what was tried, where texts are to choose it."""
    from kgkt.rundir.row_length import tuned_length
    from kgkt.transfer.words.row_length import best_length
    from kgkt.transfer.words.row_plan import read_norm, wants_tuned

    asked = recipe.target.row_norm
    if not wants_tuned(asked):
        return read_norm(asked), None
    tried = tuned_length(recipe, run, model, layer, words,
                         lambda long: _rows(words, strength, recipe.target, long)[0], say)  # fmt: skip
    return best_length(tried), tried


def _rows(
    words: Words, strength: Any, target: Target, norm: float | None
) -> tuple[np.ndarray, np.ndarray, Space, dict[str, Any]]:
    """The rows, how much of each is planned, how they came into B's space, and the options as used."""
    from kgkt.transfer.words.row_plan import into_b, read_rank, written_rows

    d, width = words.vectors.shape[1], words.own.shape[1]
    rank = read_rank(target.rank, width, d)
    space = into_b(words, target.projection, rank, norm, target.seed, _keeps(words, target))
    rows, s = written_rows(words, strength, rank, space)
    return rows, s, space, {
        "rank": "full" if rank is None else rank, "row_norm": space.norm, "projection": space.by, "from_width": d,
        "lower": target.lower, "strip_accents": target.strip_accents, "replace": target.replace, "seed": target.seed,
    }  # fmt: skip


def _tell_graph(
    store: Store, run: RunDir, path: Path, model: Any, layer: Any, vocabulary: Vocabulary, edges: Edges,
    edits: list[RowEdit], wait: list[RowStrength],
) -> tuple[int, int]:  # fmt: skip
    """Blocks of the rows and their concepts into the graph, counted; until that is done the edits wait in run.json.

    What stands there already is left alone: the edits are read from there.
    """
    from kgkt.store.readback import rows
    from kgkt.store.rows import write_rows as write_blocks

    named = sum(word is not None for word in vocabulary.words)

    def counted(name: str) -> int:
        return int(rows(store, name, graph=run.graph, model=path.stem, layer=vocabulary.layer)[0]["n"])

    there = [counted("count_rows"), counted("count_row_strengths")]
    waits = any(entry[1:3] == (path.stem, vocabulary.layer) for entry in rows_waiting(run) if entry not in wait)
    last = run.state()["stages"].get(STAGE, {}).get("figures", {}).get("in_graph")
    if there == [named, len(edges)] and not waits and last == in_graph(run, path, vocabulary, edges):
        return named, len(edges)
    let_wait_for(run, path.stem, vocabulary.layer, [*wait, *(e.waits(path.stem, vocabulary.layer) for e in edits)])
    remember_ends(run, path.stem, vocabulary.layer, None)
    node = {"name": path.stem, "role": "target", "framework": "keras", "sha256": sha256_file(path),
            "n_weights": int(model.count_params())}  # fmt: skip
    blocks = write_blocks(store, run.graph, node, vocabulary.layer, layer.embeddings.path, vocabulary.words.tolist(),
                          edges)  # fmt: skip
    return blocks, counted("count_row_strengths")
