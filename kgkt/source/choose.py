"""Which kind of source the recipe names: the one place where that is asked."""

from __future__ import annotations

from collections.abc import Callable

from kgkt.errors import UsageError
from kgkt.recipe import SENTENCES, WORD_VECTORS, SourceSettings
from kgkt.source.source import Source


def source_of(settings: SourceSettings) -> Source | None:
    """The source that the recipe names; None where it names neither a model nor features.

    Raises:
        UsageError: both; further sources without a first one, or weights of them where there are none; a pool beside
            words, or a choice of words where there are none.
    """
    _check_words(settings)
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
    reads = [one.model for one in settings.each if one.model and not (settings.holds_words or one.holds_words)]
    if settings.also and reads and not settings.data:
        raise UsageError(f"{reads[0]} reads the items themselves: give --data POOL")
    if source is None or (settings.model and not settings.data and not settings.holds_words):
        raise UsageError("where do the features come from? --model A.keras --data POOL, or --features F")
    return source


def _check_words(settings: SourceSettings) -> None:
    """What is said of words makes sense beside the first source."""
    if settings.most_frequent is not None and settings.most_frequent < 1:
        raise UsageError(f"--most-frequent must be at least 1, received {settings.most_frequent}")
    if settings.holds_words:
        if settings.data:
            raise UsageError(f"--data {settings.data}: with {WORD_VECTORS}FILE the words of the file are the items "
                             "themselves: leave --data away; --vocabulary FILE says which words")
        return
    said = (("--vocabulary", settings.vocabulary), ("--most-frequent", settings.most_frequent),
            ("--lower", settings.lower))  # fmt: skip
    if given := [flag for flag, value in said if value]:
        raise UsageError(f"{' and '.join(given)} chooses among words: give --model {WORD_VECTORS}FILE")


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


def _word_vectors(settings: SourceSettings) -> Source:
    from kgkt.source.words.vectors import WordSource

    return WordSource(settings)


# what a model's name begins with -> its kind; a name without any is a Keras file
MODELS: dict[str, Callable[[SourceSettings], Source]] = {SENTENCES: _sentence_model, WORD_VECTORS: _word_vectors}
