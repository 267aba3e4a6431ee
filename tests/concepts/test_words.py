"""Words: an embedding that keeps their angles, concepts named by the most frequent central ones, the nearest of all."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from kgkt.concepts.cluster import fit_local, nearest_concept
from kgkt.concepts.embed import apply_map, unit_rows, whiten
from kgkt.concepts.names import names_from_words
from kgkt.concepts.nearest import nearest_rows
from kgkt.source.parquet import describe, write_features
from tests.words import TOPIC, WORDS, vectors


def test_unwhitened_components_keep_the_angles_around_the_mean() -> None:
    X = vectors()
    V = apply_map(X, *whiten(X, 100, plain=True))
    around = unit_rows(X - X.mean(axis=0))
    np.testing.assert_allclose(V @ V.T, around @ around.T, atol=1e-5)
    W, b = whiten(X, 100, plain=True)
    assert np.var(X @ W.T + b, axis=0).mean() == pytest.approx(1, abs=0.02)
    W, b = whiten(X, 3, plain=True)
    assert W.shape == (3, 12)


def test_names_are_the_most_frequent_of_the_central_words() -> None:
    X = vectors()
    V = apply_map(X, *whiten(X, 100, plain=True))
    clustering = fit_local(V, 6, 0)
    names = names_from_words(np.array(WORDS), V, clustering)
    nearest = nearest_concept(clustering.memberships)
    for number, name in enumerate(names):
        members = np.flatnonzero(nearest == number)
        distance = ((V[members] - clustering.centroids[number]) ** 2).sum(axis=1)
        central = np.sort(members[np.argsort(distance)][:6])
        assert name == ", ".join(WORDS[i] for i in central[:3])
        assert len({TOPIC[word] for word in name.split(", ")}) == 1
    other = names_from_words(np.array(WORDS), V, clustering, used=names)
    assert not set(other) & set(names)
    assert all(new.startswith(old) for new, old in zip(other, names, strict=True))


def test_what_is_no_word_and_what_begins_alike_gives_way() -> None:
    words = np.array(["42", "house", ".", "houses", "garden", "door"])
    X = np.eye(2)[[0] * 6] + 0.01 * np.random.default_rng(0).normal(size=(6, 2))
    clustering = fit_local(X.astype(np.float32), 1, 0)
    assert names_from_words(words, X, clustering) == ["house, garden, door"]


def test_the_nearest_of_several_layers_by_their_shares(tmp_path: Path) -> None:
    ids, a, b = np.array(WORDS, object), vectors(0), vectors(1)
    features = write_features(tmp_path / "f.parquet", {"a": 12, "b": 12}, [(ids, {"a": a, "b": b})], describe("f", []))
    cosines = 0.25 * unit_rows(a) @ unit_rows(a)[5] + 0.75 * unit_rows(b) @ unit_rows(b)[5]
    rows, found = nearest_rows(features, [5], [], 4, {"a": 0.25, "b": 0.75})
    order = [i for i in np.argsort(-cosines) if i != 5][:4]
    assert rows.tolist() == order
    np.testing.assert_allclose(found, cosines[order], atol=1e-5)
