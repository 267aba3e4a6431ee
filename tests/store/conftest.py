"""A small graph from scikit-learn's digits, and the stores that the contract runs on."""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kgkt.store.diff import write_arrived, write_correspondences
from kgkt.store.labels import write_labels
from kgkt.store.lexicon import write_translations
from kgkt.store.load import (
    load_graph,
    set_active,
    set_names,
    write_blocks,
    write_masses,
    write_measured,
    write_models,
    write_sources,
)
from kgkt.store.opening import open_store
from kgkt.store.protocol import Statement
from kgkt.store.rows import write_rows
from kgkt.values import Block, BlockMap, ConceptGraph
from tests import neo4j_server as servers

K = 12
NAMES = tuple(str(i) for i in range(10))
IDS = np.array([f"i{i}" for i in range(300)])


@functools.cache
def digits_graph(graph: str = "main", k: int = K) -> tuple[ConceptGraph, dict[str, Any]]:
    """A concept graph of 300 digits, and what else `load_graph` takes."""
    from sklearn.cluster import KMeans
    from sklearn.datasets import load_digits

    data = load_digits().data[: len(IDS)] / 16
    fit = KMeans(k, n_init=1, random_state=0).fit(data)
    near = np.argsort(fit.transform(data), axis=1)[:, :3]
    z = np.zeros((len(data), k))
    np.put_along_axis(z, near, np.array([0.6, 0.3, 0.1]), axis=1)
    weights = np.triu(z.T @ z, 1)
    edges = np.argwhere(weights > 0)
    unit = fit.cluster_centers_ / np.linalg.norm(fit.cluster_centers_, axis=1, keepdims=True)
    value = ConceptGraph(
        keys=[f"{graph}/concept/{i}" for i in range(k)], names=[f"c{i}" for i in range(k)],  # type: ignore[arg-type]
        centroids=fit.cluster_centers_, sizes=np.bincount(fit.labels_, minlength=k), active=np.ones(k, bool),
        edges=edges, weights=weights[tuple(edges.T)], cosines=(unit @ unit.T)[tuple(edges.T)],
        themes=np.arange(k) % 3)
    best = z.argmax(axis=0).tolist()
    more = {
        "coordinates": fit.cluster_centers_[:, 10:12],
        "info": {"stability": 0.8, "seed": 0, "n_items": len(data), "kgkt_version": "0.1.0",
                 "created_at": "2026-11-24T10:00:00Z"},
        "models": [{"name": "a", "role": "source", "framework": "keras", "sha256": "00", "n_weights": 10}],
        "items": [{"item_id": IDS[i], "uri": f"exemplars/{i}.png", "text": None} for i in dict.fromkeys(best)],
        "examples": [(str(IDS[i]), c, float(z[i, c])) for c, i in enumerate(best)],
        "classes": NAMES,
    }
    return value, more


def digits_map(k: int = K) -> BlockMap:
    """A map onto a Dense layer of three units and a head of ten."""
    from scipy.sparse import csr_matrix

    dense = csr_matrix(np.eye(3)[np.arange(k) % 3] * 0.5)
    head = csr_matrix(np.random.default_rng(0).dirichlet(np.full(10, 0.1), k).round(3))
    blocks = {"dense": tuple(Block("dense", "unit", i, (64,)) for i in range(3)),
              "out": tuple(Block("out", "head", i, (3,)) for i in range(10))}
    return BlockMap(blocks, {"dense": dense, "out": head}, {"dense": dense.copy(), "out": head.copy()})


@pytest.fixture(params=["kglite", "neo4j"])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """URL of an empty database of each kind."""
    if request.param == "neo4j":
        return str(request.getfixturevalue("neo4j_url"))
    return f"kglite:{tmp_path / 'graph.kgl'}"


@pytest.fixture
def loaded(store_url: str) -> str:
    """URL of a database that holds the digits graph under the name main."""
    value, more = digits_graph()
    with open_store(store_url, write=True) as store:
        load_graph(store, "main", value, **more)
    return store_url


