"""What began shortly before: processes, containers and hosts by their start times, versions by their spans.

Start times are samples of their own in the ecosystem of Prometheus (client libraries, cAdvisor,
kube-state-metrics, node_exporter): the value is the time. A version is a resource's `service.version`
(OpenTelemetry, Resource semantic conventions); it began where its spans do, if another one was there before.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct

from pharos.labels import METRIC_NAME, Matcher, MatchOp
from pharos.promql.grids.grid import Answer
from pharos.promql.language.ast import Call, MatrixSelector, VectorSelector
from pharos.promql.language.printer import to_text
from pharos.query.events.span_counts import SpanRate
from pharos.query.metrics.query import Query, parse_query
from pharos.related.resource import Reason, Resource, resource_of

VERSION_FIELD: Final = "resource.service.version"
_STARTED: Final[Mapping[str, str]] = {
    "process_start_time_seconds": "process",
    "container_start_time_seconds": "container",
    "kube_pod_start_time": "pod",
    "node_boot_time_seconds": "host",
}
"""Gauges whose values are the times at which something started, in seconds since 1970."""


class Began(StrEnum):
    """What it is that began."""

    PROCESS = "process"
    CONTAINER = "container"
    POD = "pod"
    HOST = "host"
    VERSION = "version"


class Start(Struct, frozen=True):
    """Something of the same resource that began."""

    what: Began
    at_ms: int
    labels: Mapping[str, str]
    """Which one: what is known of its pod, instance, service and host."""
    reason: Reason
    version: str = ""
    before: str = ""
    """The version that was there until then, or still is."""


def start_times_of(matchers: Sequence[Matcher], length_ms: int) -> Query:
    """Return the question for start times told in so long a time, of series that meet one of them."""
    named = Matcher(METRIC_NAME, MatchOp.REGEX, "|".join(_STARTED))
    asked = (
        to_text(Call("last_over_time", (MatrixSelector(VectorSelector("", (named, one)), length_ms),)))
        for one in matchers
    )
    return parse_query(" or ".join(asked))


def starts_in(answer: Answer, first_ms: int, last_ms: int, reason: Reason) -> list[Start]:
    """Return what started between two times, by start times."""
    found = []
    for place, labels in enumerate(answer.labels):
        by_name, value = dict(labels), float(answer.values[place, 0]) if answer.present[place, 0] else 0.0
        at_ms = int(value * 1000) if 0 < value < 1e11 else 0
        if first_ms <= at_ms <= last_ms:
            told = dict(resource_of(labels).labels())
            found.append(Start(Began(_STARTED[by_name[METRIC_NAME]]), at_ms, told, reason))
    return found


def versions_in(rates: Sequence[SpanRate], start_ms: int, step_ms: int, resource: Resource) -> list[Start]:
    """Return the versions that have spans, but not from the first on, by spans of each version and step."""
    first: dict[str, int] = {}
    for one in rates:
        (version,) = one.values
        if version:
            first[version] = min(first.get(version, one.step), one.step)
    in_order = sorted(first.items(), key=lambda pair: pair[1])
    labels = {"service": service} if (service := dict(resource.labels()).get("service")) else {}
    return [
        Start(Began.VERSION, start_ms + step * step_ms, labels, Reason.SERVICE, version, before)
        for (before, earlier), (version, step) in itertools.pairwise(in_order)
        if step > earlier
    ]
