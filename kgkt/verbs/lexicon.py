"""lexicon: which words of two languages translate each other, from two sets of word vectors and a few pairs."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.files import atomic, check_place
from kgkt.recipe import Recipe
from kgkt.rundir.current import CurrentGraph, open_graph_store, own_info, read_current
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run, population, store_database, store_url
from kgkt.source.words.files import read_words
from kgkt.source.words.known_pairs import KnownPairs, know_pairs
from kgkt.source.words.pairs import WordPairs, given_pairs
from kgkt.store.lexicon import merges
from kgkt.transfer.words.dictionary import COLUMNS, Counterparts, Lexicon, counterparts, doubt
from kgkt.transfer.words.lexicon import Pairs, Space, align, candidates, crowded, levelled
from kgkt.transfer.words.lexicon_confidence import (
    BEST,
    Confidence,
    bands,
    in_turn,
    judged,
    learn_confidence,
    pairs_of,
    precision,
)

if TYPE_CHECKING:
    import numpy as np

SEED = 0  # of the parts in which words are held out


@dataclass(frozen=True, slots=True)
class Wanted:
    """How a lexicon is made.

    Args:
        seeds: pairs that are known, a file or as `given_pairs` takes them.
        test: pairs to measure by, in the same forms; else words of the seeds are held out in turn.
        out: file to write, as TSV.
        rounds: how often words choose each other.
        most_frequent: how many words of either language may.
        words: how many of the most frequent words of each file are read.
        best: translations of each word.
        lower: take the pairs in lower case.
        encoding: of the files of vectors.
        force: replace `out`.
    """

    seeds: Any
    test: Any = None
    out: str | None = None
    rounds: int = 5
    most_frequent: int = 8000
    words: int = 50_000
    best: int = 5
    lower: bool = False
    encoding: str = "utf-8"
    force: bool = False


@dataclass(frozen=True, slots=True)
class _Language:
    """Words with vectors (n, d) from `levelled`, where each word stands, and which rows of the file they are."""

    name: str
    words: list[str]
    vectors: np.ndarray
    rows: dict[str, int]
    kept: np.ndarray


def lexicon_of_files(source: str, target: str, wanted: Wanted, say: Say) -> Lexicon:
    """Make a lexicon from two files of word vectors.

    Args:
        source, target: the files, the most frequent words first.
        wanted: how.
        say: takes notices.

    Raises:
        UsageError: numbers that make no sense.
        InputError: files that cannot be used, pairs of which too few are known or that stand the other way round.
    """
    _check(wanted)
    if Path(source).resolve() == Path(target).resolve():
        raise UsageError(f"--source and --target are the same file, {source}: name the vectors of two languages")
    told = _told(wanted)
    clock = time.perf_counter()
    languages = []
    for path in (source, target):
        found = read_words(path, limit=wanted.words, encoding=wanted.encoding)
        for notice in found.notices:
            say(notice)
        languages.append(_language(Path(path).name, found.words.tolist(), found.vectors, say))
    read = time.perf_counter() - clock
    done, _, _ = _made(languages[0], languages[1], wanted, told, say)
    return _written(dataclasses.replace(done, seconds={"read": read, **done.seconds}), wanted)


def lexicon_of_graphs(recipe: Recipe, other: str, wanted: Wanted, say: Say) -> Lexicon:
    """Make a lexicon of two graphs of words, and write into the database which of their concepts translate.

    The vectors are the features that the graphs were made from, all layers side by side.

    Args:
        recipe: of the graph of the source.
        other: the graph of the target, in the same run directory.
        wanted, say: as for `lexicon_of_files`.

    Raises:
        UsageError, InputError: as `lexicon_of_files`; a graph with itself, two databases, no such graph.
    """
    _check(wanted)
    wanted = dataclasses.replace(wanted, words=0)  # all words of a graph are read
    run, theirs = open_run(recipe), dataclasses.replace(recipe, graph=other)
    if run.graph == other:
        raise UsageError(f"graph {other} with itself: name the graphs of two languages, --graphs en,fr")
    second = open_run(theirs)
    if _place(recipe, run) != _place(theirs, second):
        raise InputError(f"{run.graph} and {other} are in two databases: populate both into one")
    told, made = _told(wanted), (population(run), population(second))
    clock = time.perf_counter()
    with open_graph_store(recipe, run) as store:
        graphs, merged = [read_current(store, one, say) for one in (run, second)], merges(store, run.graph, other)
    languages = [_words_of(one, graph, say) for one, graph in zip((run, second), graphs, strict=True)]
    read = time.perf_counter() - clock
    done, space, sure = _made(languages[0], languages[1], wanted, told, say)
    found = _between(done, space, sure, graphs, languages, wanted)
    _store(recipe, (run, second), made, found, merged)
    on = graphs[0].graph.active[found.first] & graphs[1].graph.active[found.second]
    lacking = tuple(int((graph.graph.active & (graph.graph.sizes > 0)).sum()) - len(set(side[on].tolist()))
                    for graph, side in zip(graphs, (found.first, found.second), strict=True))  # fmt: skip
    done = dataclasses.replace(done, concepts=int(on.sum()), untranslated=(lacking[0], lacking[1]),
                               seconds={"read": read, **done.seconds})  # fmt: skip
    return _written(done, wanted)


def _place(recipe: Recipe, run: RunDir) -> tuple[str, str | None]:
    return store_url(recipe, run), store_database(recipe, run)


def _check(wanted: Wanted) -> None:
    """Refuse, before any work, numbers without sense and a file that could not be written."""
    for name, value, least in (("--rounds", wanted.rounds, 0), ("--most-frequent", wanted.most_frequent, 1),
                               ("--words", wanted.words, 2), ("--best", wanted.best, 1)):  # fmt: skip
        if value < least:
            raise UsageError(f"{name} {value}: at least {least}")
    if wanted.out is not None:
        check_place(Path(wanted.out))
        if Path(wanted.out).exists() and not wanted.force:
            raise InputError(f"{wanted.out} exists: --force replaces it")


def _told(wanted: Wanted) -> tuple[WordPairs, WordPairs | None]:
    """The pairs of the seeds, and those of the test."""
    test = None if wanted.test is None else given_pairs(wanted.test, "test", wanted.lower)
    return given_pairs(wanted.seeds, "seeds", wanted.lower), test


def _language(name: str, words: list[str], vectors: np.ndarray, say: Say) -> _Language:
    """Words and their vectors without those that are 0."""
    import numpy as np

    kept = np.flatnonzero(np.abs(vectors).max(axis=1) > 0)
    if len(kept) < len(words):
        say(f"{name}: {count(len(words) - len(kept), 'word')} with a vector of zeros left out")
        words, vectors = [words[row] for row in kept.tolist()], vectors[kept]
    if strange := [word for word in words if "\t" in word or "\n" in word]:
        raise InputError(f"{name}: {strange[0]!r} is no word, it holds a tab or the end of a line")
    if len(words) < 2:
        raise InputError(f"{name} has {count(len(words), 'word')}: there is nothing to translate")
    return _Language(name, words, levelled(vectors), {word: row for row, word in enumerate(words)}, kept)


def _words_of(run: RunDir, current: CurrentGraph, say: Say) -> _Language:
    """The items of a graph as words, with A's features of them, each layer levelled by itself."""
    import numpy as np

    from kgkt.source.parquet import open_features

    features = open_features(run.need("features.parquet", "populate"))
    if features.ids.tolist() != current.ids.tolist():
        raise InputError(f"{features.path} holds other items than the graph: run kgkt populate")
    every = np.arange(len(features))
    layers = [levelled(features.rows(layer, every)) for layer in features.layers]
    return _language(run.graph, current.ids.tolist(), np.concatenate(layers, axis=1), say)


