"""extend-vocabulary: a B that knows more words, their rows learned from the words that both A and B know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, UsageError, count
from kgkt.files import atomic, read_json, sha256_file, write_json, write_text
from kgkt.recipe import Recipe, Target
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say, open_run

if TYPE_CHECKING:
    import numpy as np

    from kgkt.rundir.current import CurrentGraph
    from kgkt.transfer.extend import Foretold, Pairs, Tuned
    from kgkt.transfer.vocabulary import Vocabulary

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


@dataclass(frozen=True, slots=True, eq=False)
class Extended:
    """A B that knows more words.

    Args:
        out: its file; None where no word was sure enough, and nothing was written.
        layer: its Embedding.
        words: (m,) that are new in it, in the order of their rows.
        sure: (m,) the confidence in each.
        left: what became of the other words that were asked for: why -> how many.
        pairs, held_out: words that both know, and how many of them the ways were judged on.
        way: in which rows were foretold, the best of `tried`.
        tried: what each way, and each control, foretells of rows held out.
        stretch: how much farther from the mean row than foretold the rows are.
        confidence: from which on words were served.
        rule: how it was chosen: "told", "tuned" or "cautious".
        tuned: what held-out texts said; None without.
        difference: how far B's answers moved on texts of words that it knew; None where it was not asked.
        vocabulary: the new file of words, where B's stand in one.
        notices: what the user should hear.
    """

    out: Path | None
    layer: str
    words: tuple[str, ...]
    sure: np.ndarray
    left: Mapping[str, int]
    pairs: int
    held_out: int
    way: str
    tried: Mapping[str, Foretold]
    stretch: float
    confidence: float
    rule: str
    tuned: Tuned | None = None
    difference: float | None = None
    vocabulary: Path | None = None
    notices: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """All of it as plain values."""
        import dataclasses

        told = {name: getattr(self, name) for name in (
            "layer", "words", "left", "pairs", "held_out", "way", "stretch", "rule", "difference",
            "notices")}  # fmt: skip
        return {
            "out": None if self.out is None else str(self.out),
            "vocabulary": None if self.vocabulary is None else str(self.vocabulary), **told,
            "sure": [round(float(one), 4) for one in self.sure], "confidence": _finite(self.confidence),
            "tried": {way: dataclasses.asdict(one) for way, one in self.tried.items()},
            "tuned": None if self.tuned is None else _finite(dataclasses.asdict(self.tuned)),
        }  # fmt: skip

    def to_pandas(self) -> Any:
        """A DataFrame with `word` and `confidence` of what is new."""
        import pandas as pd

        return pd.DataFrame({"word": list(self.words), "confidence": self.sure})


def extend_vocabulary(recipe: Recipe, asked: Asked, say: Say, force: bool = False) -> Extended:
    """Write a B that knows more words than it was trained with.

    Args:
        recipe: [target] model, out and test; layer, vocabulary, lower and strip_accents as for `fuse --method rows`.
        asked: which words, and how sure.
        say: takes notices.
        force: replace what stands at [target] out.

    Raises:
        UsageError: options that do not go together.
        InputError: B has no Embedding, or one that cannot grow by itself; too few common words; rows that A explains
            nothing of; a file that is there.
    """
    import numpy as np

    from kgkt.concepts.cluster import nearest_concept
    from kgkt.rundir.current import open_graph_store, read_current
    from kgkt.rundir.word_features import word_vectors
    from kgkt.rundir.words import candidates, in_words, is_off, unknown_row
    from kgkt.source.models import open_model
    from kgkt.transfer.card import check_output
    from kgkt.transfer.embeddings import need_embedding, rows_of
    from kgkt.transfer.extend import FEWEST_PAIRS, Pairs, choose_way, foretell, nearest_known
    from kgkt.transfer.longer import check_alone, check_file, largest_difference, lengthen
    from kgkt.transfer.vocabulary import lookup_of, match, read_vocabulary, vocabulary_of

    _refuse(recipe, asked)
    run = open_run(recipe)
    assert recipe.target.model is not None
    assert recipe.target.out is not None
    path, out = Path(recipe.target.model), Path(recipe.target.out)
    check_output(out, path, force)
    model = open_model(path, recipe.target.imports, recipe.source.allow_legacy)
    target = recipe.target
    vocabulary = vocabulary_of(model, target.layer, target.vocabulary, special=target.special, name=path.name)
    layer = need_embedding(model, vocabulary.layer, path.name)[1]
    lookup = None if target.vocabulary else lookup_of(model, vocabulary.layer, layer, path.name)
    check_alone(model, vocabulary.layer, layer, lookup, path.name)
    beside = out.with_suffix(".vocabulary.txt") if lookup is None else None
    if beside is not None:
        check_file(vocabulary, beside, force)
    for notice in vocabulary.notices:
        say(notice)
    with open_graph_store(recipe, run) as store:
        current = read_current(store, run, say)
    forms = target.lower, target.strip_accents
    words = candidates(asked.words, asked.most_frequent, vocabulary, current, lookup, *forms)
    if not words.words:
        raise InputError(f"none of the words is new to {path.name} and known to A: {in_words(words.left)}")
    index = match(vocabulary.words, current.ids.tolist(), *forms)
    places = np.flatnonzero(index >= 0)
    places = places[~is_off(current)[index[places]]]
    if len(places) < FEWEST_PAIRS:
        raise _too_few(path.name, vocabulary, current, len(places), target)
    concepts = nearest_concept(current.Z)
    both, _ = word_vectors(run, concepts, len(current.graph), np.concatenate([index[places], words.items]))
    both -= both[: len(places)].mean(axis=0)  # which cosines would else be of
    pairs = Pairs(both[: len(places)], concepts[index[places]], rows_of(layer)[places], places,
                  unknown_row(layer, lookup, target.vocabulary))  # fmt: skip
    new = both[len(places) :]
    way, tried, held_out = choose_way(pairs, recipe.target.seed)
    if not tried[way].sure and asked.confidence is None:
        best = tried[way]
        raise InputError(
            f"A foretells nothing of {path.name}'s rows: cosine {best.cosine:.3f} ±{best.error:.3f} by {way}, the best "
            f"of {len(tried)}, on {count(held_out, 'word')} held out. Is {path.name} trained? Rows of new words would "
            "be guesses; --confidence 0.5 would serve them all the same")
    rule, confidence, tuned = _confidence(recipe, run, asked, model, layer, pairs, (way, tried[way].stretch), say)
    stretch = tried[way].stretch if tuned is None else tuned.stretch
    sure = nearest_known(new, pairs.vectors)
    served = np.flatnonzero(sure >= confidence)
    left = words.left | {"not sure enough": len(sure) - len(served)}
    done = Extended(None, vocabulary.layer, tuple(words.words[i] for i in served), sure[served], left, len(pairs),
                    held_out, way, tried, stretch, confidence, rule, tuned)  # fmt: skip
    if not len(served):
        return done
    rows = foretell(way, pairs, new[served], concepts[words.items[served]], stretch, recipe.target.seed)
    made, notices = lengthen(model, vocabulary.layer, layer, lookup, list(done.words), rows)
    difference = largest_difference(model, made, [str(vocabulary.words[i]) for i in places], recipe.target.seed)
    done = replace(done, out=out, vocabulary=beside, difference=difference, notices=notices)
    for notice in notices:
        say(notice)
    with atomic(out) as temporary:
        made.save(temporary)
    if beside is not None:
        held = read_vocabulary(str(target.vocabulary))
        write_text(beside, "".join(f"{word or ''}\n" for word in (*held, *done.words)))
    write_json(out.with_suffix(".run.json"), _told(run, done, path))
    return done


def _refuse(recipe: Recipe, asked: Asked) -> None:
    """Refuse what does not go together.

    Raises:
        UsageError: as said.
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


