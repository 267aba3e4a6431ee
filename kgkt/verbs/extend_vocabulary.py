"""extend-vocabulary: a B that knows more words, their rows learned from the words that both A and B know."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.files import atomic, sha256_file, write_json, write_text
from kgkt.recipe import Recipe
from kgkt.rundir.beside import classes_beside, foretold_as
from kgkt.rundir.extended_rows import SetRows, mixed, read_set_rows, say_set, tell_graph
from kgkt.rundir.folder import RunDir
from kgkt.rundir.growing_words import Growing, check_match, open_growing
from kgkt.rundir.rows_again import extended_as, remember_extended
from kgkt.rundir.state import Say, open_run
from kgkt.source.words.vocabulary import read_vocabulary
from kgkt.source.words.word_list import read_word_list
from kgkt.transfer.words.extended import Extended as Extended
from kgkt.transfer.words.extended import in_words

if TYPE_CHECKING:
    import numpy as np

    from kgkt.rundir.current import CurrentGraph
    from kgkt.transfer.words.confidence import Tuned
    from kgkt.transfer.words.extend import Pairs


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for.

    Args:
        words: a file of words, one a line; None: the graph's.
        most_frequent: of the graph's words, the first so many.
        confidence: from which on a word is served; None: as held-out texts choose, or a cautious one.
    """

    words: str | None = None
    most_frequent: int | None = None
    confidence: float | None = None


def extend_vocabulary(recipe: Recipe, asked: Asked, say: Say, force: bool = False) -> Extended:
    """Write a B that knows more words than it was trained with.

    Args:
        recipe: [target] model, out and test; layer, vocabulary, special, lower and strip_accents as for
            `fuse --method rows`; classes, output and from_logits say how B answers the texts of test.
        asked: which words, and how sure.
        say: takes notices.
        force: replace what stands at [target] out.

    Raises:
        UsageError: options that do not go together.
        InputError: B has no Embedding, or one that cannot grow by itself; too few common words; rows that A foretells
            nothing of; a file that is there; texts of test that B's answers speak against.
    """
    from kgkt.concepts.cluster import nearest_concept
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.words import candidates, need_words
    from kgkt.transfer.words.confidence import nearest_known
    from kgkt.transfer.words.extend import choose_way, foretell

    _refuse(recipe, asked)
    run = open_run(recipe)
    need_words(recipe, run)
    b, target = open_growing(recipe, say, force), recipe.target
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say)
        concepts = nearest_concept(current.Z)
        words = candidates(asked.words, asked.most_frequent, b.vocabulary, current, b.lookup, target.lower,
                           target.strip_accents)  # fmt: skip
        homes_of = dict(zip(words.words, concepts[words.items].tolist(), strict=True))
        out = Path(str(target.out)).stem
        set_ = read_set_rows(store, run, out, b.vocabulary.layer, current,
                             homes_of if target.map and out != b.path.stem else None)  # fmt: skip
    for notice in words.notices:
        say(notice)
    if not words.words:
        raise InputError(f"none of the words is new to {b.path.name} and in the graph: "
                         f"{in_words(words.left, words.named)}{words.hint and f'. {words.hint}'}")  # fmt: skip
    if words.hint:
        say(words.hint)
    pairs, new = _both(recipe, run, b, current, concepts, words.items, say)
    way, tried, held_out = choose_way(pairs, target.seed)
    best = tried[way]
    if not best.sure and asked.confidence is None:
        raise InputError(
            f"A foretells nothing of {b.path.name}'s rows: cosine {best.cosine:.3f} ±{best.error:.3f} by {way}, the "
            f"best of {len(tried)}, on {count(held_out, 'word')} held out. Is {b.path.name} trained? Rows of new words "
            "would be guesses; --confidence 0.5, say, writes those in spite of that")
    if best.too_good and not b.before:
        say(f"R² {best.r2:.3f} on words held out is more than a training leaves: were rows of {b.path.name} made of "
            "these very features (extend-vocabulary, fuse --method rows)? Then how well new ones are foretold is not "
            "known")
    rule, confidence, tuned, classes = _confidence(recipe, run, asked, b, pairs, (way, best.stretch), say)
    stretch = best.stretch if tuned is None else tuned.stretch
    sure = nearest_known(new, pairs.vectors)
    served = sure >= confidence
    homes = concepts[words.items[served]]
    why = "not sure enough" if confidence < float("inf") else "kept out, as the texts gained from none"
    left = words.left | ({why: int((~served).sum())} if not served.all() else {})
    taken = tuple(word for word, one in zip(words.words, served.tolist(), strict=True) if one)
    done = Extended(None, b.vocabulary.layer, taken, sure[served], left, len(pairs), held_out, way, tried, stretch,
                    confidence, rule, tuned, named=words.named, before=b.before, classes=classes,
                    edited=sum(strength != 1 for strength in set_.of(taken)))  # fmt: skip
    if not taken:
        say("nothing was written: no new word is served; --confidence -1 serves all of them")
        return done
    rows = foretell(way, pairs, new[served], homes, stretch, target.seed)
    unknown = pairs.rows.mean(axis=0) if pairs.unknown is None else pairs.unknown
    say_set(set_, taken, say)
    rows = mixed(rows, set_.of(taken), unknown)
    return _write(recipe, run, asked, b, done, rows, homes, set_, say)


