"""Jaeger's collector over gRPC: spans are taken, and clients are told which share of traces to keep.

The services are `jaeger.api_v2.CollectorService` (collector.proto) and `jaeger.api_v2.SamplingManager`
(sampling.proto) of jaegertracing/jaeger-idl.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Final

from pharos.access import Scope
from pharos.api.grpc.methods import Method, read_question
from pharos.api.http.bodies import Held
from pharos.api.receivers.otlp_http import Sent
from pharos.api.receivers.spans import SpanDoor
from pharos.errors import Kind, PharosError
from pharos.ingest.jaeger.protobuf import read_post_spans
from pharos.ingest.jaeger.sampling import Strategies
from pharos.protobuf import message_classes

_PERMISSION: Final = "traces.write"
_SAMPLING: Final = message_classes(
    "jaeger.api_v2",
    {
        "SamplingStrategyParameters": {"serviceName": (1, "string")},
        "SamplingStrategyResponse": {
            "strategyType": (1, "int32"),
            "probabilisticSampling": (2, "ProbabilisticSamplingStrategy"),
            "rateLimitingSampling": (3, "RateLimitingSamplingStrategy"),
            "operationSampling": (4, "PerOperationSamplingStrategies"),
        },
        "ProbabilisticSamplingStrategy": {"samplingRate": (1, "double")},
        "RateLimitingSamplingStrategy": {"maxTracesPerSecond": (1, "int32")},
        "PerOperationSamplingStrategies": {
            "defaultSamplingProbability": (1, "double"),
            "defaultLowerBoundTracesPerSecond": (2, "double"),
            "perOperationStrategies": (3, "*OperationSamplingStrategy"),
        },
        "OperationSamplingStrategy": {
            "operation": (1, "string"),
            "probabilisticSampling": (2, "ProbabilisticSamplingStrategy"),
        },
    },
)
_TYPES: Final = {"PROBABILISTIC": 0, "RATE_LIMITING": 1}


def jaeger_methods(door: SpanDoor, strategies: Callable[[], Strategies]) -> list[Method]:
    """Return what Jaeger's agents and clients call."""
    return [
        Method(
            "jaeger.api_v2.CollectorService",
            "PostSpans",
            _PERMISSION,
            partial(_post_spans, door),
            counted_as="jaeger_grpc",
        ),
        Method(
            "jaeger.api_v2.SamplingManager",
            "GetSamplingStrategy",
            _PERMISSION,
            partial(_get_sampling_strategy, strategies),
        ),
    ]


async def _post_spans(door: SpanDoor, scope: Scope, sent: Sent, held: Held) -> bytes:
    """Return an empty PostSpansResponse once everything is durable."""
    await door.take(scope, "jaeger", read_post_spans, sent, held)
    return b""


async def _get_sampling_strategy(
    strategies: Callable[[], Strategies], _scope: Scope, sent: Sent, _held: Held
) -> bytes:
    asked = await read_question(_SAMPLING["SamplingStrategyParameters"], sent)
    if not asked.serviceName:
        raise PharosError(Kind.INVALID, "serviceName is missing")
    said = strategies().answer(asked.serviceName)
    # Its fields are called as those of the message are.
    answer = _SAMPLING["SamplingStrategyResponse"](**{**said, "strategyType": _TYPES[said["strategyType"]]})
    made: bytes = answer.SerializeToString()
    return made
