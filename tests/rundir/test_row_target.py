"""What a .keras file's config tells of its Embedding and words, before the model is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from kgkt.errors import InputError, UsageError
from kgkt.recipe import Target
from kgkt.rundir.row_target import look_at_rows
from kgkt.source.quiet import keras as import_keras
from kgkt.source.words.embedding import KerasVectors


def saved(path: Path, text: bool = False, wrapped: bool = False, nested: bool = False) -> str:
    """A B with an Embedding of 5 rows, called emb."""
    keras = import_keras()
    layers = keras.layers
    given = keras.Input((3, 4) if wrapped else (3,), dtype="string" if text else "int64")
    x = layers.StringLookup(vocabulary=["a", "b"], name="look")(given) if text else given
    emb: Any = layers.Embedding(5, 2, name="emb")
    if nested:
        inner = keras.Input((3,), dtype="int64")
        emb = keras.Model(inner, emb(inner), name="enc")
    keras.Model(given, layers.TimeDistributed(emb)(x) if wrapped else emb(x)).save(path)
    return str(path)


def test_what_the_config_tells_is_refused(tmp_path: Path) -> None:
    bare, text = saved(tmp_path / "bare.keras"), saved(tmp_path / "text.keras", text=True)
    (tmp_path / "long.txt").write_text("\n".join("abcdef"))
    (tmp_path / "short.txt").write_text("a\nb\n")
    short, long = str(tmp_path / "short.txt"), str(tmp_path / "long.txt")
    for told, message in (
        ({"model": bare}, "nothing in bare.keras says which word each row of emb is of: give the words"),
        ({"model": text, "layer": "embd"}, "text.keras has no Embedding layer 'embd'; did you mean emb"),
        ({"model": text, "vocabulary": str(tmp_path / "no.txt")}, "no.txt cannot be read"),
        ({"model": bare, "vocabulary": long}, "long.txt has 6 words with a row, emb of bare.keras has 5 rows"),
    ):
        with pytest.raises(InputError, match=message):
            look_at_rows(Target(method="rows", **told))
    look_at_rows(Target(model=bare, vocabulary=short))
    look_at_rows(Target(model=text, layer="emb"))
    nested = saved(tmp_path / "nested.keras", text=True, nested=True)
    look_at_rows(Target(model=nested, layer="enc/emb"))
    look_at_rows(Target(model=nested, layer="emb"))


def test_several_embeddings_are_told_by_the_config(tmp_path: Path) -> None:
    keras = import_keras()
    given = keras.Input((3,), dtype="int64")
    both = [keras.layers.Embedding(5, 2, name=name)(given) for name in ("one", "two")]
    keras.Model(given, both).save(tmp_path / "two.keras")
    with pytest.raises(UsageError, match=r"has 2 Embedding layers \(one \(5 rows\), two \(5 rows\)\): which one"):
        look_at_rows(Target(model=str(tmp_path / "two.keras")))
    with pytest.raises(InputError, match=r"nothing in .*two.keras says which word each row of two is of: name a list"):
        KerasVectors(tmp_path / "two.keras", "two", "")


def test_what_the_config_does_not_tell_is_left_to_the_open_model(tmp_path: Path) -> None:
    look_at_rows(Target(model=saved(tmp_path / "wrapped.keras", wrapped=True)))
    look_at_rows(Target(model=str(tmp_path / "b.h5")))