def _both(
    recipe: Recipe, run: RunDir, b: Growing, current: CurrentGraph, concepts: np.ndarray, items: np.ndarray, say: Say
) -> tuple[Pairs, np.ndarray]:
    """The words that A and B know, those of concepts that are off left out, and A's vectors of some items."""
    import numpy as np

    from kgkt.rundir.word_features import word_vectors
    from kgkt.rundir.words import unknown_row
    from kgkt.transfer.words.embeddings import rows_of
    from kgkt.transfer.words.extend import Pairs
    from kgkt.transfer.words.vocabulary import match

    target, known = recipe.target, current.ids.tolist()
    index = match(b.trained(), known, target.lower, target.strip_accents)
    places = np.flatnonzero(index >= 0)
    check_match(b, known, len(places), (target.lower, target.strip_accents), say)
    places = places[current.graph.active[concepts[index[places]]]]
    both, _ = word_vectors(run, concepts, len(current.graph), np.concatenate([index[places], items]))
    both -= both[: len(places)].mean(axis=0)  # which cosines would else be of
    pairs = Pairs(both[: len(places)], concepts[index[places]], rows_of(b.layer)[places], places,
                  unknown_row(b.layer, b.lookup, target.vocabulary))  # fmt: skip
    return pairs, both[len(places) :]


def _write(
    recipe: Recipe, run: RunDir, asked: Asked, b: Growing, done: Extended, rows: np.ndarray, homes: np.ndarray,
    set_: SetRows, say: Say,
) -> Extended:  # fmt: skip
    """The new B with its files, and its rows (m, w) in the graph, each from the concept `homes` (m,)."""
    from kgkt.rundir.current import open_graph_store
    from kgkt.transfer.words.longer import first_new, largest_difference, lengthen

    target, known = recipe.target, [word for word in b.vocabulary.words if word is not None]
    out = Path(str(target.out))
    made, notices = lengthen(b.model, done.layer, b.layer, b.lookup, list(done.words), rows)
    difference = largest_difference(b.model, made, known, target.seed)
    done = replace(done, out=out, vocabulary=b.beside, difference=difference, notices=notices)
    for notice in notices:
        say(notice)
    if target.map and out.stem == b.path.stem:
        say(f"the graph is not told of the new rows: {out} is called as {b.path} is, whose rows it may hold")
    elif target.map:
        with open_graph_store(recipe, run, write=True) as store:
            tell_graph(store, run, set_, made, b.layer.embeddings.path, first_new(b.layer, b.lookup), done.words,
                       homes.tolist())  # fmt: skip
        remember_extended(run, out.stem, extended_as(recipe, asked.words, asked.most_frequent, asked.confidence))
    with atomic(out) as temporary:
        made.save(temporary)
    if b.beside is not None:
        held = read_vocabulary(str(target.vocabulary))
        write_text(b.beside, "".join(f"{word or ''}\n" for word in (*held, *done.words)))
    write_json(out.with_suffix(".run.json"), _told(run, done, b))
    return done


def _refuse(recipe: Recipe, asked: Asked) -> None:
    """Refuse what does not go together, or is not there.

    Raises:
        UsageError, InputError: as said.
    """
    if not recipe.target.model:
        raise UsageError("which model B? kgkt extend-vocabulary b.keras --out b2.keras")
    if asked.words is not None and asked.most_frequent is not None:
        raise UsageError("--words names the words, --most-frequent counts those of the graph: one of the two")
    if asked.most_frequent is not None and asked.most_frequent < 1:
        raise UsageError(f"--most-frequent is {asked.most_frequent}, expected 1 or more")
    if asked.confidence is not None and not -1 <= asked.confidence <= 1:
        raise UsageError(f"--confidence is {asked.confidence:g}, a cosine: expected -1 to 1 (-1 serves every word)")
    if asked.confidence is not None and recipe.target.test:
        raise UsageError("--test chooses the confidence, --confidence says it: one of the two")
    if asked.words is not None:
        read_word_list(Path(asked.words), "list of words")  # before B is opened, and TensorFlow loaded for it


def _confidence(
    recipe: Recipe, run: RunDir, asked: Asked, b: Growing, pairs: Pairs, way: tuple[str, float], say: Say
) -> tuple[str, float, Tuned | None, tuple[str, ...]]:
    """By which rule words are served, from which confidence on, what held-out texts said, and in which classes."""
    from kgkt.rundir.labelled_texts import labelled_texts
    from kgkt.transfer.words.confidence import cautious, nearest_known, tune

    if asked.confidence is not None:
        return "told", asked.confidence, None, ()
    if recipe.target.test is None:
        return "cautious", cautious(nearest_known(pairs.vectors, pairs.vectors, themselves=True)), None, ()
    texts = labelled_texts(recipe, run, b.model, say)
    tuned = tune(texts.part, texts.outputs, b.layer.embeddings, pairs, *way, texts.x, texts.y, recipe.target.seed)
    return "tuned", tuned.confidence, tuned, texts.classes


def _told(run: RunDir, done: Extended, b: Growing) -> dict[str, Any]:
    """What stands beside the new B: where it comes from, its classes, and which of its rows were foretold."""
    import numpy as np

    from kgkt.transfer.card import versions
    from kgkt.transfer.words.longer import first_new

    assert done.out is not None
    classes = done.classes or classes_beside(b.path)
    first = first_new(b.layer, b.lookup)
    made = np.append(b.foretold, np.zeros(len(done.words), bool))
    made[first : first + len(done.words)] = True
    told = {name: value for name, value in done.to_json().items()
            if name not in ("out", "words", "sure", "named", "classes")}  # fmt: skip
    return {
        "model": done.out.name, "sha256": sha256_file(done.out),
        "target": {"file": b.path.name, "sha256": sha256_file(b.path)}, "versions": versions(),
        "facts": {"graph": run.graph, **({"classes": list(classes)} if classes else {}),
                  **foretold_as(done.layer, made), "extended": {"words": len(done.words), **told}},
    }  # fmt: skip
