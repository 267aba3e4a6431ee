"""How long the rows of a B that was never trained should be, chosen by texts with classes ([target] test)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kgkt.errors import InputError, count
from kgkt.recipe import Recipe
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import Say

if TYPE_CHECKING:
    import numpy as np

    from kgkt.transfer.words.row_length import Tried
    from kgkt.transfer.words.row_plan import Words


def tuned_length(
    recipe: Recipe, run: RunDir, model: Any, layer: Any, words: Words, rows_at: Callable[[float], np.ndarray], say: Say
) -> tuple[Tried, ...]:
    """Train B on a part of the texts from rows of several lengths, and look at the rest.

    Args:
        recipe: with the texts.
        run: of the graph.
        model: B, open; it is as before afterwards.
        layer: its Embedding.
        words: of B and A.
        rows_at: (rows, width) of a mean length.
        say: takes notices.

    Returns:
        What was tried, B's own rows first.

    Raises:
        UsageError, InputError: a B that was trained, or is no classifier of texts, or texts that are too few.
    """
    import numpy as np

    from kgkt.rundir.labelled_texts import labelled_texts
    from kgkt.transfer.trainer import Trainer
    from kgkt.transfer.words.row_length import FOLDS, RATE, STEPS, lengths_to_try, tune_length
    from kgkt.transfer.words.row_plan import uses_learned

    target = recipe.target
    name = Path(str(target.model)).name
    if uses_learned(words, target.projection):
        raise InputError(f"--row-norm tuned is for a B that was never trained: rows that are foretold are as long as "
                         f"those that {name} trained. Leave it out, or --projection pca treats {name} as never trained")
    texts = labelled_texts(recipe, run, model, say, "--row-norm 3, say, is a length that you choose", taught=False)
    own, a = (float(np.linalg.norm(x, axis=1).mean()) for x in (words.own[words.at], words.vectors))
    lengths = lengths_to_try(own, a)
    say(f"--row-norm tuned: {count(len(texts.y), 'text')}, {len(lengths)} lengths, {FOLDS} trainings of {STEPS} steps "
        "each; B is as before afterwards")
    trainer = Trainer(texts.part, learning_rate=RATE, from_logits=target.from_logits)
    if not any(one is layer.embeddings for one in trainer.model.variables):
        raise InputError(f"{name} does not answer by way of {layer.path}: its rows' length cannot be tuned")
    return tune_length(trainer, layer.embeddings, rows_at, lengths, texts.x, texts.y, target.seed)
