"""What the service shows of a graph, and what edits change in it."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.cli.conftest import kgkt_in
from tests.serve.conftest import client_of

G = "/api/graphs/main"


def got(client: Any, path: str) -> Any:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


def done(client: Any, path: str, body: Any) -> Any:
    answer = client.post(path, json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_an_unlabelled_graph(client: Any) -> None:
    assert got(client, "/api/session")["write"] is True
    over = got(client, G)
    state = got(client, G + "/state")
    drawn = got(client, G + "/map")
    k = over["concepts"]
    assert over["kind"] == "array"
    assert over["pictures"] is True
    assert state["answer"] == "none"
    assert state["classes"] == []
    assert state["best"] == [-1] * k
    assert state["line"] == f"nothing is labelled yet, of {over['items']} items"
    for name in ("x", "y", "names", "sizes", "themes", "active", "into", "medoids"):
        assert len(drawn[name]) == k
    assert sum(drawn["sizes"]) == over["items"]
    assert 0 < drawn["edges"]["kept"] <= drawn["edges"]["all"] == over["edges"]
    assert max(map(abs, drawn["x"])) <= 1
    assert got(client, "/api/graphs") == [
        {"graph": "main", "items": over["items"], "concepts": k, "labels": 0, "complete": True, "why": None}]


def test_labels_change_the_state_at_once_and_are_in_the_database(client: Any, truth: dict[str, str]) -> None:
    asked = got(client, G + "/suggest?n=3")["items"]
    assert [one["speaks_for"] for one in asked] == sorted((one["speaks_for"] for one in asked), reverse=True)
    for number, one in enumerate(asked):
        edited = done(client, G + "/label", {"labels": [{"item": one["item"], "class": truth[one["item"]]}]})
        assert edited["edit"] == number + 1
        assert edited["state"]["label_count"] == number + 1
        assert edited["state"]["answer"] == "concepts"
        assert edited["state"]["best"][one["concept"]] == edited["state"]["classes"].index(truth[one["item"]])
    state = edited["state"]
    assert state["reached"] == sum(state["class_items"]) > 0
    assert state["last_edit"] == 3
    rows = done(client, G + "/query", {"text": "labels"})
    assert {row[0] for row in rows["rows"]} == {one["item"] for one in asked}
    again = {one["item"] for one in got(client, G + "/suggest?n=3")["items"]}
    assert not again & {one["item"] for one in asked}
    undone = done(client, G + "/undo", {})
    assert undone["state"]["label_count"] == 2
    assert undone["words"].startswith("undone: label")


def test_a_tick_and_a_label_that_stood_there(client: Any) -> None:
    first, second, third = (one["item"] for one in got(client, G + "/suggest?n=3")["items"])
    body = {"labels": [{"item": first, "class": "a"}, {"item": second, "class": "b"}]}
    assert done(client, G + "/label", body)["edit"] == 1
    assert done(client, G + "/label", body) | {"state": 0} == {
        "edit": None, "words": "it was so before", "notices": [], "state": 0}
    state = done(client, G + "/label", {"ticks": [{"item": third, "class": "a"}]})["state"]
    assert (state["label_count"], state["tick_count"], state["class_ticks"]) == (2, 1, [1, 0])
    again = done(client, G + "/label", {"labels": [{"item": first, "class": "b"}]})
    assert re.fullmatch(rf"{first} was a, said by .+ at 20\d\d-.+Z", again["notices"][0])
    assert done(client, G + "/label", {"labels": [{"item": first, "class": "a"}]})["state"]["classes"] == ["a", "b"]
    assert got(client, G + f"/item?id={third}")["ticks"] == ["a"]


def test_the_whole_teachers_answer_is_shown_until_a_label_comes(taught_client: Any) -> None:
    state = got(taught_client, G + "/state")
    assert state["answer"] == "items"
    assert state["label_count"] == 20
    item = got(taught_client, G + "/suggest?n=1")["items"][0]["item"]
    why = got(taught_client, G + f"/explain?id={item}")
    assert why["class"] == got(taught_client, G + f"/item?id={item}")["says"][0]["class"]
    assert done(taught_client, G + "/label", {"labels": [{"item": item, "class": "7"}]})["state"]["answer"] == "concepts"
    refused = taught_client.get(G + f"/explain?id={item}")
    assert refused.status_code == 400
    assert "after kgkt propagate" in refused.json()["error"]["message"]
    assert done(taught_client, G + "/undo", {})["state"]["answer"] == "items"


def test_a_concept_and_what_can_be_done_with_it(taught_client: Any) -> None:
    c = taught_client
    first = got(c, G + "/concepts?limit=1")["concepts"][0]
    i = first["number"]
    whole = got(c, G + f"/concept?number={i}")
    assert (whole["size"], whole["name"], whole["active"]) == (first["size"], first["name"], True)
    assert len(whole["examples"]) == 8
    assert abs(sum(m["mass"] for m in whole["masses"]) - 1) < 1e-3
    weights = [n["weight"] for n in whole["neighbours"]]
    assert weights == sorted(weights, reverse=True)
    edges = got(c, G + f"/edges?concept={i}")
    assert {*edges["a"], *edges["b"]} >= {n["number"] for n in whole["neighbours"]} | {i}
    layout = got(c, G + "/map")["layout"]
    done(c, G + "/name", {"concept": i, "name": "</script><img src=x onerror=alert(1)>"})
    assert got(c, G + f"/concept?number={i}")["name"] == "</script><img src=x onerror=alert(1)>"
    assert got(c, G + "/map")["layout"] == layout + 1
    assert got(c, G + "/search?q=onerror")["concepts"] == [{"number": i, "name": "</script><img src=x onerror=alert(1)>"}]
    assert done(c, G + "/name", {"concept": i})["words"] == f"concept {i} is called {whole['auto_name']}"
    state = done(c, G + "/switch", {"concepts": [i], "on": False})["state"]
    assert got(c, G + f"/concept?number={i}")["active"] is False
    assert state["best"][i] == -1
    assert done(c, G + "/undo", {})["state"]["best"][i] >= 0
    other = whole["neighbours"][0]["number"]
    done(c, G + "/merge", {"kept": i, "others": [other]})
    assert got(c, G + f"/concept?number={i}")["parts"] == [other]
    assert got(c, G + f"/concept?number={other}")["into"] == i
    done(c, G + "/apart", {"concepts": [other]})
    assert got(c, G + f"/concept?number={i}")["parts"] == []
    assert [e["verb"] for e in got(c, G + "/edits")["edits"]][:3] == ["merge", "merge", "undo"]


def test_what_another_process_changed_is_seen(client: Any, tmp_path: Any) -> None:
    items = [one["item"] for one in got(client, G + "/suggest?n=2")["items"]]
    kgkt_in(tmp_path / "work", "label", f"{items[0]}=cat", f"{items[1]}=dog")
    client.held.graph("main").look_again()
    state = got(client, G + "/state")
    assert state["classes"] == ["cat", "dog"]
    assert state["revision"] == 2
    layout = got(client, G + "/map")["layout"]
    kgkt_in(tmp_path / "work", "query", "MATCH (c:Concept {graph: $graph})-[e:SIMILAR_TO]->() SET e.weight = 2 * e.weight",
            "--rw", "--force")  # fmt: skip
    client.held.graph("main").look_again()
    assert got(client, G + "/map")["layout"] == layout + 1


def test_pictures_and_search(client: Any) -> None:
    from io import BytesIO

    from PIL import Image

    rows = sorted(client.held.graph("main").now().rows)
    assert all(got(client, G + f"/item?id={item}")["picture"] for item in rows[::40])  # kept by populate or not
    medoid = got(client, G + "/map")["medoids"][0]
    answer = client.get(G + "/picture", params={"id": medoid, "side": 64})
    assert answer.headers["content-type"] == "image/png"
    assert min(Image.open(BytesIO(answer.content)).size) == 64
    bare = next(i for i in sorted(client.held.graph("main").now().rows) if i not in got(client, G + "/map")["medoids"])
    assert Image.open(BytesIO(client.get(G + "/picture", params={"id": bare}).content)).size == (128, 128)
    sheet = Image.open(BytesIO(client.get(G + "/sprites").content))
    assert sheet.width == 32 * 32
    assert client.get(G + "/sprites?page=1").status_code == 404
    found = got(client, G + f"/search?q={medoid}")
    assert found["items"][0]["item"] == medoid
    near = got(client, G + f"/similar?item={medoid}&n=5")
    assert len(near["items"]) == 5
    assert near["items"][0]["cosine"] >= near["items"][4]["cosine"]


def test_doubts(taught_client: Any) -> None:
    told = got(taught_client, G + "/suspects?n=5")
    assert told["judged"] + sum(1 for _ in told["passed_over"]) > 0
    found = got(taught_client, G + "/borders")["borders"]
    counts = [border["items"] for border in found]
    assert counts == sorted(counts, reverse=True)
    for border in found:
        for concept in border["concepts"]:
            assert {name for name, _ in concept["masses"]} == {border["a"], border["b"]}
            assert concept["masses"][1][1] >= 0.2


@pytest.mark.parametrize(("path", "body", "status", "words"), [
    ("/label", {"labels": [{"item": "zzz", "class": "a"}]}, 400, "no item 'zzz' in the pool"),
    ("/label", {"labels": []}, 400, "neither a label nor a tick"),
    ("/label", {"labels": [{"item": "i0000"}]}, 422, "labels.0.class: Field required"),
    ("/label", {"ticks": [{"item": "i0001", "class": "cat"}]}, 400, "no class 'cat'"),
    ("/name", {"concept": 10**6, "name": "a"}, 400, "no concept"),
    ("/name", {"concept": 0, "name": "  "}, 400, "the name is empty"),
    ("/switch", {"concepts": [0], "on": "no"}, 422, "on: Input should be a valid boolean"),
    ("/switch", {"concepts": [], "on": True}, 422, "at least 1"),
    ("/undo", {}, 400, "nothing to undo"),
    ("/undo", {"edit": 7}, 400, "no edit 7"),
    ("/query", {"text": "MATCH (c:Concept) DELETE c"}, 403, "--rw"),
    ("/query", {"text": "MATCH (c:Concept RETURN c"}, 400, "expected"),
    ("/query", {"text": "leaning"}, 400, "needs --param class"),
    ("/query", {"text": "RETURN 1; RETURN 2"}, 400, "one statement at a time"),
])  # fmt: skip
def test_what_cannot_be_done_says_why(client: Any, path: str, body: Any, status: int, words: str) -> None:
    answer = client.post(G + path, json=body)
    assert words.lower() in answer.json()["error"]["message"].lower()
    assert answer.status_code == status
    assert got(client, G + "/state")["label_count"] == 0


@pytest.mark.parametrize(("path", "status"), [
    ("/api/graphs/other/state", 404), (G + "/concept?number=999999", 400), (G + "/concept?number=x", 422),
    (G + "/item?id=zzz", 400), (G + "/concepts?sort=colour", 400), (G + "/concepts?class=zebra", 400),
    (G + "/suggest?n=0", 422), (G + "/suggest?concepts=a", 400), (G + "/nothing", 404), ("/api/", 404),
    ("/../kgkt-run/main/run.json", 404), ("/page/../../kgkt.toml", 404),
])  # fmt: skip
def test_what_is_not_there(client: Any, path: str, status: int) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert answer.json()["error"]["message"]


def test_a_class_keeps_its_place(client: Any) -> None:
    items = [one["item"] for one in got(client, G + "/suggest?n=4")["items"]]
    for item, name in zip(items, ("pear", "apple", "quince", "fig"), strict=True):
        state = done(client, G + "/label", {"labels": [{"item": item, "class": name}]})["state"]
    places = dict(zip(state["classes"], state["slots"], strict=True))
    assert places == {"pear": 0, "apple": 1, "quince": 2, "fig": 3}
    done(client, G + "/undo", {"edit": 2})
    state = done(client, G + "/label", {"labels": [{"item": items[1], "class": "kiwi"}]})["state"]
    assert dict(zip(state["classes"], state["slots"], strict=True)) == {"pear": 0, "quince": 2, "fig": 3, "kiwi": 4}
    done(client, G + "/label", {"labels": [{"item": items[0], "class": "fig"}]})  # the first label of pear, corrected
    again = client_of(client.held.folder)
    state = done(again, G + "/label", {"labels": [{"item": items[2], "class": "plum"}]})["state"]  # quince and pear went
    assert dict(zip(state["classes"], state["slots"], strict=True)) == {"fig": 3, "kiwi": 4, "plum": 0}
    again.held.close()


def test_what_a_switch_mutes_is_told(taught_client: Any) -> None:
    labelled = next(c for c in got(taught_client, G + "/concepts?limit=60&sort=labels")["concepts"] if c["labels"])
    whole = got(taught_client, G + f"/concept?number={labelled['number']}")
    item = got(taught_client, G + f"/item?id={whole['labels'][0]['item']}")
    off = [concept["number"] for concept in item["concepts"]]
    told = done(taught_client, G + "/switch", {"concepts": off, "on": False})["notices"]
    assert f"{item['item']}={item['label']}" in " ".join(told)
    assert "nothing is learned" in told[-1]
