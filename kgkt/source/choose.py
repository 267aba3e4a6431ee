"""Which kind of source the recipe names: the one place where that is asked."""

from __future__ import annotations

from collections.abc import Callable

from kgkt.errors import UsageError
from kgkt.recipe import SENTENCES, SourceSettings
from kgkt.source.source import Source


def source_of(settings: SourceSettings) -> Source | None:
    """The source that the recipe names; None where it names neither a model nor features.

    Raises:
        UsageError: both; further sources without a first one, or weights of them where there are none.
    """
    if settings.also:
        return _several(settings)
    if settings.weights:
        raise UsageError("--source-weights says what each of several sources counts: name the others with --also")
    return _one(settings)


def _one(settings: SourceSettings) -> Source | None:
    if settings.features and settings.model:
        raise UsageError("give --features, or --model with --layers and --data, not both")
    if settings.features:
        return _features_file(settings)
    if settings.model:
        return MODELS.get(settings.scheme, _keras_model)(settings)
    return None


def need_source(settings: SourceSettings) -> Source:
    """The same, refusing a recipe that does not say where features come from.

    Raises:
        UsageError: nothing named, a model without data, or both.
    """
    source = source_of(settings)
    reads = [one.model for one in settings.each if one.model]
    if settings.also and reads and not settings.data:
        raise UsageError(f"{reads[0]} reads the items themselves: give --data POOL")
    if source is None or (settings.model and not settings.data):
        raise UsageError("where do the features come from? --model A.keras --data POOL, or --features F")
    return source


def _several(settings: SourceSettings) -> Source:
    from kgkt.source.parts import parts_of
    from kgkt.source.several import Several

    if not (settings.model or settings.features):
        raise UsageError("--also joins a source to the first one: name that with --model and --data, or --features")
    sources = [source for one in settings.each if (source := _one(one)) is not None]
    return Several(parts_of(settings, sources), settings.weights)


def _features_file(settings: SourceSettings) -> Source:
    from kgkt.source.features_file import FeaturesFile

    return FeaturesFile(settings)


def _keras_model(settings: SourceSettings) -> Source:
    from kgkt.source.keras_model import KerasModel

    return KerasModel(settings)


def _sentence_model(settings: SourceSettings) -> Source:
    from kgkt.source.sentence_model import SentenceModel

    return SentenceModel(settings)


# what a model's name begins with -> its kind; a name without any is a Keras file
MODELS: dict[str, Callable[[SourceSettings], Source]] = {SENTENCES: _sentence_model}