def _too_few(name: str, vocabulary: Vocabulary, current: CurrentGraph, found: int, target: Target) -> InputError:
    """What to say where A knows too few of B's words."""
    from kgkt.transfer.extend import FEWEST_PAIRS
    from kgkt.transfer.vocabulary import better_match

    words = [word for word in vocabulary.words if word is not None]
    better, more = better_match(words, current.ids.tolist(), target.lower, target.strip_accents)
    hint = (f"; {better} finds {more:,}" if better else
            ". The graph's items have to be words, as populate makes them of word vectors")  # fmt: skip
    return InputError(f"A knows {found:,} of the {len(words):,} words of {name}, and rows of new ones are learned from "
                      f"{FEWEST_PAIRS} or more{hint}")


def _confidence(
    recipe: Recipe, run: RunDir, asked: Asked, model: Any, layer: Any, pairs: Pairs, way: tuple[str, float],
    say: Say,
) -> tuple[str, float, Tuned | None]:
    """By which rule words are served, from which confidence on, and what held-out texts said."""
    from kgkt.rundir.labelled_texts import labelled_texts
    from kgkt.transfer.extend import cautious, nearest_known, tune

    if asked.confidence is not None:
        return "told", asked.confidence, None
    if recipe.target.test is None:
        return "cautious", cautious(nearest_known(pairs.vectors, pairs.vectors, themselves=True)), None
    part, outputs, x, y = labelled_texts(recipe, run, model, say)
    tuned = tune(part, outputs, layer.embeddings, pairs, *way, x, y, recipe.target.seed)
    return "tuned", tuned.confidence, tuned


def _finite(value: Any) -> Any:
    """The same with null in place of infinity, which JSON has no word for: no word is served."""
    if isinstance(value, dict):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if value == float("inf") else value


def _told(run: RunDir, done: Extended, path: Path) -> dict[str, Any]:
    """What stands beside the new B: where it comes from, and what B's own file says of its classes."""
    from kgkt.transfer.card import versions

    assert done.out is not None
    own, classes = path.with_suffix(".run.json"), []
    if own.exists():
        said = read_json(own)
        if isinstance(said, dict) and said.get("sha256") == sha256_file(path):
            classes = said.get("facts", {}).get("classes", [])
    told = {name: value for name, value in done.to_json().items() if name not in ("out", "words", "sure")}
    return {
        "model": done.out.name, "sha256": sha256_file(done.out),
        "target": {"file": path.name, "sha256": sha256_file(path)}, "versions": versions(),
        "facts": {"graph": run.graph, **({"classes": classes} if classes else {}),
                  "extended": {"words": len(done.words), **told}},
    }  # fmt: skip