def _made(
    source: _Language, target: _Language, wanted: Wanted, told: tuple[WordPairs, WordPairs | None], say: Say
) -> tuple[Lexicon, Space, Confidence]:
    """The lexicon, with the space and the confidence that it was made by."""
    import numpy as np

    names = source.name, target.name
    if source.vectors.shape == target.vectors.shape and np.array_equal(source.vectors, target.vectors):
        raise InputError(f"{names[0]} and {names[1]} hold the same vectors: name two languages")
    cut = any(one.kept[-1] == wanted.words - 1 for one in (source, target))
    hint = f"; the first {wanted.words:,} words of either are read: --words" if cut else ""
    known = know_pairs(told[0], source.rows, target.rows, names, hint=hint)
    test = None
    if told[1] is not None:
        test = _apart(know_pairs(told[1], source.rows, target.rows, names, 1, hint), known, told[1])
    for notice in (*known.notices, *(test.notices if test else ())):
        say(notice)
    most = min(wanted.most_frequent, max(len(source.words), len(target.words)))
    if most < len(known.right):
        raise UsageError(f"--most-frequent {most:,} is fewer than the {len(known.right):,} words of the seeds: the "
                         "rounds would add next to nothing")
    clock = time.perf_counter()

    def bring(pairs: Pairs) -> Space:
        return align(source.vectors, target.vectors, pairs, wanted.rounds, most)

    held, true = in_turn(known.right, bring, most, SEED)
    sure, checked = learn_confidence(held, true), time.perf_counter()
    space = crowded(bring(pairs_of(known.right, sorted(known.right))), most)
    figures, parts = precision(true), bands(np.empty(0), np.empty(0))
    if test is not None:
        found = candidates(space, np.array(sorted(test.right)), most, BEST)
        true = judged(found, test.right)
        figures, parts = precision(true, test=True), bands(sure(found), true)
    if said := doubt(figures, str((told[0] if told[1] is None else told[1]).path), names):
        say(said)
    found = candidates(space, np.arange(len(source.words)), most, wanted.best)
    done = Lexicon(
        names, source.words, target.words, found.targets, sure(found), (known.pairs, len(known.right)), space.grown,
        figures, parts, widths=(source.vectors.shape[1], target.vectors.shape[1]),
        seconds={"held out": checked - clock, "made": time.perf_counter() - checked},
    )  # fmt: skip
    return done, space, sure


