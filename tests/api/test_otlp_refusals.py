"""What OTLP senders are told when nothing can be kept now: to wait, and how long."""

from __future__ import annotations

from typing import Any, cast

import pytest
from starlette.requests import Request

from pharos.access import DEFAULT, Scope
from pharos.api.http.bodies import Bodies, BodyLimits
from pharos.api.http.identity import SCOPE
from pharos.api.receivers.otlp import OtlpEndpoint
from pharos.errors import Kind, PharosError
from pharos.ingest.accept import Intake
from pharos.ingest.otlp.translate import Translator


class ClosedIntake:
    """An intake that turns everything away."""

    def __init__(self, kind: Kind) -> None:
        self.reason = PharosError(kind, "not now", retry_after_s=7.0)

    async def begin(self, scope: Scope) -> None:
        raise self.reason


def _request(media: str) -> Request:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"", "more_body": False}

    headers = [(b"content-type", media.encode())]
    asked = {"type": "http", "method": "POST", "path": "/v1/metrics", "headers": headers, SCOPE: DEFAULT}
    return Request(asked, receive)


@pytest.mark.parametrize(("kind", "status", "code"), [(Kind.UNAVAILABLE, 503, 14), (Kind.LIMITED, 429, 8)])
async def test_back_pressure_is_told_in_the_encoding_of_the_request(
    kind: Kind, status: int, code: int
) -> None:
    intake = cast("Intake", ClosedIntake(kind))
    bodies = Bodies(BodyLimits(), intake.begin)
    endpoint = OtlpEndpoint(intake, Translator(seed=1, lookback_ms=300_000), lambda: (0, 1), bodies, 1000)
    try:
        as_json = await endpoint.export_metrics(_request("application/json"))
        as_protobuf = await endpoint.export_metrics(_request("application/x-protobuf"))
    finally:
        endpoint.close()
    for answer in (as_json, as_protobuf):
        assert (answer.status_code, answer.headers["retry-after"]) == (status, "7")
    assert as_json.body == b'{"code":%d,"message":"not now"}' % code
    assert as_protobuf.body == bytes((8, code, 0x12, 7)) + b"not now"
