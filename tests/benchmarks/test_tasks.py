"""What the benchmarks rest on: readers of foreign weights, and the page of results."""

from __future__ import annotations

import io
import math
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture(autouse=True)
def on_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


class Storage:
    """Pickles as a storage's persistent id."""

    def __init__(self, key: str, size: int) -> None:
        self.key, self.size = key, size


class Writer(pickle.Pickler):
    def persistent_id(self, value):
        if isinstance(value, Storage):
            return ("storage", FloatStorage, value.key, "cpu", value.size, None)
        return None


class FloatStorage:
    """Stands for torch.FloatStorage in the file."""


class Tensor:
    def __init__(self, *args) -> None:
        self.args = args

    def __reduce__(self):
        return _rebuild_tensor_v2, self.args


def _rebuild_tensor_v2(*args):
    raise AssertionError("never called")


def pth(path: Path, state, storages: dict[str, np.ndarray], magic: int = 0x1950A86A20F9469CFC6C) -> Path:
    """A file of the legacy layout, as torch wrote it."""
    out = io.BytesIO()
    for value in (magic, 1001, {"little_endian": True}):
        pickle.dump(value, out, 2)
    names = {FloatStorage: ("torch", "FloatStorage"), _rebuild_tensor_v2: ("torch._utils", "_rebuild_tensor_v2")}
    raw = io.BytesIO()
    Writer(raw, 2).dump(state)
    text = raw.getvalue()
    for thing, (module, name) in names.items():
        own = f"c{thing.__module__}\n{thing.__name__}\n".encode()
        text = text.replace(own, f"c{module}\n{name}\n".encode())
    out.write(text)
    pickle.dump(list(storages), out, 2)
    for values in storages.values():
        out.write(len(values).to_bytes(8, "little") + values.astype("<f4").tobytes())
    path.write_bytes(out.getvalue())
    return path


def test_a_state_dict_is_read_with_its_strides(tmp_path: Path) -> None:
    from tasks.legacy import read_state

    state = OrderedDict(
        first=Tensor(Storage("7", 6), 0, (2, 3), (1, 2), False, OrderedDict()),  # column by column
        second=Tensor(Storage("9", 4), 1, (3,), (1,), False, OrderedDict()),
    )
    found = read_state(pth(tmp_path / "a.pth", state, {"9": np.arange(4) * 10, "7": np.arange(6)}))
    assert found["first"].tolist() == [[0, 2, 4], [1, 3, 5]]
    assert found["second"].tolist() == [10, 20, 30]


def test_a_file_that_calls_something_else_is_refused(tmp_path: Path) -> None:
    from tasks.legacy import read_state

    touched = tmp_path / "touched"

    class Hostile:
        def __reduce__(self):
            return Path.touch, (touched,)

    with pytest.raises(pickle.UnpicklingError, match="has no place in a state dict"):
        read_state(pth(tmp_path / "b.pth", OrderedDict(a=Hostile()), {}))
    assert not touched.exists()
    with pytest.raises(pickle.UnpicklingError, match=r"is not a legacy \.pth"):
        read_state(pth(tmp_path / "c.pth", OrderedDict(), {}, magic=5))
    long = OrderedDict(a=Tensor(Storage("7", 2), 0, (3,), (1,), False, OrderedDict()))
    with pytest.raises(pickle.UnpicklingError, match="a reaches past the end"):
        read_state(pth(tmp_path / "d.pth", long, {"7": np.arange(2)}))


def test_gains_are_paired_and_averaged_over_label_counts() -> None:
    import summary

    values = {}
    for seed, (ours, theirs) in enumerate([((0.5, 0.9), (0.4, 0.8)), ((0.7, 0.9), (0.4, 0.8))]):
        for count, a, b in zip((1, 5), ours, theirs, strict=True):
            values["kgkt", count, seed] = a
            values["Poisson", count, seed] = b
    mean, error, seeds = summary.gain(values, "Poisson", (1, 5))
    assert (round(mean, 6), round(error, 6), seeds) == (0.15, 0.05, 2)  # gains of .1 and .2
    assert summary.gain(values, "absent", (1, 5)) is None
    one = {cell: value for cell, value in values.items() if cell[2] == 0}
    assert math.isnan(summary.gain(one, "Poisson", (1, 5))[1])
    values |= {("head", count, seed): 0.6 for count in (1, 5) for seed in (0, 1)}
    verdicts = {tuple(row[:2]): row[3] for row in summary.bar({"fashion": values})}
    assert verdicts["fashion", "not one SE behind PT-MAP"] == "not run"
    assert verdicts["fashion", "not one SE behind head"] == "met"  # .7 and .8 against .6
    assert verdicts["all", "a point ahead of head"] == "met"
    assert verdicts["fashion_same", "level with head+rounds at 20"] == "not run"
    ahead = {("kgkt", 1, s): 0.5 + 0.01 * s for s in range(4)} | {("head", 1, s): 0.6 for s in range(4)}
    behind = {tuple(row[:2]): row[3] for row in summary.bar({"fashion": ahead})}
    assert behind["fashion", "not one SE behind head"] == "**missed**"
    assert behind["fashion", "not two SE behind head at 1"] == "**missed**"


def test_words_are_hashed_as_spacy_does() -> None:
    from tasks.lexicon import murmur64

    assert murmur64(["coffee", "apple"]).tolist() == [3197928453018144401, 8566208034543834098]  # of its documentation


def test_what_packages_hold_of_messagepack_is_read() -> None:
    from tasks.lexicon import _unpack

    packed = b"\x93\xa3\xc3\xa9t\x82\x01\xcd\x01\x00\xcf" + b"\0" * 7 + b"\x07\xcc\xff\xdc\0\x01\xd9\x02ab"
    assert _unpack(packed, 0) == (["ét", {1: 256, 7: 255}, ["ab"]], len(packed))
