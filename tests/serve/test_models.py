"""What the B view asks: files that may be B, what was mapped, what reaches each block, the proof's report."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from kgkt.serve.routes.jobs import _stream
from kgkt.store.opening import open_store
from tests.serve.jobs import begin, refused


def test_a_mapped_b_is_told_with_its_layers_and_the_concepts_behind_them(mapped_client, monkeypatch):
    models = mapped_client.get("/api/graphs/main/models").json()["models"]
    assert models == [{"name": "b", "file": "b.keras", "exists": True, "fused": None, "layers": [
        {"layer": "hidden", "kind": "unit", "blocks": 32}, {"layer": "out", "kind": "head", "blocks": 10}]}]
    found = mapped_client.get("/api/graphs/main/blocks?model=b&layer=hidden").json()["blocks"]
    assert [block["index"] for block in found] == list(range(32))
    unit = found[3]
    with open_store("kglite:kgkt-run/graph.kgl") as store:
        rows = store.ask("MATCH (c:Concept)-[m:MAPS_TO]->(b:Block {layer: 'hidden', index: 3}) WHERE m.strength > 0 "
                         "RETURN c.key AS key, m.strength AS strength ORDER BY strength DESC", {}).dicts()  # fmt: skip
    assert [(f"main/concept/{c['number']}", c["strength"]) for c in unit["concepts"]] == [
        (row["key"], row["strength"]) for row in rows]
    assert unit["of"] == len(rows)
    assert {c["measured"] for c in unit["concepts"]} == {None}
    heads = mapped_client.get("/api/graphs/main/blocks?model=b&layer=out").json()["blocks"]
    assert [(block["name"], block["kind"]) for block in heads] == [(str(digit), "head") for digit in range(10)]
    monkeypatch.setattr("kgkt.serve.models.STRONGEST", 2)
    few = mapped_client.get("/api/graphs/main/blocks?model=b&layer=out").json()["blocks"]
    assert [(b["concepts"], b["of"]) for b in few] == [(b["concepts"][:2], b["of"]) for b in heads]
    for asked, message in (("model=bb&layer=out", "did you mean b?"), ("model=b&layer=outt", "did you mean out?")):
        answer = mapped_client.get(f"/api/graphs/main/blocks?{asked}")
        assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "missing")
        assert message in answer.json()["error"]["message"]
    Path("b.keras").unlink()
    gone = mapped_client.get("/api/graphs/main/models").json()["models"][0]
    assert (gone["file"], gone["exists"]) == (None, False)


def test_only_keras_files_of_the_folder_may_be_b(taught_client, tmp_path):
    (tmp_path / "outside.keras").write_bytes(b"x")
    for name in ("link.keras", "sub/deep.keras", ".hidden/no.keras", "a b.keras", "no.txt"):
        Path(name).parent.mkdir(exist_ok=True)
        if name == "link.keras":
            Path(name).symlink_to(tmp_path / "outside.keras")
        else:
            Path(name).write_bytes(b"xyz")
    Path("b-other.keras").write_bytes(b"")
    Path("b-other.run.json").write_text("[broken", encoding="utf-8")
    files = taught_client.get("/api/graphs/main/targets").json()["files"]
    assert [file["file"] for file in files] == ["a b.keras", "a.keras", "b-other.keras", "b.keras", "sub/deep.keras"]
    assert next(file["bytes"] for file in files if file["file"] == "a b.keras") == 3
    assert {file["file"]: file["outputs"] for file in files if file["outputs"]} == {"a.keras": 10, "b.keras": 10}
    assert [file["file"] for file in files if file["fused"]] == ["b-other.keras"]
    assert taught_client.get("/api/graphs/main/models").json() == {"models": []}


def test_the_last_report_is_told_with_its_tables(taught_client):
    asked = "/api/graphs/main/report"
    assert (taught_client.get(asked).status_code, taught_client.get(asked).json()["error"]["kind"]) == (404, "missing")
    rows = [{"task": "t", "method": method, "labels_per_class": 1, "seed": seed, "metric": "pool_accuracy",
             "value": 0.5 + 0.1 * place, "seconds": 1.0} for place, method in enumerate(("nearest mean", "kgkt"))
            for seed in range(3)]  # fmt: skip
    Path("kgkt-run/main/recommend").mkdir()
    Path("kgkt-run/main/recommend/report.json").write_text(json.dumps({
        "task": "t", "sentences": ["a gain"], "rows": rows, "environment": {"command": "/home/someone"}}), encoding="utf-8")
    told = taught_client.get(asked).json()
    assert told["sentences"] == ["a gain"]
    assert [(table["metric"], len(table["rows"])) for table in told["tables"]] == [("pool_accuracy", 2)]
    assert "environment" not in told


def test_a_stream_ends_when_its_client_goes_away(mapped_client):
    class Gone:
        looks = 0

        async def is_disconnected(self) -> bool:
            self.looks += 1
            return self.looks > 3

    begin(mapped_client, "suspects")
    waits = begin(mapped_client, "suspects", n=5)

    async def told() -> list[str]:
        request: Any = Gone()
        return [event async for event in _stream(mapped_client.held.jobs, waits, request)]

    first = json.loads(asyncio.run(told())[0].split("data: ")[1])
    assert (first["id"], first["settings"], first["background"]) == (waits, {"n": 5}, False)


def test_so_many_jobs_wait_and_no_more(mapped_client, monkeypatch):
    monkeypatch.setattr("kgkt.serve.jobs.WAITING", 2)
    while (answer := refused_or_begun(mapped_client)) is None:
        pass
    assert answer[:2] == (429, "limit")
    assert "2 jobs wait already" in answer[2]


def refused_or_begun(client: Any) -> tuple[int, str, str] | None:
    answer = client.post("/api/graphs/main/jobs", json={"verb": "suspects"})
    return None if answer.status_code == 200 else refused(client, "suspects")
