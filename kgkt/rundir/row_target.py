"""What can be refused of a B whose rows are to be written before it is opened, and TensorFlow loaded for it."""

from __future__ import annotations

from pathlib import Path

from kgkt.errors import InputError
from kgkt.recipe import Target


def look_at_rows(target: Target) -> None:
    """Refuse a vocabulary that is none, and by a `.keras` file's config an Embedding or words that it does not have.

    What the config does not tell (layers inside of others, classes of one's own) is left to B once it is open.

    Args:
        target: [target] of the recipe.

    Raises:
        InputError: as said, in the words of `need_embedding`, `read_vocabulary` and `vocabulary_of`.
    """
    from kgkt.source.models import inspect_model
    from kgkt.source.safety import objects, safe_check
    from kgkt.source.words.embedding import KINDS, NUMBERS, tells_all
    from kgkt.source.words.vocabulary import read_vocabulary
    from kgkt.transfer.words.embeddings import choose_embedding
    from kgkt.transfer.words.vocabulary import GIVE, refuse_more

    words = read_vocabulary(target.vocabulary) if target.vocabulary else None
    path = Path(str(target.model))
    if path.suffix != ".keras":
        return
    info, entries = inspect_model(path, target.imports), list(objects(safe_check(path, target.imports)["config"]))
    if not tells_all(info, entries):
        return
    widths = {entry["config"].get("name"): entry["config"].get("input_dim") for entry in entries
              if entry["class_name"] in KINDS}  # fmt: skip
    rows = {layer: widths.get(layer.split("/")[-1]) for layer, kind in info.classes.items() if kind in KINDS}
    if len(rows) > 1 and target.layer is None and any("/" in path for path in rows):
        return  # it may be one and the same, at two places
    layer = choose_embedding(rows, list(info.classes), target.layer, path.name)
    if words is not None and isinstance(n := rows[layer], int):
        refuse_more(Path(str(target.vocabulary)).name, words, layer, path.name, n)
    if words is None and not any(entry["class_name"] in NUMBERS for entry in entries):
        raise InputError(f"nothing in {path.name} says which word each row of {layer} is of: {GIVE}")
