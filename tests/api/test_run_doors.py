"""Engines send what they send anyhow, to a live server: their runs are there, whole or not at all."""

from __future__ import annotations

import gzip
import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

import pytest
import yaml
from openlineage.client import OpenLineageClient
from openlineage.client.event_v2 import Job, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    JobFacet,
    error_message_run,
    job_type_job,
    nominal_time_run,
    parent_run,
)
from openlineage.client.uuid import generate_new_uuid
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Status, StatusCode
from tests.docs.reference import DOCS
from tests.process import Server

CASES = DOCS.parent / "tests" / "runs" / "sources" / "cases"
PRODUCER = "https://example.org/loader"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = Server(tmp_path_factory.mktemp("doors") / "data")
    yield running
    assert running.stop() == 0


def ask(server: Server, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
    data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
    sent = {
        "Content-Type": "application/json",
        **{name.replace("_", "-"): one for name, one in headers.items()},
    }
    request = urllib.request.Request(server.url + path, data, sent)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.loads(answer.read())["data"]
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, json.loads(exc.read())["error"]


def run_of(server: Server, run_id: str) -> Any:
    status, found = ask(server, f"/api/v1/runs/{quote(run_id)}")
    assert status == 200, found
    return found


def test_openlineages_own_client_sends_runs_and_their_steps(server: Server) -> None:
    config = {"transport": {"type": "http", "url": server.url, "compression": "gzip"}}
    client = OpenLineageClient(config=config)
    dag, task = str(generate_new_uuid()), str(generate_new_uuid())

    def emit(state: RunState, run: Run, name: str, kind: str) -> None:
        facets: dict[str, JobFacet] = {"jobType": job_type_job.JobTypeJobFacet("BATCH", "AIRFLOW", kind)}
        job = Job(namespace="default", name=name, facets=facets)
        now = datetime.now(UTC).isoformat()
        client.emit(RunEvent(eventType=state, eventTime=now, run=run, job=job, producer=PRODUCER))

    nominal = nominal_time_run.NominalTimeRunFacet("2026-11-30T00:00:00Z")
    parent = parent_run.ParentRunFacet(
        run=parent_run.Run(runId=dag), job=parent_run.Job(namespace="default", name="etl")
    )
    error = error_message_run.ErrorMessageRunFacet("disk full", "python")
    emit(RunState.START, Run(runId=dag, facets={"nominalTime": nominal}), "etl", "DAG")
    emit(RunState.START, Run(runId=task, facets={"parent": parent}), "etl.load", "TASK")
    emit(RunState.FAIL, Run(runId=task, facets={"parent": parent, "errorMessage": error}), "etl.load", "TASK")
    emit(RunState.FAIL, Run(runId=dag), "etl", "DAG")
    client.close()
    found = run_of(server, dag)
    assert (found["run"]["workflow"], found["run"]["state"], found["run"]["engine"]) == (
        "etl",
        "failed",
        "airflow",
    )
    assert found["attributes"]["nominal_start_time"] == "2026-11-30T00:00:00Z"
    (step,) = found["steps"]
    assert (step["id"], step["name"], step["state"], step["error"]) == (task, "load", "failed", "disk full")


@pytest.mark.parametrize("source", ["prefect", "airflow", "temporal"])
def test_each_door_takes_its_cases_once_however_often_they_come(server: Server, source: str) -> None:
    cases = yaml.safe_load((CASES / f"{source}.yaml").read_text())
    good = [one for one in cases if one.get("events") and "run_id" not in one]
    for case in good:
        path = f"/api/v1/run_events/{source}"
        status, first = ask(server, path, case["body"])
        assert status == 200, (case["name"], first)
        assert first["accepted"] + first["doubled"] == len(case["events"])
    events = [one for case in good for one in case["events"] if "run_id" in one]
    for run_id in {one["run_id"] for one in events}:
        assert run_of(server, run_id)["run"]["engine"] == source
    # What tells no time of its own is told anew.
    whole = good[0]
    status, again = ask(
        server, path, gzip.compress(json.dumps(whole["body"]).encode()), Content_Encoding="gzip"
    )
    assert (status, again) == (200, {"accepted": 0, "doubled": len(whole["events"])})


@pytest.mark.parametrize(
    "source", ["lineage", "run_events/prefect", "run_events/airflow", "run_events/temporal"]
)
def test_of_a_bad_body_nothing_is_taken(server: Server, source: str) -> None:
    path = f"/api/v1/{source}"
    good = {
        "lineage": {
            "eventType": "START",
            "eventTime": "2026-11-30T02:00:00Z",
            "run": {"runId": "half"},
            "job": {"namespace": "default", "name": "w"},
        },
        "run_events/prefect": {
            "event": "prefect.flow-run.Running",
            "occurred": "2026-11-30T02:00:00Z",
            "resource": {"prefect.resource.id": "prefect.flow-run.half", "prefect.state-type": "RUNNING"},
        },
        "run_events/airflow": {"dag_id": "half", "dag_run_id": "half", "state": "running"},
        "run_events/temporal": {
            "events": [
                {
                    "eventId": "1",
                    "eventTime": "2026-11-30T02:00:00Z",
                    "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_STARTED",
                    "workflowExecutionStartedEventAttributes": {"originalExecutionRunId": "half"},
                }
            ]
        },
    }[source]
    status, error = ask(server, path, [good, 7])
    assert (status, error) == (400, "event[1]: must be an object")
    assert ask(server, path, b"{")[0] == 400
    form = ask(server, path, b"a=b", Content_Type="application/x-www-form-urlencoded")
    assert (form[0], "must be application/json" in form[1]) == (400, True)
    bomb = gzip.compress(b"[" + b" " * (9 << 20) + b"]")
    assert ask(server, path, bomb, Content_Encoding="gzip")[0] == 413
    assert ask(server, path, [good] * 10_001)[0] == 413
    for run_id in ("half", "half:half"):
        assert ask(server, f"/api/v1/runs/{quote(run_id)}")[0] == 404


def test_a_run_of_one_tenant_is_no_others(server: Server) -> None:
    body = {"dag_id": "own", "dag_run_id": "1", "state": "running", "start_date": "2026-11-30T02:00:00Z"}
    assert ask(server, "/api/v1/run_events/airflow", body, X_Scope_OrgID="a")[0] == 200
    assert ask(server, "/api/v1/runs/own:1", X_Scope_OrgID="a")[0] == 200
    assert ask(server, "/api/v1/runs/own:1", X_Scope_OrgID="b")[0] == 404
    several = ask(server, "/api/v1/run_events/airflow", body, X_Scope_OrgID="a|b")
    assert several[0] == 400


def test_spans_of_opentelemetrys_own_sdk_become_a_run_with_its_steps(server: Server) -> None:
    provider = TracerProvider(resource=Resource({"service.name": "loader", "host.name": "n1"}))
    exporter = OTLPSpanExporter(endpoint=f"{server.url}/v1/traces")
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("test")
    run = {"workflow.run_id": "otel-1"}
    with tracer.start_as_current_span("main", attributes={**run, "workflow.name": "nightly"}):
        step = {**run, "workflow.step": "extract"}
        with tracer.start_as_current_span("extract", attributes=step), tracer.start_as_current_span("SELECT"):
            pass
        with tracer.start_as_current_span("load", attributes={**run, "workflow.step": "load"}) as span:
            span.set_status(Status(StatusCode.ERROR, "disk full"))
    provider.shutdown()
    found = run_of(server, "otel-1")
    assert (found["run"]["workflow"], found["run"]["state"], found["run"]["engine"]) == (
        "nightly",
        "succeeded",
        "otlp",
    )
    assert (found["run"]["service"], found["run"]["node"]) == ("loader", "n1")
    assert {one["id"]: one["state"] for one in found["steps"]} == {"extract": "succeeded", "load": "failed"}
    assert len(found["run"]["trace_id"]) == 32


def test_what_is_no_run_in_spans_keeps_no_span_out(server: Server) -> None:
    span = {
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "name": "odd",
        "startTimeUnixNano": "1796000000000000000",
        "endTimeUnixNano": "1",
        "attributes": [{"key": "workflow.run_id", "value": {"arrayValue": {"values": []}}}],
    }
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}
    request = urllib.request.Request(
        f"{server.url}/v1/traces", json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 200
