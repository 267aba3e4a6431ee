"""What A is and how it was read, as later verbs need it; of several sources, what was asked of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kgkt.errors import InputError
from kgkt.recipe import LAYERED, Recipe, SourceSettings, in_folder
from kgkt.rundir.folder import RunDir
from kgkt.rundir.state import settings_of
from kgkt.source.parts import AUTO, read_weights
from kgkt.source.words.vectors import words_place


def layers_beside(settings: SourceSettings) -> list[tuple[str, ...]]:
    """The layers that are named of each source beside the first."""
    return [one.layers for one in settings.each[1:]]


def source_memory(recipe: Recipe, layers: Sequence[str]) -> dict[str, Any]:
    """What A is and how it was read, as a later verb needs it for items that are new: a setting of `populate`."""
    settings = recipe.source
    layers, also = _as_read(settings, layers)
    return {"source": {
        "model": None if settings.model is None else settings.scheme + _place(settings), "layers": list(layers),
        "features": None if settings.features is None else str(Path(settings.features).resolve()),
        "pixels": settings.pixels, "imports": list(settings.imports), "allow_legacy": settings.allow_legacy,
        "size": settings.size and list(settings.size), "id_column": settings.id_column,
        "text_column": settings.text_column, "class_column": settings.class_column,
        "columns": list(settings.columns), **({"also": also} if also else {}),
        **({"vocabulary": settings.vocabulary and str(Path(settings.vocabulary).resolve()), "lower": settings.lower,
            "most_frequent": settings.most_frequent} if settings.holds_words else {}),
    }}  # fmt: skip


def _as_read(settings: SourceSettings, layers: Sequence[str]) -> tuple[Sequence[str], list[str]]:
    """The layers that were read of the first source, and the others with their places and layers, as in `also`."""
    if not settings.also:
        return layers, []
    own: dict[str, list[str]] = {}
    for layer in layers:
        prefix, _, name = layer.partition("/")
        own.setdefault(prefix, []).append(name)
    first, *others = own.values()
    also = []
    for one, names in zip(settings.each[1:], others, strict=True):
        place = _place(one)
        named = f"{place}:{','.join(names)}"
        also.append(one.scheme + (named if not one.scheme and LAYERED.fullmatch(named) else place))
    return first, also


def _place(settings: SourceSettings) -> str:
    """Where one source lies, from the root on."""
    if settings.holds_words:
        return in_folder(Path.cwd(), words_place(settings), words=True)
    return str(Path(settings.features or settings.model_path or "").resolve())


def weights_asked(settings: SourceSettings) -> str:
    """What each of several sources is to count, as it was asked for: "auto", or numbers in one spelling."""
    weights = read_weights(settings.weights, [""] * (1 + len(settings.also)))
    return AUTO if weights is None else ", ".join(f"{weight:g}" for weight in weights)


def source_as_populated(recipe: Recipe, run: RunDir) -> SourceSettings:
    """The source of the graph that stands: the recipe's where it names one, else as the last `populate` was told.

    Raises:
        InputError: neither is known.
    """
    if recipe.source.model or recipe.source.features:
        return recipe.source
    last = settings_of(run, "populate").get("source")
    if last is None:
        raise InputError("this graph does not say which A it was made with: name A in [source] of kgkt.toml, or run "
                         "kgkt populate again")
    known: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in last.items()}
    return SourceSettings(**known)
