"""Several sources side by side: what they give together, and what is refused before any work."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from kgkt.errors import InputError, UsageError
from kgkt.recipe import SENTENCES, SourceSettings, read_recipe
from kgkt.source.choose import need_source, source_of
from kgkt.source.inputs import read_data
from kgkt.source.parquet import open_features
from kgkt.source.parts import read_weights
from kgkt.source.source import Source

N = 40
IDS = np.array([f"i{i:02d}" for i in range(N)])


def rows(seed: int, width: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(N, width)).astype(np.float32)


@pytest.fixture
def settings(tmp_path: Path) -> SourceSettings:
    """Two files of the same items, the second in another order."""
    order = np.random.default_rng(0).permutation(N)
    np.savez(tmp_path / "one.npz", item_id=IDS, emb=rows(1))
    np.savez(tmp_path / "two.npz", item_id=IDS[order], emb=rows(2)[order], mid=rows(3, 5)[order])
    return SourceSettings(features=str(tmp_path / "one.npz"), also=(str(tmp_path / "two.npz"),))


def several(settings: SourceSettings, *also: object, weights: str | None = None) -> Source:
    source = source_of(dataclasses.replace(settings, also=tuple(map(str, also)) or settings.also, weights=weights))
    assert source is not None
    return source


def test_layers_of_one_name_stand_side_by_side_and_items_are_matched(settings: SourceSettings, tmp_path: Path) -> None:
    source = several(settings)
    look = source.look()
    assert (look.items, look.widths) == (N, {"one/emb": 3, "two/emb": 3, "two/mid": 5})
    features = source.extract(None, tmp_path / "f.parquet")
    assert features.ids.tolist() == IDS.tolist()
    for layer, seed, width in (("one/emb", 1, 3), ("two/emb", 2, 3), ("two/mid", 3, 5)):
        np.testing.assert_array_equal(features.rows(layer, np.arange(N)), rows(seed, width))
    again = open_features(tmp_path / "f.parquet")
    assert again.sources == {"one.npz": ("one/emb",), "two.npz": ("two/emb", "two/mid")}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["f.parquet", "one.npz", "two.npz"]


def test_files_of_one_name_are_told_apart(settings: SourceSettings, tmp_path: Path) -> None:
    (tmp_path / "else").mkdir()
    (tmp_path / "two.npz").rename(tmp_path / "else" / "one.npz")
    source = several(settings, f"{tmp_path / 'else' / 'one.npz'}:emb")
    assert source.look().widths == {"one/emb": 3, "one-2/emb": 3}
    features = source.extract(None, tmp_path / "f.parquet")
    assert [node["name"] for node in source.nodes(features)] == ["one.npz", "one.npz-2"]


@pytest.mark.parametrize("text", ["", "a2.keras", "a2.keras:emb", "f.parquet:a/b,c", f"{SENTENCES}folder", "C:\\a.keras:x"])
def test_what_a_source_is_called(text: str) -> None:
    if not text:
        assert len(SourceSettings(model="a.keras", layers=("x",)).each) == 1
        return
    first, one = SourceSettings(model="a.keras", layers=("x",), drop_bad=True, also=(text,)).each
    assert (first.model, first.layers, first.also) == ("a.keras", ("x",), ())
    expected = {"a2.keras": ("a2.keras", None, ()), "a2.keras:emb": ("a2.keras", None, ("emb",)),
                "f.parquet:a/b,c": (None, "f.parquet", ("a/b", "c")), f"{SENTENCES}folder": (f"{SENTENCES}folder", None, ()),
                "C:\\a.keras:x": ("C:\\a.keras", None, ("x",))}  # fmt: skip
    assert (one.model, one.features, one.layers) == expected[text]


def test_a_recipe_names_them_relative_to_itself(tmp_path: Path) -> None:
    recipe = tmp_path / "kgkt.toml"
    recipe.write_text(f'[source]\nmodel = "a.keras"\nalso = ["b.keras:emb", "{SENTENCES}s", "f.npz"]\nweights = "1,0,1,1"\n')
    source = read_recipe(recipe).source
    assert source.also == (f"{tmp_path}/b.keras:emb", f"{SENTENCES}{tmp_path}/s", f"{tmp_path}/f.npz")
    assert source.weights == "1,0,1,1"


@pytest.mark.parametrize(("change", "says"), [
    (lambda ids: ids[:-3], "two.npz lacks 3 of the 40 items of one.npz (i37, i38, i39); it has 37, e.g. i00"),
    (lambda ids: np.char.add("x", ids), "two.npz lacks 40 of the 40 items of one.npz (i00, i01, i02, …); it has 40, e.g. xi00"),
])  # fmt: skip
def test_other_items_are_refused_with_numbers_and_examples(settings, tmp_path, change, says) -> None:
    ids = change(IDS)
    np.savez(tmp_path / "two.npz", item_id=ids, emb=rows(2)[: len(ids)])
    with pytest.raises(InputError) as error:
        several(settings).look()
    assert says in str(error.value)


def test_another_count_without_ids_is_refused_and_more_items_are_passed_over(settings, tmp_path, pool_npz, digits) -> None:
    np.savez(tmp_path / "one.npz", emb=rows(1)[:30])
    np.savez(tmp_path / "two.npz", emb=rows(2))
    with pytest.raises(InputError, match=r"two.npz has 40 rows and no ids of its own, one.npz has 30 items"):
        several(settings).look()
    np.savez(tmp_path / "one.npz", item_id=IDS[::-2], emb=rows(1)[::-2])
    np.savez(tmp_path / "two.npz", item_id=IDS, emb=rows(2))
    features = several(settings).extract(None, tmp_path / "f.parquet")
    np.testing.assert_array_equal(features.rows("two/emb", np.arange(20)), rows(2)[::-2])


def test_a_layer_that_a_source_has_not_is_refused(settings: SourceSettings, tmp_path: Path, model_a: Path) -> None:
    with pytest.raises(InputError, match=r"two.npz has no array embb; did you mean emb\?"):
        several(settings, f"{tmp_path / 'two.npz'}:embb").look()
    with pytest.raises(InputError, match=r"a.keras.*'embb'"):
        several(settings, f"{model_a}:embb").look()
    with pytest.raises(InputError, match=r"three.npz are not there"):
        several(settings, tmp_path / "three.npz").look()


def test_one_source_named_twice_is_refused(settings: SourceSettings, tmp_path: Path) -> None:
    (tmp_path / "copy.npz").write_bytes((tmp_path / "one.npz").read_bytes())
    with pytest.raises(UsageError, match=r"copy.npz is the same source as .*one.npz: name it once"):
        several(settings, tmp_path / "copy.npz").look()


def test_a_column_that_the_first_has_too_is_refused(settings: SourceSettings, tmp_path: Path) -> None:
    np.savez(tmp_path / "two.npz", item_id=IDS[::-1], again=rows(1)[::-1], mid=rows(3))
    with pytest.raises(InputError, match=r"two.npz: again holds the same numbers as emb of .*one.npz, and would count twice"):
        several(settings).extract(None, tmp_path / "f.parquet")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.npz", "two.npz"]
    assert several(settings, f"{tmp_path / 'two.npz'}:mid").extract(None, tmp_path / "f.parquet").layers == ("one/emb", "two/mid")


@pytest.mark.parametrize(("weights", "says"), [
    ("1", "1 number for 2 sources"), ("1,2,3", "3 numbers for 2 sources"), ("1,-0.5", "0 .* or more"), ("0,0", "above 0"),
    ("1,nan", "or more"), ("1,inf", "or more"), ("one,two", "write auto, or a number for each source"), ("1,", "write auto"),
])  # fmt: skip
def test_weights_that_make_no_sense_are_refused(settings: SourceSettings, weights: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        several(settings, weights=weights).look()


def test_weights_that_do() -> None:
    assert read_weights("1, 0.5", ["a", "b"]) == (1.0, 0.5)
    assert read_weights("0,3", ["a", "b"]) == (0.0, 3.0)
    assert read_weights("auto", ["a", "b"]) is read_weights(None, ["a", "b"]) is None


def test_further_sources_need_a_first_one_and_models_need_data(settings: SourceSettings, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"--also joins a source to the first one"):
        source_of(SourceSettings(also=(str(tmp_path / "two.npz"),)))
    with pytest.raises(UsageError, match=r"name the others with --also"):
        source_of(SourceSettings(features=str(tmp_path / "one.npz"), weights="1"))
    with pytest.raises(UsageError, match=r"a.keras reads the items themselves: give --data"):
        need_source(SourceSettings(features=str(tmp_path / "one.npz"), also=("a.keras:emb",)))


def test_bad_rows_of_a_further_file_are_never_dropped(settings: SourceSettings, tmp_path: Path) -> None:
    broken = rows(2)
    broken[5, 1] = np.nan
    np.savez(tmp_path / "two.npz", item_id=IDS, emb=broken)
    source = several(dataclasses.replace(settings, drop_bad=True))
    with pytest.raises(InputError, match=r"two.npz: NaN, infinity or a value above float32 in 1 of 40 rows"):
        source.extract(None, tmp_path / "f.parquet")


def test_a_model_and_a_file_read_one_pool(tmp_path: Path, model_a: Path, pool_npz: Path, digits) -> None:
    order = np.random.default_rng(1).permutation(600)
    np.savez(tmp_path / "pix.npz", item_id=digits.pool_ids[order], raw=digits.pool_x.reshape(600, 64)[order])
    source = source_of(SourceSettings(model=str(model_a), layers=("emb",), also=(str(tmp_path / "pix.npz"),)))
    data = read_data(pool_npz)
    look = source.look()
    assert (look.items, look.widths) == (None, {"a/emb": 32, "pix/raw": 64})
    assert source.check(look, data) == []
    features = source.extract(data, tmp_path / "f.parquet")
    np.testing.assert_array_equal(features.rows("pix/raw", np.arange(600)), digits.pool_x.reshape(600, 64))
    before = source.contents(data)
    changed = digits.pool_x.reshape(600, 64).copy()
    changed[7] += 1
    np.savez(tmp_path / "pix.npz", item_id=digits.pool_ids, raw=changed)
    after = source.contents(data)
    assert [row for row in range(600) if before[row] != after[row]] == [7]
    with pytest.raises(UsageError, match=r"pix.npz"):
        source.reader(("pix/raw",))
    assert source.reader(("a/emb",)).look().widths == {"a/emb": 32}
    with pytest.raises(UsageError, match=r"the model that made them is not here"):
        source.untrained(data, tmp_path / "u.parquet", ("a/emb", "pix/raw"))
    assert not source.has_model


def test_each_model_reads_pictures_in_its_own_size(tmp_path: Path, digits) -> None:
    from PIL import Image

    from kgkt.source.quiet import keras

    library, sources = keras(), []
    (tmp_path / "pics").mkdir()
    for number in range(12):
        pixels = (digits.pool_x[number, :, :, 0] * 255).astype(np.uint8)
        Image.fromarray(pixels).save(tmp_path / "pics" / f"p{number:02d}.png")
    for name, size in (("small", 8), ("large", 16)):
        image = library.Input((size, size, 1))
        flat = library.layers.Flatten(name="flat")(image)
        library.Model(image, library.layers.Dense(2, name="out")(flat)).save(tmp_path / f"{name}.keras")
        sources.append(f"{tmp_path / name}.keras:flat")
    source = source_of(SourceSettings(model=sources[0].removesuffix(":flat"), layers=("flat",), also=(sources[1],)))
    look, data = source.look(), read_data(tmp_path / "pics", size=(8, 8))
    assert look.input_shape == (8, 8, 1)
    source.check(look, data)
    features = source.extract(data, tmp_path / "f.parquet")
    assert features.widths == {"small/flat": 64, "large/flat": 256}
    np.testing.assert_allclose(features.rows("small/flat", np.array([3]))[0], (digits.pool_x[3] * 255).astype(np.uint8).ravel())
    with Image.open(tmp_path / "pics" / "p03.png") as picture:
        large = np.asarray(picture.resize((16, 16), Image.Resampling.BILINEAR))
    np.testing.assert_allclose(features.rows("large/flat", np.array([3]))[0], large.ravel())


def test_layers_that_nobody_named_are_said(model_a: Path, model_b: Path) -> None:
    source = source_of(SourceSettings(model=str(model_a), also=(f"{model_b}:hidden",)))
    assert source.look().chosen.startswith("layers of a.keras half and emb are read: ")
    assert source_of(SourceSettings(model=str(model_a), layers=("emb",), also=(f"{model_b}:hidden",))).look().chosen == ""
