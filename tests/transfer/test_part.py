"""Which part of a B is taught, and what of a B or its data is refused by name."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest

from kgkt.errors import InputError
from kgkt.transfer.blocks import check_data, check_target, head_layer, read_blocks
from kgkt.transfer.inputs import Inputs, in_memory, input_names, width
from kgkt.transfer.layers import leaves
from kgkt.transfer.outputs import read_outputs
from kgkt.transfer.part import part_to_teach
from kgkt.transfer.taps import as_input, run_model
from tests.transfer import zoo

layers = keras.layers
NAMES = tuple("0123456789")


def test_an_output_is_chosen_by_name_and_shares_the_weights() -> None:
    whole = zoo.outputs()
    part, others = part_to_teach(whole, "body/digit")
    assert others == ["body/dark"]
    assert [path for path, _ in leaves(part)][-1] == "body/digit"
    assert "body/dark" not in dict(leaves(part))
    assert part.get_layer("body") is whole.get_layer("body")
    dark, _ = part_to_teach(whole, "body/dark")
    assert head_layer(dark) == ("body/dark", whole.get_layer("body").get_layer("dark"))


@pytest.mark.parametrize(("output", "says"), [
    (None, r"b\.keras has 2 outputs \(body/digit \(10\), body/dark \(1\)\): say which one is taught, with --output NAME"),
    ("body/digits", r"b\.keras has no output 'body/digits' \(did you mean 'body/digit'\?\)|no output 'body/digits'.*body/digit"),
])  # fmt: skip
def test_an_output_that_is_not_named_or_not_there(output: str | None, says: str) -> None:
    with pytest.raises(InputError, match=says):
        part_to_teach(zoo.outputs(), output, "b.keras")


def test_one_output_may_be_named_and_no_other() -> None:
    model = zoo.mlp()
    assert part_to_teach(model) == part_to_teach(model, "out") == (model, [])
    with pytest.raises(InputError, match=r"B has no output 'in'.*it gives out \(10\)"):
        part_to_teach(model, "in")
    pixels = keras.Input((4,))
    named = keras.Model(pixels, {"answer": layers.Dense(3)(pixels)})
    assert part_to_teach(named)[0].output_shape == (None, 3)


def test_layers_of_a_class_of_ones_own_come_as_they_are_called() -> None:
    part, others = part_to_teach(zoo.own(), "digit")
    assert others == ["dark"]
    order = [path for path, _ in leaves(part)]
    assert order[1:] == ["hidden", "block/first/0", "block/first/1", "block/after", "digit"]
    assert [t.name for t in part.inputs] == ["inputs"]


def test_an_end_that_is_an_operation_of_its_own_is_no_head() -> None:
    class Ends(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.last = layers.Dense(3)

        def call(self, x: Any) -> Any:
            return keras.ops.softmax(self.last(x))

    model = Ends()
    model(np.zeros((2, 4)))
    part, _ = part_to_teach(model)
    assert head_layer(part) is None
    assert read_blocks(part)["last"][0].kind == "unit"
    with pytest.raises(InputError, match="ends in Ends: kgkt reads softmax"):
        read_outputs(part)
    assert read_outputs(part, False).logits is False


def test_an_end_in_softmax_and_a_layer_in_a_loop() -> None:
    class Loops(keras.Model):
        def __init__(self) -> None:
            super().__init__()
            self.soft, self.last, self.step = layers.Softmax(), layers.Dense(3), layers.Dense(4)

        def call(self, x: Any) -> Any:
            x = keras.ops.fori_loop(0, 2, lambda _, one: self.step(one), x)
            return self.soft(self.last(x))

    model = Loops()
    model.step.build((None, 4))
    model(np.zeros((2, 4)))
    part, _ = part_to_teach(model)
    assert list(read_blocks(part)) == ["step", "last"]
    assert head_layer(part) == ("last", model.last)
    assert read_outputs(part).logits is False


def test_an_output_that_one_of_two_inputs_leads_to() -> None:
    a, b = keras.Input((2,), name="a"), keras.Input((3,), name="b")
    whole = keras.Model({"a": a, "b": b}, {"of_a": layers.Dense(2)(a), "of_b": layers.Dense(4)(b)})
    part, _ = part_to_teach(whole, "of_b")
    x = Inputs({"a": np.ones((3, 2)), "b": np.ones((3, 3))})
    got = run_model(part, as_input(part, x, np.arange(3)), training=False)
    np.testing.assert_array_equal(got, whole({name: array.astype(np.float32) for name, array in x.arrays.items()})["of_b"])


@pytest.mark.parametrize(("how", "says"), [
    ({"batch_shape": (8, 4)}, r"b reads batches of exactly 8 items: build it with keras\.Input\(shape\)"),
    ({"shape": (4,), "sparse": True}, "b reads sparse tensors, kgkt gives dense ones"),
])  # fmt: skip
def test_inputs_that_no_item_fits(how: dict[str, Any], says: str) -> None:
    items = keras.Input(**how)
    with pytest.raises(InputError, match=says):
        check_target(keras.Model(items, layers.Dense(10)(items)), NAMES, file="b")


def test_texts_and_lone_numbers_among_several_inputs() -> None:
    text, age = keras.Input((1,), dtype="string", name="text"), keras.Input((1,), name="age")
    words = layers.Embedding(5, 4)(layers.TextVectorization(5, vocabulary=["a", "b"], output_sequence_length=3)(text))
    both = layers.Concatenate()([layers.Flatten()(words), age])
    model = keras.Model([text, age], layers.Dense(10)(both))
    x = Inputs({"text": np.array(["a b", "b", ""], object), "age": np.array([1.0, 2.0, 3.0])})
    check_data(model, NAMES, x)
    assert [array.shape for array in as_input(model, x, np.arange(2))] == [(2, 1), (2, 1)]
    assert run_model(model, as_input(model, x, np.arange(3)), training=False).shape == (3, 10)


def test_a_class_of_ones_own_that_does_not_say_what_it_reads() -> None:
    class Silent(keras.Model):
        def get_build_config(self) -> None:
            return None

    with pytest.raises(InputError, match=r"b\.keras is a Silent that does not say what it reads: call it once"):
        part_to_teach(Silent(), None, "b.keras")

    class Odd(keras.Model):
        def call(self, x: Any) -> Any:
            return float(x[0, 0]) * x

    odd = Odd()
    odd._build_shapes_dict = {"input_shape": (None, 4)}
    with pytest.raises(InputError, match=r"Odd that cannot be traced: .*float.*\n.*keras\.Input"):
        part_to_teach(odd)


class Two(keras.Model):
    """Takes its inputs in a form of its own: two arguments, a list or a dict."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.form, self.last = form, layers.Dense(3)

    def call(self, a: Any, b: Any = None) -> Any:
        first, second = (a, b) if self.form == "arguments" else a if self.form == "list" else (a["a"], a["b"])
        return self.last(keras.ops.concatenate([first, second], axis=-1))