def _apart(test: KnownPairs, seeds: KnownPairs, told: WordPairs) -> KnownPairs:
    """The words of the test that are none of the seeds'.

    Raises:
        InputError: there are none.
    """
    rest = {word: right for word, right in test.right.items() if word not in seeds.right}
    if not rest:
        raise InputError(f"{told.path}: all of its {count(len(test.right), 'known word')} are among the seeds: a test "
                         "needs words of its own")
    if len(rest) == len(test.right):
        return test
    notice = f"{told.path}: {count(len(test.right) - len(rest), 'word')} are among the seeds, and no part of the test"
    return dataclasses.replace(test, right=rest, notices=(*test.notices, notice))


def _between(
    done: Lexicon, space: Space, sure: Confidence, graphs: Sequence[CurrentGraph], languages: Sequence[_Language],
    wanted: Wanted,
) -> Counterparts:  # fmt: skip
    """Which concepts of two graphs translate."""
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept

    most = min(wanted.most_frequent, max(len(space.source), len(space.target)))
    back = candidates(space.turned(), np.arange(len(space.target)), most, 1)
    concepts = [nearest_concept(graph.Z)[language.kept] for graph, language in zip(graphs, languages, strict=True)]
    shape = len(graphs[0].graph), len(graphs[1].graph)
    return counterparts(done, (concepts[0], concepts[1]), (back.targets[:, 0], sure(back)[:, 0]), shape)


def _store(
    recipe: Recipe, runs: tuple[RunDir, RunDir], made: tuple[str, str], found: Counterparts, merged: str
) -> None:  # fmt: skip
    from kgkt.store.lexicon import write_translations

    with open_graph_store(recipe, runs[0], write=True) as store:
        for run, before in zip(runs, made, strict=True):
            own_info(store, run)
            if population(run) != before:
                raise InputError(f"graph {run.graph} was populated again meanwhile: run lexicon again")
        write_translations(store, runs[0].graph, runs[1].graph, found.rows(), merged)


def _written(done: Lexicon, wanted: Wanted) -> Lexicon:
    """The same, written where it was asked to be."""
    if wanted.out is None:
        return done
    with atomic(Path(wanted.out)) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for row in (COLUMNS, *done):
            file.write("\t".join(map(str, row)) + "\n")
    return dataclasses.replace(done, out=wanted.out)
