from __future__ import annotations

from typing import Any

import keras
import pytest

from kgkt.errors import InputError
from kgkt.transfer.blocks import check_target, frozen_layers, read_blocks, unmapped
from kgkt.transfer.layers import leaves
from kgkt.transfer.part import part_to_teach

NAMES = tuple("0123456789")
dense = keras.layers.Dense


def facts(model: Any) -> dict[str, tuple[str, int, tuple[int, ...]]]:
    return {layer: (b[0].kind, len(b), b[0].shape) for layer, b in read_blocks(model).items()}


def nested(trainable: bool = True) -> Any:
    inner = keras.Sequential([keras.Input((64,)), dense(12, name="deep"), dense(8, name="deeper")], name="inner")
    inner.trainable = trainable
    return keras.Sequential([keras.Input((64,)), inner, dense(10, activation="softmax", name="out")])


def test_blocks_of_dense_and_head(mlp: Any) -> None:
    assert facts(mlp()) == {"one": ("unit", 32, (64,)), "two": ("unit", 16, (32,)), "out": ("head", 10, (16,))}
    assert [b.index for b in read_blocks(mlp())["out"]] == list(range(10))


def test_filters_and_rows_are_facts_that_no_concept_is_mapped_to(cnn: Any) -> None:
    assert facts(cnn)["conv"] == ("filter", 8, (3, 3, 1))
    words = keras.Sequential(
        [keras.Input((5,), dtype="int32"), keras.layers.Embedding(20, 4, name="words"), keras.layers.Flatten(),
         dense(3, name="out")]
    )  # fmt: skip
    assert facts(words) == {"words": ("row", 20, (4,)), "out": ("head", 3, (20,))}
    assert unmapped(read_blocks(words)) == ["words (20 embedding rows) is trained, but no concept is mapped to it"]
    assert unmapped(read_blocks(cnn)) == ["conv (8 filters) is trained, but no concept is mapped to it"]


def test_layers_come_in_the_order_from_input_to_output() -> None:
    image = keras.Input((64,))
    late = dense(4, name="made_first")
    early = dense(6, name="made_last")(image)
    joined = keras.layers.Concatenate()([late(early), dense(5, name="side")(image)])
    model = keras.Model(image, dense(10, activation="softmax", name="out")(joined))
    order = list(read_blocks(model))
    assert order.index("made_last") < order.index("made_first") < order.index("out")
    assert set(order) == {"made_last", "made_first", "side", "out"}


def test_nested_models_are_opened_and_frozen_ones_said() -> None:
    assert list(read_blocks(nested())) == ["inner/deep", "inner/deeper", "out"]
    assert frozen_layers(nested()) == []
    assert frozen_layers(nested(trainable=False)) == ["inner/deep", "inner/deeper"]


def test_a_head_inside_a_nested_model_is_found() -> None:
    inner = keras.Sequential([keras.Input((64,)), dense(10, activation="softmax", name="deep")], name="inner")
    model = keras.Sequential([keras.Input((64,)), inner])
    assert facts(model) == {"inner/deep": ("head", 10, (64,))}


def test_an_output_made_by_no_dense_layer_has_no_head() -> None:
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Conv2D(10, 3), keras.layers.GlobalAvgPool2D()])
    assert [b[0].kind for b in read_blocks(model).values()] == ["filter"]


def test_several_outputs_are_refused_where_none_was_chosen() -> None:
    image = keras.Input((4,), name="image")
    two = keras.Model(image, [dense(2, name="a")(image), dense(3, name="b")(image)])
    with pytest.raises(InputError, match=r"B has 2 outputs .*\(2\).*\(3\).*; teach the part that leads to one"):
        read_blocks(two)
    assert list(read_blocks(part_to_teach(two, "b")[0])) == ["b"]


def test_a_model_without_declared_inputs_is_refused() -> None:
    class Own(keras.Model):
        pass

    with pytest.raises(InputError, match=r"B is a Own without declared inputs.*part_to_teach"):
        read_blocks(Own())
    with pytest.raises(InputError, match="B is a Sequential without declared inputs"):
        read_blocks(keras.Sequential([dense(3)]))


def test_a_target_with_other_outputs_is_refused_with_both_lists() -> None:
    model = keras.Sequential([keras.Input((4,)), dense(8)])
    with pytest.raises(InputError) as caught:
        check_target(model, NAMES, file="other.keras")
    assert str(caught.value) == (
        "other.keras has 8 outputs, your graph has 10 classes.\n"
        "  outputs  8\n"
        "  classes  0 1 2 3 4 5 6 7 8 9\n"
        "Give B 10 outputs, or name its 8: every class with a label or a tick, with --target-classes or [target] classes in kgkt.toml."
    )


def test_one_output_is_for_two_classes_only() -> None:
    model = keras.Sequential([keras.Input((4,)), dense(1)])
    check_target(model, ("cat", "dog"))
    with pytest.raises(InputError) as caught:
        check_target(model, ("cat", "dog", "owl"), file="b.keras")
    assert str(caught.value) == (
        "b.keras has 1 output, which tells two classes apart, your graph has 3 classes.\n"
        "  outputs  1\n"
        "  classes  cat dog owl\n"
        "Give B 3 outputs, or name its 2: every class with a label or a tick, with --target-classes or [target] classes in kgkt.toml."
    )
    for units in (1, 2):
        with pytest.raises(InputError, match=rf"has {units} output.*your graph has 1 class.*\n.*\n.*\nLabel items of an"):
            check_target(keras.Sequential([keras.Input((4,)), dense(units)]), ("cat",))


def test_a_target_with_another_input_shape_is_refused_with_both() -> None:
    model = keras.Sequential([keras.Input((None, 4)), keras.layers.GlobalAvgPool1D(), dense(10)])
    check_target(model, NAMES, (7, 4))
    with pytest.raises(InputError, match=r"reads items of shape \(any, 4\), the data has \(64\).*\n.*--target-data"):
        check_target(model, NAMES, (64,))
    with pytest.raises(InputError, match=r"outputs of shape \(None, 10\).*expected \(10,\)"):
        check_target(keras.Sequential([keras.Input((None, 4)), dense(10)]), NAMES)


def test_leaves_name_every_layer_once(cnn: Any) -> None:
    assert [path for path, _ in leaves(cnn) if path in ("conv", "norm", "one", "out")] == ["conv", "norm", "one", "out"]
