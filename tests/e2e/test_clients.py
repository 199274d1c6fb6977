"""Clients of others, as they come: what they send is read back field by field."""

from __future__ import annotations

import json
import logging
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from elasticsearch import Elasticsearch, helpers
from opentelemetry._logs import SeverityNumber
from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, set_span_in_context
from tests.peers import ending_with_us, free_port, program
from tests.process import Server

PATIENCE_S = 60.0


def eventually(found: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + PATIENCE_S
    while not (answer := found()) and time.monotonic() < deadline:
        time.sleep(0.1)
    return answer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("clients")
    configuration = folder / "pharos.yml"
    configuration.write_text(f"syslog: {{tcp: '127.0.0.1:{free_port()}', udp: '127.0.0.1:{free_port()}'}}\n")
    running = Server(folder / "store", "--otlp-grpc", "127.0.0.1:0", "--config", str(configuration))
    yield running
    assert running.stop() == 0, running.log.read_text()


def said(server: Server, pattern: str) -> str:
    """Return what the server says of itself by a pattern with a group."""
    found = eventually(lambda: re.search(pattern, server.log.read_text()))
    assert found, server.log.read_text()
    return str(found[1])


def read(server: Server, path: str, **parameters: str) -> Any:
    url = f"{server.url}{path}?{urllib.parse.urlencode(parameters)}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        return json.loads(answer.read())["data"]


def lines(server: Server, query: str, count: int) -> list[dict[str, Any]]:
    """Return lines and all their fields, the oldest first, once there are so many."""

    def look() -> list[dict[str, Any]] | None:
        streams = read(server, "/loki/api/v1/query_range", query=query, direction="forward")["result"]
        found = [{**one["stream"], "ts": ts, "line": line} for one in streams for ts, line in one["values"]]
        return sorted(found, key=lambda one: int(one["ts"])) if len(found) >= count else None

    found: list[dict[str, Any]] = eventually(look)
    assert found is not None, f"{query} finds fewer than {count}"
    assert len(found) == count
    return found


def tags(pairs: list[dict[str, Any]]) -> dict[str, Any]:
    return {one["key"]: one["value"] for one in pairs}


def test_what_the_python_sdk_sends_over_grpc_is_read_back(server: Server) -> None:
    address = f"http://127.0.0.1:{said(server, r'gRPC is answered on 127.0.0.1:([0-9]+)')}"
    resource = Resource({"service.name": "sdk", "service.version": "1.2"})
    traces = TracerProvider(resource=resource)
    traces.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(address, insecure=True)))
    tracer = traces.get_tracer("shop", "0.1")
    outer = tracer.start_span("checkout", kind=SpanKind.SERVER, attributes={"n": 7, "d": 2.5, "b": True})
    context = set_span_in_context(outer)
    links = [Link(outer.get_span_context(), {"why": "retry"})]
    inner = tracer.start_span("pay", context, kind=SpanKind.CLIENT, attributes={"l": ["a", "b"]}, links=links)
    inner.add_event("declined", {"code": 51})
    inner.set_status(Status(StatusCode.ERROR, "no money"))
    inner.end()
    outer.end()
    logs = LoggerProvider(resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(address, insecure=True)))
    at_ns = time.time_ns()
    logs.get_logger("shop").emit(
        timestamp=at_ns,
        context=context,
        severity_number=SeverityNumber.WARN,
        severity_text="WARN",
        body={"what": "payment"},
        attributes={"user": "ann", "deep": {"a": [1]}},
    )
    traces.shutdown()
    logs.shutdown()

    trace_id = f"{outer.get_span_context().trace_id:032x}"
    (trace,) = eventually(lambda: read(server, "/api/traces", traceID=trace_id, raw="true"))
    spans = {one["operationName"]: one for one in trace["spans"]}
    scope = {"otel.scope.name": "shop", "otel.scope.version": "0.1"}
    assert tags(spans["checkout"]["tags"]) == {**scope, "n": 7, "d": 2.5, "b": True, "span.kind": "server"}
    failed = {"otel.status_code": "ERROR", "error": True, "otel.status_description": "no money"}
    assert tags(spans["pay"]["tags"]) == {**scope, "l": '["a","b"]', "span.kind": "client", **failed}
    assert [tags(one["fields"]) for one in spans["pay"]["logs"]] == [{"event": "declined", "code": 51}]
    assert [one["spanID"] for one in spans["pay"]["references"]] == [spans["checkout"]["spanID"]]
    (process,) = trace["processes"].values()
    assert (process["serviceName"], tags(process["tags"])) == ("sdk", {"service.version": "1.2"})
    (line,) = lines(server, '{service_name="sdk"}', 1)
    assert line.pop("observed_timestamp")
    assert line == {
        "ts": str(at_ns),
        "line": '{"what":"payment"}',
        "service_name": "sdk",
        "service_version": "1.2",
        "scope_name": "shop",
        "severity_number": "13",
        "severity_text": "WARN",
        "detected_level": "warn",
        "user": "ann",
        "deep": '{"a":[1]}',
        "trace_id": trace_id,
        "span_id": f"{outer.get_span_context().span_id:016x}",
    }


