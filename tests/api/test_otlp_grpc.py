"""OTLP over gRPC: what is handed on, who is let in, and what senders are told."""

from __future__ import annotations

import gzip
import subprocess
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest
import yaml
from grpc import aio
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import (
    ExportLogsServiceRequest,
    ExportLogsServiceResponse,
)
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import (
    ExportMetricsServiceRequest,
    ExportMetricsServiceResponse,
)
from tests.api.grpc_door import Door, open_door
from tests.ingest.records import records

from pharos.api.grpc.server import packing_of
from pharos.errors import Kind, PharosError
from pharos.ingest.frames import FrameKind

LOGS = "/opentelemetry.proto.collector.logs.v1.LogsService/Export"
TRACES = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
METRICS = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export"
MOST_BYTES = 100_000
CASES = yaml.safe_load((Path(__file__).parent / "cases" / "otlp_grpc.yaml").read_text())


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    """A server on a free port of loopback."""
    async with open_door(MOST_BYTES) as found:
        yield found


def log_request(text: str = "hello") -> bytes:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add(time_unix_nano=5)
    record.body.string_value = text
    return request.SerializeToString()


async def test_requests_of_each_signal_are_handed_on_as_they_came(door: Door) -> None:
    assert await door.call(LOGS, log_request()) == b""
    assert await door.call(TRACES, b"") == b""
    kinds = [(one.kind, one.source, one.plain) for one in door.intake.taken]
    assert kinds == [(FrameKind.LOGS, "otlp", log_request()), (FrameKind.SPANS, "otlp", b"")]


async def test_metrics_are_translated_and_what_is_refused_is_told(door: Door) -> None:
    request = ExportMetricsServiceRequest()
    metrics = request.resource_metrics.add().scope_metrics.add().metrics
    metrics.add(name="m").gauge.data_points.add(as_double=1.0, time_unix_nano=5_000_000)
    metrics.add(name="odd").exponential_histogram.data_points.add(time_unix_nano=5_000_000)
    answer = ExportMetricsServiceResponse.FromString(await door.call(METRICS, request.SerializeToString()))
    assert answer.partial_success.rejected_data_points == 1
    assert "odd" in answer.partial_success.error_message
    assert len(door.intake.taken) == 1


@pytest.mark.parametrize("packed", [gzip.compress, zlib.compress, bytes])
async def test_packed_requests_are_unpacked(door: Door, packed: Any) -> None:
    await door.call(LOGS, packed(log_request("packed")))
    (sent,) = door.intake.taken
    assert [one["line"] for one in records(bytes(sent.plain or b""))] == ["packed"]


async def test_a_client_that_packs_is_understood(door: Door) -> None:
    async with aio.insecure_channel(door.address, compression=grpc.Compression.Gzip) as channel:
        await channel.unary_unary(LOGS)(log_request("x" * 5_000), timeout=30)
    (sent,) = door.intake.taken
    assert sent.plain == log_request("x" * 5_000)


async def test_what_would_be_too_large_unpacked_is_refused(door: Door) -> None:
    with pytest.raises(aio.AioRpcError, match="unpacked") as refused:
        await door.call(LOGS, gzip.compress(bytes(65 << 20)))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_a_message_over_the_limit_is_refused(door: Door) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.call(LOGS, log_request("x" * MOST_BYTES))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert not door.intake.taken


async def test_the_tenant_is_the_one_that_is_named(door: Door) -> None:
    await door.call(LOGS, log_request(), x_scope_orgid="team-a")
    await door.call(LOGS, log_request())
    assert [one.scope.tenant for one in door.intake.taken] == ["team-a", "default"]


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ({"authorization": "Bearer wrong"}, grpc.StatusCode.UNAUTHENTICATED),
        ({"authorization": "Bearer reader"}, grpc.StatusCode.PERMISSION_DENIED),
        ({"x_scope_orgid": "../a"}, grpc.StatusCode.INVALID_ARGUMENT),
    ],
)
async def test_who_may_not_write_is_turned_away(
    door: Door, metadata: dict[str, str], status: grpc.StatusCode
) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.call(LOGS, log_request(), **metadata)
    assert refused.value.code() is status
    assert not door.intake.taken


@pytest.mark.parametrize("case", CASES, ids=lambda one: f"{one['kind']}-{one['retry_after_s']}")
async def test_a_failure_has_its_status_and_says_when_to_try_again(door: Door, case: dict[str, Any]) -> None:
    door.intake.reason = PharosError(Kind(case["kind"]), "not now", retry_after_s=case["retry_after_s"])
    with pytest.raises(aio.AioRpcError, match="not now") as refused:
        await door.call(LOGS, log_request())
    assert refused.value.code().name == case["status"]
    details = dict(refused.value.trailing_metadata()).get("grpc-status-details-bin", b"")
    # google.rpc.Status: code, message, then RetryInfo in an Any, whose Duration has seconds and nanos.
    whole, part = divmod(case["delay_s"] or 0.0, 1)
    duration = bytes((8, int(whole))) if whole else b""
    duration += b"\x10\x80\xca\xb5\xee\x01" if part else b""
    assert (b"google.rpc.RetryInfo" in details) is (case["delay_s"] is not None)
    assert details.endswith(duration)


async def test_what_is_rejected_is_told(door: Door) -> None:
    door.intake.rejected = 2
    answer = ExportLogsServiceResponse.FromString(await door.call(LOGS, log_request()))
    assert answer.partial_success.rejected_log_records == 2
    assert "it is too old" in answer.partial_success.error_message


async def test_another_method_is_not_there(door: Door) -> None:
    with pytest.raises(aio.AioRpcError) as refused:
        await door.call(LOGS.replace("Export", "Import"), b"")
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


def test_no_request_begins_as_what_is_packed_does() -> None:
    assert packing_of(log_request()) == ""
    assert packing_of(b"") == ""
    assert packing_of(gzip.compress(b"")) == "gzip"
    assert packing_of(zlib.compress(b"")) == "deflate"


async def test_over_tls_each_connection_is_shown_the_certificate_of_now(door: Door, tmp_path: Path) -> None:
    shown = [_certificate(tmp_path, "first"), _certificate(tmp_path, "second")]
    current = [0]
    server, (port,) = await door.server.listen(lambda: (*shown[current[0]], None))
    try:
        for number, (cert, _) in enumerate(shown):
            current[0] = number
            credentials = grpc.ssl_channel_credentials(cert)
            async with aio.secure_channel(f"localhost:{port}", credentials) as channel:
                await channel.unary_unary(LOGS)(log_request(), timeout=30)
    finally:
        await server.stop(None)
    assert len(door.intake.taken) == 2


def _certificate(folder: Path, name: str) -> tuple[bytes, bytes]:
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    made = ["-newkey", "rsa:2048", "-nodes", "-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", "-x509", *made, *subject], check=True, capture_output=True)
    return cert.read_bytes(), key.read_bytes()
