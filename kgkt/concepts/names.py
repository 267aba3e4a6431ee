"""Readable names that concepts get by themselves."""

from __future__ import annotations

import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from kgkt.errors import shorten

if TYPE_CHECKING:
    import numpy as np
    from scipy.sparse import csr_matrix

    from kgkt.values import Clustering

TERMS = 3
CENTRAL = 6  # words near a centroid of which the most frequent name it
LONGEST = 4_000  # characters of a text that count, about as far as sentence models read
FEWEST, SHARE = 2, 0.2  # members that have a term: so many, and such a part of all
LIFT = 3.0  # how many times more frequent a term is in a concept than elsewhere
GATHERED, SPREAD = 0.25, 20  # how far a term must be from scattered by chance; fewer concepts do not tell
HOME, HOMES = 0.1, 0.15  # a concept is a home of a term that a tenth has; no name has so many, a share of all
PRIOR = 2.0  # members that a concept is thought to have beside its own, with the terms of all texts
TOPICS = {"bill", "bottom", "call", "cry", "fire", "front", "interest", "mill", "mine", "move", "name", "side", "top",
          "system"}  # words of the list of English stop words that texts are about
EXCERPT = 40  # characters of a text in place of terms
KATAKANA, HAN = "\u30a1-\u30fa\u30fc", "\u3005\u3400-\u9fff"
HIRAGANA, NO_SPACES = "\u3041-\u309f", "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer


def names_from_ids(ids: np.ndarray, exemplars: list[np.ndarray]) -> list[str]:
    """Each concept is named after its medoid's item id."""
    return [str(ids[items[0]]) if len(items) else f"concept {number}" for number, items in enumerate(exemplars)]


def names_from_text(
    texts: Sequence[str], Z: csr_matrix, exemplars: Sequence[np.ndarray], used: Iterable[str] = ()
) -> list[str]:
    """Each concept is named after the terms that set it apart; after the beginning of its medoid where there are none.

    A term counts by how many texts have it. One that is not far more frequent in a concept than elsewhere is none, in
    any language: that is what stop words are. Few texts hardly tell, so English has a list of them, too. Names are
    distinct.

    Args:
        texts: n item texts.
        Z: (n, k) memberships.
        exemplars: k arrays of items, the medoid first.
        used: names that others have already.

    Returns:
        k names such as "river, flow, water".

    Reference: Tomokiyo and Hurst 2003, pointwise Kullback-Leibler divergence, of the share of texts with a term.
    """
    from kgkt.concepts.cluster import nearest_concept

    k, nearest = Z.shape[1], nearest_concept(Z)
    ranked = _ranked(texts, nearest, k)
    names: list[str] = []
    taken = set(used)
    for number in range(k):
        found = _apart(ranked[number])
        members = [texts[item] for item in (nearest == number).nonzero()[0][:50]]
        written = _as_written(found, members)
        medoid = next((texts[item] for item in exemplars[number] if texts[item].strip()), "")
        tries = [", ".join(written[:many]) for many in range(TERMS, len(written) + 1)] or [", ".join(written)]
        tries += [shorten(medoid, EXCERPT), f"concept {number}", f"concept {number} (of texts)"]
        name = next(one for one in tries if one.strip() and one not in taken)
        taken.add(name)
        names.append(name)
    return names


