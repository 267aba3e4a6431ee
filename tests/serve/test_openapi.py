"""The service against its own OpenAPI document: any input gets an answer that the document tells of."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import cwd_into
from tests.serve.conftest import TOKEN, client_of

schemathesis = pytest.importorskip("schemathesis")
EXAMPLES = 4  # of each route
SLOW = ("/suspects", "/query", "/events")  # each is asked for elsewhere; a stream does not end


@pytest.mark.filterwarnings("ignore")
def test_any_input_gets_an_answer_of_the_document(
    taught_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hypothesis import HealthCheck, Phase, given, settings
    from schemathesis.checks import CHECKS, load_all_checks

    shutil.copytree(taught_once, tmp_path / "work")
    client = client_of(cwd_into(monkeypatch, tmp_path / "work"))
    headers = {"Authorization": f"Bearer {TOKEN}", "Host": "127.0.0.1:8000"}
    load_all_checks()
    wanted = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [CHECKS.get_one(name) for name in wanted]
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", client.app, headers=headers)
    asked: list[str] = []
    for operation in (found.ok() for found in schema.get_all_operations()):
        if operation.path.endswith(SLOW):
            continue

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        def check(case: Any) -> None:
            if "graph" in (case.path_parameters or {}):
                case.path_parameters["graph"] = "main"
            case.validate_response(case.call(headers=headers), checks=checks)

        check()
        asked.append(operation.path)
    client.held.close()
    assert len(asked) >= 25