def fill(url: str) -> None:
    """Two graphs, the first with something for every shipped query to find."""
    value, more = digits_graph()
    edges = ~(value.edges == 11).any(axis=1)
    value = replace(value, edges=value.edges[edges], weights=value.weights[edges], cosines=value.cosines[edges])
    mass = np.zeros((K, 10))
    mass[np.arange(10), np.arange(10)] = 0.7
    mass[np.arange(10), (np.arange(10) + 1) % 10] = 0.3
    mass[10, :2] = 0.5
    block_map = digits_map()
    block_map.strength["dense"][2, 2] = 0.25
    with open_store(url, write=True) as store:
        load_graph(store, "main", value, **more, frozen=True)
        load_graph(store, "other", *(lambda v, m: (v, *m.values()))(*digits_graph("other", 4)))
        write_labels(store, "main", [("x3", "3", "me", "now"), ("x5", "0", "me", "now")], [("x4", "3", "me", "now")],
                     examples=[("x3", 3, 0.5), ("x4", 3, 0.25), ("x5", 5, 0.5)])
        write_masses(store, "main", mass, NAMES)
        write_blocks(store, "main", {"name": "b", "role": "target"}, block_map, NAMES)
        write_measured(store, "main", "b", [(2, "dense", 2, 0.5), (5, "dense", 0, 0.75)], "b-fused.keras", "00")
        write_models(store, "main", [{"name": "a2", "role": "source", "framework": "keras", "sha256": "01"}])
        write_sources(store, "main", [("a", 0.25), ("a2", 0.75)],
                      [(0, "a", 0.5), (0, "a2", 0.25), (1, "a", 0.125), (1, "a2", 1.0), (2, "a", 0.5), (6, "a", 1.0)])
        write_rows(store, "main", {"name": "b", "role": "target"}, "emb", "emb/embeddings", [None, "cat", "dog", "cow"],
                   [(3, 1, 1.0, 1.0), (4, 2, 0.5, 1.0)])
        said = {"kept": 0.25, "floor": 0.125, "ceiling": 0.5}
        write_arrived(store, "main", {"name": "b", "role": "target"}, [
            (1, {"verdict": "lost", **said}), (2, {"verdict": "arrived", **said, "kept": 0.5})])
        write_correspondences(store, "main", "other", [
            (3, 0, {"overlap": 0.75, "back": 0.5, "new": False, "verdict": "arrived", **said}),
            (5, 1, {"overlap": 0.25, "back": 0.125, "new": True, "verdict": "lost", **said})])
        write_translations(store, "main", "other", [  # of which concept 6 is off
            (6, 1, {"words": 5, "share": 0.5, "back": 0.5, "confidence": 0.5, "examples": "six = six"}),
            (2, 0, {"words": 9, "share": 0.5, "back": 0.25, "confidence": 0.75, "examples": "one = un"}),
            (7, 3, {"words": 4, "share": 0.125, "back": 0.5, "confidence": 0.5, "examples": "two = deux; three = trois"})])
        set_names(store, "main", {4: "round ones"})
        set_active(store, "main", {6: False})


def edit(url: str, *texts: str) -> None:
    """Change a database as a person does in Cypher."""
    with open_store(url) as store:
        for text in texts:
            store.ask(text, write=True)


def digest(url: str) -> str:
    """Everything a database holds, node by node and edge by edge, as text."""
    with open_store(url) as store:
        nodes = store.read(Statement("nodes", "MATCH (n) RETURN n")).rows
        edges = store.read(Statement("edges", "MATCH ()-[e]->() RETURN e")).rows
    return json.dumps([sorted(json.dumps(row, sort_keys=True) for row in part) for part in (nodes, edges)])


def run(url: str, text: str, **params: object) -> list[tuple]:
    """Do something on the server that kgkt would not do."""
    with open_store(url, write=True) as store:
        return list(store._change(Statement("test", text), params).rows)


@pytest.fixture
def asked(neo4j_login: servers.Server) -> str:
    """URL of a server that holds the digits graph and whose constraints were made for it."""
    servers.empty(neo4j_login, bare=True)
    return fill_server(neo4j_login)


@pytest.fixture
def unchanged(neo4j_login: servers.Server) -> str:
    """The same for tests that change nothing: one after another they find it as the first one filled it."""
    if neo4j_login.holds != "digits":
        servers.empty(neo4j_login)
        fill_server(neo4j_login)
        neo4j_login.holds = "digits"
    return neo4j_login.url


def fill_server(server: servers.Server) -> str:
    value, more = digits_graph()
    with open_store(server.url, write=True) as store:
        load_graph(store, "main", value, **more)
    return server.url
