"""What an evaluation says of concepts that were carried into B."""

from __future__ import annotations

from collections.abc import Sequence

from kgkt.proof.grid import SECOND, TEST
from kgkt.proof.rows import CARRIED, INPUTS
from kgkt.proof.verdicts import Row, difference, in_words, judged


def sentences(rows: Sequence[Row]) -> list[str]:
    """B with carried concepts beside B without: on its own task, and on the second one.

    Args:
        rows: of a report.

    Returns:
        No sentence where nothing was carried.
    """
    own = difference(rows, CARRIED, "kgkt", TEST)
    if own is None:
        return []
    said = [f"Concepts carried into B, its own task: {in_words(own)}: "
            + judged(own, "they help", "they cost B that", "no cost that these draws can show") + "."]  # fmt: skip
    second = difference(rows, CARRIED, "kgkt", SECOND)
    if second is None:
        return [*said, "What they are worth for a task to come was not measured: name one with --second."]
    verdict = judged(second, "carry them, if such a task is to come", "do not carry them for such a task",
                     "no worth that these draws can show")  # fmt: skip
    return [*said, f"The second task, read from B's last hidden layer: {in_words(second)}: {verdict}.{_without(rows)}"]


def _without(rows: Sequence[Row]) -> str:
    """Beside it, the items themselves: a task that is read from them as well needs no B."""
    found = difference(rows, CARRIED, INPUTS, SECOND)
    if found is None:
        return ""
    verdict = judged(found, "B is worth reading from", "the items themselves say more: read it from them", "level")
    return f" Against the second task's items themselves, without any B: {in_words(found)}: {verdict}."