def test_elasticsearchs_own_client_finds_its_server_and_writes(server: Server) -> None:
    logging.getLogger("elastic_transport").setLevel(logging.ERROR)
    with Elasticsearch(f"{server.url}/elasticsearch") as client:
        assert client.ping()
        assert client.cluster.health()["status"] == "green"
        assert not client.indices.exists(index="orders")
        assert client.indices.create(index="orders")["acknowledged"]
        at = datetime.now(UTC)
        document = {"@timestamp": at, "message": "alone", "level": "warn", "order": {"id": 7}}
        assert client.index(index="orders", document=document)["result"] == "created"
        bulk = [{"_index": "orders", "message": f"of many {n}", "n": n, "@timestamp": at} for n in range(3)]
        assert helpers.bulk(client, bulk) == (3, [])
        streamed = helpers.streaming_bulk(
            client, [{"_op_type": "create", "_index": "orders", "message": "last"}]
        )
        assert [is_taken for is_taken, _ in streamed] == [True]
        bad = [{"_index": "orders", "message": "bad", "@timestamp": "no time"}]
        answered = [one["index"] for _, one in helpers.streaming_bulk(client, bad, raise_on_error=False)]
        assert [(one["status"], one["error"]["type"]) for one in answered] == [
            (400, "document_parsing_exception")
        ]
    found = {one["line"]: one for one in lines(server, '{_index="orders"}', 5)}
    assert set(found) == {"alone", "last", *(f"of many {n}" for n in range(3))}
    alone = found["alone"]
    assert (alone["detected_level"], alone["order_id"]) == ("warn", "7")
    assert int(alone["ts"]) // 1000 == round(at.timestamp() * 1_000_000)
    assert found["of many 2"]["n"] == "2"


RSYSLOG = """
global(workDirectory="{folder}")
module(load="omelasticsearch")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="{folder}/log" CreatePath="on")
template(name="document" type="list" option.json="on") {{
  constant(value="{{\\"@timestamp\\":\\"") property(name="timereported" dateFormat="rfc3339")
  constant(value="\\",\\"level\\":\\"") property(name="syslogseverity-text")
  constant(value="\\",\\"message\\":\\"") property(name="msg") constant(value="\\"}}") }}
action(type="omelasticsearch" server="127.0.0.1" serverport="{http}" searchIndex="rsyslog" bulkmode="on"
       template="document" searchType="")
action(type="omfwd" target="127.0.0.1" port="{tcp}" protocol="tcp" template="RSYSLOG_SyslogProtocol23Format"
       TCP_Framing="octet-counted")
action(type="omfwd" target="127.0.0.1" port="{udp}" protocol="udp"
       template="RSYSLOG_TraditionalForwardFormat")
"""


@pytest.fixture
def rsyslog(server: Server, tmp_path: Path) -> Iterator[Path]:
    """Yield the socket of an rsyslog that forwards by three doors."""
    configuration = tmp_path / "rsyslog.conf"
    ports = {name: said(server, f"over {name.upper()} on 127.0.0.1:([0-9]+)") for name in ("tcp", "udp")}
    http = str(urllib.parse.urlsplit(server.url).port)
    configuration.write_text(RSYSLOG.format(folder=tmp_path, http=http, **ports))
    command = [program("rsyslog"), "-n", "-f", str(configuration), "-i", str(tmp_path / "pid")]
    with (tmp_path / "rsyslog.log").open("wb") as out:
        process = subprocess.Popen(ending_with_us(command), stdout=out, stderr=out, env={"TZ": "UTC"})
    assert eventually((tmp_path / "log").is_socket), (tmp_path / "rsyslog.log").read_text()
    yield tmp_path / "log"
    process.terminate()
    process.wait(30)


@pytest.mark.needs("rsyslog")
def test_rsyslog_forwards_over_tcp_and_udp_and_to_elasticsearch(server: Server, rsyslog: Path) -> None:
    text = 'paid "twice" \N{LATIN SMALL LETTER A WITH DIAERESIS}'
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.connect(str(rsyslog))
        stamp = datetime.now(UTC).strftime("%b %d %H:%M:%S")
        sender.send(f"<156>{stamp} till[77]: {text}".encode())
    over_syslog = lines(server, '{service_name="till"}', 2)
    for one in over_syslog:
        assert one["line"].strip() == text
        assert (one["facility"], one["severity_text"], one["proc_id"]) == ("local3", "warning", "77")
    (document,) = lines(server, '{_index="rsyslog"}', 1)
    assert (document["line"].strip(), document["detected_level"]) == (text, "warn")