class Arguments(Two):
    """Keras keeps the shapes of several arguments where the class has a `build` of them."""

    def build(self, a_shape: Any, b_shape: Any) -> None:
        self.last.build((None, a_shape[-1] + b_shape[-1]))


@pytest.mark.parametrize(("form", "names"), [
    ("arguments", ("a", "b")), ("list", ("input_0", "input_1")), ("dict", ("a", "b")),
])  # fmt: skip
def test_several_inputs_of_a_class_of_ones_own(form: str, names: tuple[str, str]) -> None:
    a, b = np.ones((5, 2), np.float32), np.full((5, 3), 2, np.float32)
    model = Arguments(form) if form == "arguments" else Two(form)
    given = {"arguments": (a, b), "list": ([a, b],), "dict": ({"a": a, "b": b},)}[form]
    expected = np.asarray(model(*given))
    part, _ = part_to_teach(model)
    assert input_names(part) == names
    x = Inputs(dict(zip(names, (a, b), strict=True)))
    rows = np.array([3, 0])
    np.testing.assert_array_equal(run_model(part, as_input(part, x, rows), training=False), expected[rows])


def test_inputs_are_items() -> None:
    x = Inputs({"a": np.arange(6).reshape(3, 2), "b": np.arange(12).reshape(3, 2, 2)})
    assert (len(x), width(x), len(x[np.array([2, 0])])) == (3, 6, 2)
    assert x[np.array([2, 0])].arrays["a"].tolist() == [[4, 5], [0, 1]]
    assert in_memory(x).arrays["b"].shape == (3, 2, 2)
    with pytest.raises(InputError, match=r"as many items in each array, received \{'a': 1, 'b': 2\}"):
        Inputs({"a": np.zeros((1, 2)), "b": np.zeros((2, 2))})


@pytest.mark.parametrize(("x", "says"), [
    (np.zeros((3, 64)), r"b has 2 inputs \(bottom \(32\), top \(4, 8, 1\)\), the data has one array: give B an array for"),
    (Inputs({"top": np.zeros((3, 4, 8, 1))}), "the data has top: give B an array for each"),
    (Inputs({"top": np.zeros((3, 4, 8)), "bottom": np.zeros((3, 32))}), r"b's input top reads .*\(4, 8, 1\), .*\(4, 8\)"),
    (Inputs({"top": np.zeros((3, 4, 8, 1)), "bottom": np.array(["a"] * 3, object)}), "b's input bottom reads .* texts"),
])  # fmt: skip
def test_data_that_several_inputs_cannot_read(x: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        check_data(zoo.inputs(), NAMES, x, "b")
