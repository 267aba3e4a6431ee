"""Which of the names that concepts got by themselves still tell of items that are there."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Container, Sequence
from typing import TYPE_CHECKING

from kgkt.concepts.names import EXCERPT
from kgkt.errors import shorten

if TYPE_CHECKING:
    import numpy as np

NUMBERED = re.compile(r"concept \d+( \(of (words|texts)\))?")


def told_by_ids(names: Sequence[str], known: Container[str]) -> list[bool]:
    """Whether each name is still the id of an item, or tells of none.

    Args:
        names: from `names_from_ids`.
        known: ids that stand for the same item as before.
    """
    return [name in known or _numbered(name) for name in names]


def told_by_words(names: Sequence[str], words: Container[str]) -> list[bool]:
    """Whether all words of each name are still items, or it tells of none.

    Args:
        names: from `names_from_words`.
        words: the items.

    >>> told_by_words(["river, lake", "river, laek", "concept 7"], {"river", "lake"})
    [True, False, True]
    """
    return [name in words or _numbered(name) or all(word in words for word in name.split(", ")) for name in names]


def told_by_text(names: Sequence[str], texts: Sequence[str], nearest: np.ndarray) -> list[bool]:
    """Whether all terms of each name still stand in texts of its concept, or it begins one of them, or tells of none.

    A concept that no text is in keeps its name.

    Args:
        names: the first of k, from `names_from_text`.
        texts: n item texts.
        nearest: (n,) concept of each.
    """
    members: list[list[str]] = [[] for _ in names]
    for text, concept in zip(texts, nearest.tolist(), strict=True):
        if concept < len(names):
            members[concept].append(text)
    return [not held or _numbered(name) or _in_text(name, held) for name, held in zip(names, members, strict=True)]


def _in_text(name: str, texts: Sequence[str]) -> bool:
    if any(shorten(text, EXCERPT) == name for text in texts):
        return True
    lowered = [unicodedata.normalize("NFC", text).lower() for text in texts]
    return all(any(term in text for text in lowered) for term in name.lower().split(", "))


def _numbered(name: str) -> bool:
    return NUMBERED.fullmatch(name) is not None
