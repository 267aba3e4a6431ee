"""How many rows of an Embedding were written from what, and how many were left alone and why."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kgkt.rundir.row_edits import Edges, acting

if TYPE_CHECKING:
    import numpy as np

    from kgkt.rundir.current import CurrentGraph
    from kgkt.transfer.words.row_plan import Space, Words
    from kgkt.transfer.words.vocabulary import Vocabulary

SHOWN = 5  # special words that are named


def figures_of_rows(
    vocabulary: Vocabulary, words: Words, current: CurrentGraph, edges: Edges, s: np.ndarray, space: Space,
    rows: np.ndarray, rank: int | str,
) -> dict[str, Any]:  # fmt: skip
    """The figures of rows that were written; each row counts once.

    Args:
        vocabulary: of the Embedding.
        words: of B and A.
        current: the graph.
        edges: (concept, row, strength, planned strength) of what maps to rows.
        s: (rows,) how much of each is planned.
        space: how A's vectors came into B's rows.
        rows: (rows, width) as written.
        rank: of the residual.
    """
    import numpy as np

    has, set_, planned = (np.zeros(len(s), bool) for _ in range(3))
    has[words.at] = True
    for _, row, strength, plan in edges:
        set_[row] |= strength > 0
        planned[row] |= plan > 0
    named = np.zeros(len(s), bool)
    named[: len(vocabulary.words)] = [word is not None for word in vocabulary.words]
    written, alone = s > 0, rank == 0
    still = named & ~written
    not_found = [vocabulary.words[row] for row in np.flatnonzero(named & ~has)]
    lengths = np.linalg.norm(rows, axis=1)
    concepts = {concept for concept, row, strength, _ in edges if strength > 0 and current.graph.active[concept]}
    learned = space.learned
    return {
        "rows": len(s), "width": rows.shape[1], "words": int(named.sum()),
        "covered": int((written & has & (not alone)).sum()), "filled": int((written & (~has | alone)).sum()),
        "special": int((~named).sum()), "special_words": list(vocabulary.special.values())[:SHOWN],
        "unknown": int((still & ~has & ~set_).sum()),
        "switched_off": int((still & set_).sum()), "set_to_0": int((still & has & ~set_ & planned).sum()),
        "trained": int((still & has & ~set_ & ~planned).sum()), "in_a": int(has.sum()), "concepts": len(concepts),
        "edited": acting(edges, current),
        "length_before": float(np.linalg.norm(words.own[written], axis=1).mean()) if written.any() else None,
        "length": float(lengths[written].mean()) if written.any() else None,
        "length_alone": float(lengths[still].mean()) if still.any() else None, "not_found": not_found,
        "ridge": None if learned is None else learned.ridge, "network": None if learned is None else learned.network,
        "pairs": None if learned is None else learned.pairs, "held_out": None if learned is None else learned.held_out,
    }  # fmt: skip