def names_from_words(
    words: np.ndarray, vectors: np.ndarray, clustering: Clustering, used: Iterable[str] = ()
) -> list[str]:
    """Each concept of words is named after the most frequent of its central words; names are distinct.

    Central are the members nearest to the centroid, a third of them but 6 at least. Words that begin alike, and what
    is no word, give way to others.

    Args:
        words: (n,) the most frequent first.
        vectors: (n, e) of the words; `clustering` is of these.
        used: names that others have already.

    Returns:
        k names such as "river, lake, water".
    """
    import numpy as np

    from kgkt.concepts.cluster import medoids

    k = len(clustering.centroids)
    ordered = medoids(vectors, clustering, len(words))
    names: list[str] = []
    taken = set(used)
    for number in range(k):
        members = ordered[number]
        central = np.sort(members[: max(CENTRAL, len(members) // 3)])
        held = [str(words[item]) for item in central]
        plain = _apart(word for word in held if _plain(word))
        found = plain + [word for word in held if word not in plain]
        tries = [", ".join(found[:many]) for many in range(min(TERMS, len(found)), len(found) + 1)]
        tries += [f"concept {number}", f"concept {number} (of words)"]
        name = next(one for one in tries if one and one not in taken)
        taken.add(name)
        names.append(name)
    return names


def names_from_numbers(k: int) -> list[str]:
    """Names that tell nothing of the items."""
    return [f"concept {number}" for number in range(k)]


def _ranked(texts: Sequence[str], nearest: np.ndarray, k: int) -> list[list[str]]:
    """The terms of each concept that set it apart, the best first; at most 20."""
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS, CountVectorizer

    n = len(texts)
    counter = CountVectorizer(analyzer=_lowered, min_df=min(FEWEST, n), max_features=50_000)
    try:
        counts = counter.fit_transform(texts)
    except ValueError:  # nothing but numbers and signs
        return [[] for _ in range(k)]
    terms = counter.get_feature_names_out()
    english = np.isin(terms, list(ENGLISH_STOP_WORDS - TOPICS))
    says = csr_matrix((1 - 0.5**counts.data, counts.indices, counts.indptr), counts.shape)
    belongs = csr_matrix((np.ones(n), (nearest, np.arange(n))), shape=(k, n))
    inside, having, sizes = belongs @ says, belongs @ says.sign(), np.bincount(nearest, minlength=k)
    inside.sort_indices()
    having.sort_indices()
    total = np.asarray(says.sum(axis=0)).ravel()
    gathered = _gathered(having, sizes)
    ranked = []
    for number in range(k):
        row = slice(inside.indptr[number], inside.indptr[number + 1])
        mine, columns, size = inside.data[row], inside.indices[row], sizes[number]
        rest = (total[columns] - mine + 0.25) / (n - size + 1)
        share = (mine + PRIOR * rest) / (size + PRIOR)
        score = share * np.log(share / rest) * gathered[columns]
        good = (having.data[row] >= max(FEWEST, SHARE * size)) & (share >= LIFT * rest)
        good &= (gathered[columns] >= GATHERED) & ~english[columns]
        order = np.lexsort((terms[columns], -np.round(score, 6)))
        ranked.append([str(terms[columns[i]]) for i in order if good[i]][:20])
    return ranked


def _gathered(having: csr_matrix, sizes: np.ndarray) -> np.ndarray:
    """(t,) how far terms are from scattered over the concepts as chance would have it; 0 for what is at home in many.

    So stop words are known, in any language.

    Args:
        having: (k, t) how many members of a concept have a term.
        sizes: (k,) members of a concept.
    """
    import numpy as np
    from scipy.sparse import diags

    k = having.shape[0]
    if k < SPREAD:
        return np.ones(having.shape[1])
    frequency = np.asarray(having.sum(axis=0)).ravel()
    chance = k * (1 - (1 - 1 / k) ** frequency)
    homes = np.asarray((diags(1 / np.maximum(sizes, 1)) @ having >= HOME).sum(axis=0)).ravel()
    return np.where(homes > HOMES * k, 0, 1 - having.getnnz(axis=0) / chance)


def _apart(terms: Iterable[str]) -> list[str]:
    """Terms without those that are another form of one before, as far as the beginning of a word tells."""
    kept: list[str] = []
    for term in terms:
        if not any(_alike(term, other) for other in kept):
            kept.append(term)
    return kept[: 2 * TERMS]


def _alike(one: str, other: str) -> bool:
    if one in other.split("-") or other in one.split("-"):
        return True
    same = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return same >= 4 and same >= 0.6 * max(len(one), len(other))


def _as_written(terms: Sequence[str], texts: Iterable[str]) -> list[str]:
    """Terms as texts write them: KDE, Wasser; in small letters where they are often written so."""
    written: dict[str, Counter[str]] = {term: Counter() for term in terms}
    for text in texts:
        for term in _terms(text):
            if term.lower() in written:
                written[term.lower()][term] += 1
    chosen = []
    for term, forms in written.items():
        small = 4 * forms[term] >= sum(forms.values())
        chosen.append(term if small or not forms else forms.most_common(1)[0][0])
    return chosen


def _lowered(text: str) -> list[str]:
    return [term.lower() for term in _terms(text)]


def _terms(text: str) -> list[str]:
    """Words of a text, of any script; none that is a part of one.

    Japanese is cut where its scripts change, without the endings in hiragana, and runs of up to four Chinese characters
    between signs count as words. Other scripts without spaces give none.
    """
    return [term for found in _pattern().findall(unicodedata.normalize("NFC", text[:LONGEST]))
            if (term := _plain(found))]  # fmt: skip


def _plain(word: str) -> str:
    """A word without what an apostrophe joins to it (l'eau, user's); "" for numbers, single letters, and n't."""
    parts = word.replace("\u2019", "'").strip("'-").split("'")
    if parts[-1].lower() == "t" and len(parts) > 1:
        return ""
    word = max((part for part in parts), key=len)
    letters, digits = sum(map(str.isalpha, word)), sum(map(str.isdigit, word))
    return word if letters >= 2 and word[:1].isalpha() and digits <= letters else ""


@functools.cache
def _pattern() -> re.Pattern[str]:
    marks = "".join(chr(i) for i in range(0x300, 0x10000) if unicodedata.category(chr(i))[0] == "M")
    letter = rf"(?![{KATAKANA}{HAN}{HIRAGANA}{NO_SPACES}_])[\w{marks}]"
    return re.compile(
        rf"[{KATAKANA}]{{2,}}|(?<![{HAN}])[{HAN}]{{2,4}}(?![{HAN}])|(?:{letter})+(?:['\u2019-](?:{letter})+)*"
    )
