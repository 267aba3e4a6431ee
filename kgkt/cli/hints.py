"""Commands that a message proposes, with the flags by which they find the same graph."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence

# verbs that take --graph, --dir and --recipe; those of two graphs, or of any, name theirs otherwise
VERBS = ("check", "populate", "run", "suggest", "nearest", "predict", "query", "explain", "suspects", "label",
         "propagate", "name", "switch", "merge", "undo", "map", "fuse", "extend-vocabulary", "trace", "evaluate",
         "export", "serve")  # fmt: skip
WITHOUT_GRAPH = ("diff", "lexicon", "graphs")
PROPOSED = re.compile(rf"\bkgkt ({'|'.join((*VERBS, *WITHOUT_GRAPH))})\b(?!-)")


def placed(text: str, flags: Sequence[str], one: bool = True) -> str:
    """The text with the flags behind each verb of kgkt that it proposes; one that is there already is left alone.

    Args:
        text: for a person.
        flags: by which a command finds the graph, from `place_flags`.
        one: whether the graph is one that the text speaks of; else none is named.

    >>> placed("run kgkt propagate first: kgkt grows no graph", ["--graph", "fr"])
    'run kgkt propagate --graph fr first: kgkt grows no graph'
    >>> placed("kgkt label x=y --graph fr; kgkt diff GRAPH GRAPH", ["--dir", "a b", "--graph", "fr"])
    "kgkt label --dir 'a b' x=y --graph fr; kgkt diff --dir 'a b' GRAPH GRAPH"
    """
    pairs = [(flags[at], shlex.join(flags[at : at + 2])) for at in range(0, len(flags), 2)]
    proposed, parts, last = list(PROPOSED.finditer(text)), [], 0
    for found, end in zip(proposed, [*(one.start() for one in proposed[1:]), len(text)], strict=False):
        graph, rest = one and found[1] not in WITHOUT_GRAPH, text[found.end() : end]
        here = [told for flag, told in pairs if (graph or flag != "--graph") and f"{flag} " not in rest]
        parts += [text[last : found.end()], *(f" {told}" for told in here)]
        last = found.end()
    return "".join([*parts, text[last:]])
