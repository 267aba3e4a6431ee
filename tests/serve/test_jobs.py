"""Long work as jobs: real processes on a small graph."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from kgkt.serve.child import Teller
from kgkt.serve.job import NOTICES, POINTS, Job
from kgkt.serve.process import start_child
from kgkt.serve.spare import PLENTY, Spare
from tests.serve.jobs import begin, refused, wait

LONG: dict[str, Any] = {"recommend": True, "truth": "truth.csv", "labels": [1, 2], "seeds": 100}


@pytest.fixture
def long(truth: dict[str, str], taught_client: Any) -> Any:
    """A client in a folder with what a long job without TensorFlow needs."""
    rows = ["item_id,class", *(f"{item},{name}" for item, name in truth.items())]
    Path("truth.csv").write_text("\n".join(rows), encoding="utf-8")
    return taught_client


def under_way(job: dict[str, Any]) -> bool:
    return job["progress"] is not None and job["progress"]["what"] != "starting" and job["progress"]["done"] > 0


def test_a_b_is_fused_with_a_live_curve(mapped_client):
    job = begin(mapped_client, "fuse", target="b.keras", test="test.npz")
    told = mapped_client.get(f"/api/jobs/{job}/events").text
    events = [json.loads(part.split("data: ", 1)[1]) for part in told.split("\n\n") if part.startswith("event: job")]
    assert events[0]["verb"] == "fuse"
    assert [e["state"] for e in events if "state" in e][-2:] == ["running", "done"]
    live = [e["curve"] for e in events if e.get("curve") and not e.get("result")]
    assert live  # it was told while B was trained
    trainings = [e["curve_of"] for e in events if e.get("curve_of")]
    assert trainings == [name for name in ("alone", "own", "written", "kept") if name in trainings]
    done = wait(mapped_client, job)
    assert [p["step"] for p in done["curve"]] == [20 * (i + 1) for i in range(len(done["curve"]))]
    assert {*done["curve"][0]} == {"step", "loss", "val_loss"}
    assert list(done["curves"]) == ["alone", "own", "written", "kept"]
    assert [(len(done["curves"][name]), done["curves"][name][-1]["step"]) for name in ("alone", "own", "written")] == [
        (20, 400), (4, 80), (4, 80)]
    assert done["curves"]["kept"] == done["curve"]
    assert done["curve"][:3] in (done["curves"]["own"][:3], done["curves"]["written"][:3])
    rows = {row["method"]: row for row in done["result"]["rows"]}
    figures = done["result"]["figures"]
    assert rows["fused"]["value"] == figures["test_fused"] > rows["alone"]["value"]
    assert rows["alone"]["minus"] == pytest.approx(figures["gain"])
    assert done["result"]["out"] == "b-fused.keras"
    assert Path(done["result"]["card"]).is_file()
    models = mapped_client.get("/api/graphs/main/models").json()["models"]
    assert [(m["name"], m["file"], m["fused"]["out"]) for m in models] == [("b", "b.keras", "b-fused.keras")]
    assert models[0]["fused"]["rows"] == done["result"]["rows"]
    files = {f["file"]: f for f in mapped_client.get("/api/graphs/main/targets").json()["files"]}
    assert [files[name]["fused"] for name in ("b.keras", "b-fused.keras")] == [False, True]
    found = mapped_client.get("/api/graphs/main/blocks?model=b&layer=hidden").json()["blocks"]
    assert max(c["measured"] or 0 for block in found for c in block["concepts"]) > 0.5
    # what a job of this server wrote may be replaced by another, what it did not may not
    again = begin(mapped_client, "fuse", target="b.keras", out="b-fused.keras")
    mapped_client.delete(f"/api/jobs/{again}")
    assert wait(mapped_client, again)["state"] == "cancelled"
    Path("other.keras").write_bytes(b"mine")
    status, kind, message = refused(mapped_client, "fuse", target="b.keras", out="other.keras")
    assert (status, kind) == (409, "input")
    assert "no job of this server wrote it" in message


def test_jobs_wait_in_order_and_can_be_ended(long):
    first, second, third = begin(long, "evaluate", **LONG), begin(long, "suspects"), begin(long, "propagate", balanced=True)
    wait(long, first, under_way)
    every = long.get("/api/jobs").json()
    assert [(j["id"], j["state"]) for j in every] == [(third, "waiting"), (second, "waiting"), (first, "running")]
    assert long.delete(f"/api/jobs/{second}").json()["state"] == "cancelled"
    long.delete(f"/api/jobs/{first}")
    ended = wait(long, first)
    assert (ended["state"], ended["error"], ended["result"]) == ("cancelled", None, None)
    last = wait(long, third)
    assert last["result"]["items"] == last["result"]["reached"] == 600
    assert last["result"]["spread"] == "both"
    assert last["started"] >= ended["started"]
    assert wait(long, second)["started"] is None
    assert not list(Path("kgkt-run").rglob(".*.part*"))
    assert long.delete(f"/api/jobs/{first}").json()["state"] == "cancelled"


def test_a_killed_process_is_a_failed_job(long):
    job = begin(long, "evaluate", **LONG)
    wait(long, job, lambda shown: shown["progress"])
    os.kill(long.held.jobs._process.pid, signal.SIGKILL)
    failed = wait(long, job)
    assert failed["state"] == "failed"
    assert failed["error"] == {"kind": "fault", "message": "the system ended the job (SIGKILL), as it does where memory "
                               "runs out; kgkt check estimates what a run needs"}


def test_a_job_ends_with_its_server(long):
    child = start_child(Path.cwd())
    place = {"graph": "main", "dir": "kgkt-run"}
    spec = {"verb": "evaluate", "settings": LONG, "place": place, "write": True}
    child.stdin.write(json.dumps(spec).encode() + b"\n")
    child.stdin.flush()
    for line in child.stdout:
        if "progress" in json.loads(line):
            break
    child.stdin.close()  # as when the server is killed
    last = [json.loads(line) for line in child.stdout][-1]
    assert last == {"error": {"kind": "cancelled", "message": "cancelled"}}
    assert child.wait(60) == 0
    child.stdout.close()
    child.stderr.close()


def test_closing_the_service_ends_its_jobs(long):
    job, waits = begin(long, "evaluate", **LONG), begin(long, "propagate")
    wait(long, job, lambda shown: shown["progress"])
    process = long.held.jobs._process
    long.held.close()
    assert process.poll() is not None
    assert [j["state"] for j in long.held.jobs.all()] == ["cancelled", "cancelled"]
    assert waits in [j["id"] for j in long.held.jobs.all()]
    assert refused(long, "propagate")[:2] == (409, "busy")


def test_the_next_process_is_loaded_ahead_where_memory_is_plenty(tmp_path, monkeypatch):
    spare, taken = Spare(tmp_path), []
    monkeypatch.setattr("kgkt.serve.spare.free_bytes", lambda: PLENTY)
    spare.make("propagate")
    first = spare._process
    taken.append(spare.take("fuse"))  # what is loaded is not all it needs, but some
    assert taken[-1] is first
    spare.make("trace")
    heavy = spare._process
    spare.make("propagate")
    assert spare._process is heavy
    taken.append(spare.take("propagate"))  # TensorFlow is kept for who needs it
    assert taken[-1] is not heavy
    assert heavy.args[-1] == "keras"
    spare.drop()
    assert heavy.poll() is not None
    for free in (PLENTY - 1, None):
        monkeypatch.setattr("kgkt.serve.spare.free_bytes", lambda free=free: free)
        spare.make("propagate")
        assert spare._process is None
    for process in taken:
        process.kill()
        process.communicate()


def test_what_is_swallowed_of_an_interruption_is_raised_with_the_next_word(tmp_path):
    with (tmp_path / "told").open("w", encoding="utf-8") as out:
        teller = Teller(out)
        with pytest.raises(KeyboardInterrupt):
            teller.interrupt(2, None)
        with pytest.raises(KeyboardInterrupt):
            teller.look("kept", {"loss": [0.5] * 20}, 20)
        teller.end(error={"kind": "cancelled"})
    assert json.loads((tmp_path / "told").read_text(encoding="utf-8")) == {"error": {"kind": "cancelled"}}


REFUSED: list[tuple[str, dict[str, Any], int, str, str]] = [
    ("fusee", {}, 400, "usage", "did you mean fuse?"),
    ("query", {"text": "MATCH (n) RETURN n"}, 400, "usage", "no job 'query'"),
    ("fuse", {"targt": "b.keras"}, 400, "usage", "fuse has no setting 'targt'; did you mean target?"),
    ("fuse", {"target": "b.keras", "imports": ["os"]}, 400, "usage", "no setting 'imports'"),
    ("fuse", {"target": "b.keras", "trainer": "rm"}, 400, "usage", "no setting 'trainer'"),
    ("fuse", {"target": "b.keras", "steps": "400"}, 400, "usage", "steps must be a whole number"),
    ("fuse", {"target": "b.keras", "steps": True}, 400, "usage", "steps must be a whole number"),
    ("fuse", {"target": "b.keras", "learning_rate": 1e9}, 400, "usage", "learning_rate must be a number"),
    ("fuse", {"target": "b.keras", "grow": {"layers": 3}}, 400, "usage", "grow must be of classes and units"),
    ("fuse", {"target": 3}, 400, "usage", "target must be a text"),
    ("fuse", {"target": "../b.keras"}, 400, "input", "lies outside"),
    ("fuse", {"target": "/etc/passwd"}, 400, "input", "B is a Keras file"),
    ("fuse", {"target": "link.keras"}, 400, "input", "lies outside"),
    ("fuse", {"target": "b\0.keras"}, 400, "input", "is no name of a file"),
    ("fuse", {"target": "none.keras"}, 400, "input", "is not there"),
    ("fuse", {"target": "b.keras", "data": "/etc"}, 400, "input", "lies outside"),
    ("fuse", {"target": "b.keras", "out": "/tmp/x.keras"}, 400, "input", "lies outside"),
    ("fuse", {"target": "b.keras", "out": "kgkt.toml"}, 400, "input", "a fused B is a Keras file"),
    ("fuse", {"target": "b.keras", "out": "no/x.keras"}, 400, "input", "there is no folder"),
    ("fuse", {"target": "b.keras", "out": "a.keras"}, 409, "input", "no job of this server wrote it"),
    ("fuse", {}, 400, "usage", "fuse what?"),
    ("propagate", {"spread": "itms"}, 400, "usage", "did you mean items?"),
    ("propagate", {"prior": {"1": "much"}}, 400, "usage", "a share for each class"),
    ("suspects", {"n": 0}, 400, "usage", "n must be a whole number"),
    ("diff", {"before": "../../x.keras"}, 400, "input", "lies outside"),
]  # fmt: skip


def test_what_may_not_be_told_is_refused_by_name(taught_client, tmp_path):
    (tmp_path / "secret.keras").write_bytes(b"")
    Path("link.keras").symlink_to(tmp_path / "secret.keras")
    for verb, settings, *refusal, message in REFUSED:
        told = refused(taught_client, verb, **settings)
        assert list(told[:2]) == refusal, (verb, settings, told)
        assert message in told[2]
    assert taught_client.get("/api/jobs").json() == []


def test_a_server_that_only_reads_runs_what_writes_nothing(reader):
    for verb in ("propagate", "map", "fuse", "diff", "evaluate"):
        settings = {"target": "b.keras"} if verb in ("map", "fuse", "diff") else {}
        assert refused(reader, verb, **settings)[:2] == (405, "readonly")
    assert begin(reader, "trace", item="i0001")
    assert reader.held.jobs.work_out("main") is None


def test_a_trace_that_would_propagate_needs_the_right_to_write(taught_client):
    label = {"labels": [{"item": "i0003", "class": "7"}], "ticks": []}
    assert taught_client.post("/api/graphs/main/label", json=label).status_code == 200
    taught_client.held.write = False
    failed = wait(taught_client, begin(taught_client, "trace", item="i0001"))
    assert failed["error"]["kind"] == "readonly"
    assert "changed since propagate: the graph" in failed["error"]["message"]


def test_no_such_graph_or_job(taught_client):
    answer = taught_client.post("/api/graphs/mian/jobs", json={"verb": "suspects"})
    assert (answer.status_code, answer.json()["error"]["kind"]) == (404, "missing")
    assert "did you mean main?" in answer.json()["error"]["message"]
    for ask in (taught_client.get, taught_client.delete):
        assert ask("/api/jobs/0").status_code == 404
    assert taught_client.get("/api/jobs/0/events").status_code == 404
    assert taught_client.post("/api/graphs/main/jobs", json={"verb": "suspects", "more": 1}).status_code == 422


def test_a_job_keeps_no_more_than_a_page_can_show():
    job = Job("main", "fuse", {}, {}, True)
    for step in range(20 * POINTS):
        job.hear({"point": {"of": "kept", "step": step, "loss": 1.0, "val_loss": None}})
        job.hear({"notice": "x" * 10_000})
    curve = job.shown()["curve"]
    assert len(curve) <= POINTS
    assert len(job.notices) == NOTICES
    assert (curve[0]["step"], curve[-1]["step"]) == (0, 20 * POINTS - 1)
    assert len(job.id) >= 16
