"""The OpenAPI document and the server hold together: generated requests, every answer checked against it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema_rs
import pytest
from tests.api.peers import Peer
from tests.process import Server

HERE = Path(__file__).parent
PAGES_DOCUMENT = Path(__file__).parents[2] / "ui/src/api/openapi.json"
ACCOUNTS = (
    "^/api/(sign_|links|me|users|members|roles|tokens|access|tenants|usage|audit|proposals|protections"
    "|alerting)"
)
OUTSIDE = (
    "/-/|^/metrics|admin/tsdb/snapshot|logs/tail|run_changes|dashboard/stream|flows/queue|^/api/traces|^/api/demo"
    f"|{ACCOUNTS}"
)
"""What runs in other ways, what does not end by itself or waits, and thrift, which nobody generates here."""


def test_generated_requests_get_documented_answers(pharos: Peer, tmp_path: Path) -> None:
    header = ("--header", "X-Scope-OrgID: generated")
    _run_generated(pharos.url, tmp_path, *header, "--exclude-path-regex", OUTSIDE)


def test_generated_requests_about_accounts_get_documented_answers(tmp_path: Path) -> None:
    """With users and tenants of its own: the first user is asked for by everybody from then on."""
    server = Server(tmp_path / "data")
    key = (tmp_path / "data" / "admin-key").read_text()
    _run_generated(server.url, tmp_path, "--header", f"X-Pharos-Key: {key}", "--include-path-regex", ACCOUNTS)
    assert server.stop() == 0
    assert "Traceback" not in server.log.read_text()


def _run_generated(url: str, folder: Path, *arguments: str) -> None:
    done = subprocess.run(
        [
            *(
                str(Path(sys.executable).parent / "schemathesis"),
                "--config-file",
                str(HERE / "schemathesis.toml"),
            ),
            *("run", f"{url}/api/openapi.json", *arguments),
            *("--phases", "examples,coverage,fuzzing", "--max-examples", "3", "--seed", "1"),
            *("--continue-on-failure", "--no-color"),
        ],
        cwd=folder,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "contract_hooks", "PYTHONPATH": str(HERE)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    # What failed comes first; what the generator would like to know better, which is long, last.
    told = done.stdout.partition("= ERRORS =")[2] or done.stdout.partition("= FAILURES =")[2]
    assert done.returncode == 0, told[:20_000] + done.stdout[-500:] + done.stderr[-2000:]


def test_the_types_of_the_pages_are_made_of_this_document(pharos: Peer) -> None:
    schemas = pharos.ask("GET", "/api/openapi.json").json()["components"]["schemas"]
    # Every answer is an envelope around its data, so the pages keep one of them: see ui/scripts/types.mjs.
    kept = {name: schema for name, schema in schemas.items() if not name.startswith("Success_")}
    committed = json.loads(PAGES_DOCUMENT.read_text())["components"]["schemas"]
    assert committed == kept, "with this server running: cd ui && PHAROS_URL=... npm run types"


def test_the_document_covers_every_address(pharos: Peer) -> None:
    document = pharos.ask("GET", "/api/openapi.json").json()
    paths = document["paths"]
    for path in (
        "query", "query_range", "query_exemplars", "format_query", "parse_query", "series", "labels",
        "label/{name}/values", "metadata", "targets", "targets/metadata", "targets/relabel_steps",
        "scrape_pools", "rules", "alerts", "alertmanagers", "notifications", "status/buildinfo",
        "status/runtimeinfo", "status/config", "status/flags", "status/tsdb", "status/walreplay", "read",
        "write", "admin/tsdb/delete_series", "admin/tsdb/clean_tombstones", "admin/tsdb/snapshot",
    ):  # fmt: skip
        assert f"/api/v1/{path}" in paths
    assert {"/api/query_batch", "/federate", "/metrics", "/-/healthy", "/-/ready", "/-/reload"} <= set(paths)
    operations = [operation for methods in paths.values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(names) == len(set(names))
    query = paths["/api/v1/query"]["get"]
    assert {one["name"] for one in query["parameters"]} >= {"query", "time", "timeout", "limit", "stats"}
    assert query["responses"]["200"]["content"]["application/json"]["schema"]


@pytest.mark.parametrize(
    "step", [0, "0s", -1, "-5m", 9_300_000_000, "", 1, 0.5, "5m", "1h30m", 9_000_000_000]
)
def test_the_document_says_which_steps_are_refused(pharos: Peer, step: float | str) -> None:
    operation = pharos.ask("GET", "/api/openapi.json").json()["paths"]["/api/v1/query_range"]["get"]
    schema = next(one["schema"] for one in operation["parameters"] if one["name"] == "step")
    answer = pharos.ask("GET", f"/api/v1/query_range?query=1&start=0&end=0&step={step}")
    assert (answer.status == 200) is jsonschema_rs.is_valid(schema, step)


@pytest.mark.parametrize("count", [-(1 << 63) - 1, -(1 << 63), (1 << 63) - 1, 1 << 63])
def test_the_document_says_which_counts_are_refused(pharos: Peer, count: int) -> None:
    operation = pharos.ask("GET", "/api/openapi.json").json()["paths"]["/api/v1/metadata"]["get"]
    schema = next(one["schema"] for one in operation["parameters"] if one["name"] == "limit_per_metric")
    answer = pharos.ask("GET", f"/api/v1/metadata?limit_per_metric={count}")
    assert (answer.status == 200) is jsonschema_rs.is_valid(schema, count)
