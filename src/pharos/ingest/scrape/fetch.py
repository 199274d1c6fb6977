"""Fetching a target's page over HTTP: headers as Prometheus sends them, the format from the content type."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.digest import Format
from pharos.ingest.scrape.job import SCRAPE_PROTOCOLS, JobConfig
from pharos.ingest.scrape.loop import Fetched
from pharos.ingest.scrape.target import TargetSpec
from pharos.outbound import Outbound, Request

UNLIMITED_BODY_BYTES: Final = 256 * 1024 * 1024
"""What `body_size_limit: 0` means here: Prometheus has no limit, a gzip bomb must still end somewhere."""

_PARAMETER = re.compile(r';\s*([a-z0-9_-]+)\s*=\s*("[^"]*"|[^;\s]*)', re.IGNORECASE)
_ESCAPED: Final = frozenset({"PrometheusText1.0.0", "OpenMetricsText1.0.0"})


def accept_header(protocols: Sequence[str], escaping: str) -> str:
    """Return the Accept header for these protocols, the first preferred (scrape.go acceptHeader)."""
    weight = len(SCRAPE_PROTOCOLS) + 1
    parts = []
    for name in protocols:
        scheme = f";escaping={escaping}" if name in _ESCAPED else ""
        parts.append(f"{SCRAPE_PROTOCOLS[name]}{scheme};q=0.{weight}")
        weight -= 1
    return ",".join([*parts, f"*/*;q=0.{weight}"])


def format_of(content_type: str, fallback: str) -> Format:
    """Return the format of a page by its Content-Type; `fallback` is a protocol's name for one that says
    nothing.

    Raises PharosError(INVALID), as Prometheus 3 does, for another type if there is no fallback.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == "application/openmetrics-text":
        return Format.OPENMETRICS
    if media == "text/plain":
        return Format.TEXT
    if media == "application/vnd.google.protobuf":
        given = {name.lower(): value.strip('"') for name, value in _PARAMETER.findall(content_type)}
        if given.get("proto") == "io.prometheus.client.MetricFamily" and given.get("encoding") == "delimited":
            return Format.PROTOBUF
    if fallback:
        return format_of(SCRAPE_PROTOCOLS[fallback], "")
    if not content_type.strip():
        raise PharosError(
            Kind.INVALID,
            "scrape target sent a blank Content-Type and no fallback_scrape_protocol is specified",
        )
    raise PharosError(
        Kind.INVALID,
        f"received unsupported Content-Type {content_type[:100]!r} and no fallback_scrape_protocol specified",
    )


class PageFetch:
    """Fetches one target's page; calling it returns the page or raises PharosError with the reason."""

    __slots__ = ("_fallback", "_options", "_outbound", "_request")

    def __init__(self, outbound: Outbound, job: JobConfig, spec: TargetSpec) -> None:
        self._outbound = outbound
        self._options = job.http
        self._fallback = job.fallback_scrape_protocol
        limit = job.limits.body_size_limit
        self._request = Request(
            url=URL(spec.url, encoded=True),
            headers={
                "Accept": accept_header(job.scrape_protocols, job.escaping),
                "Accept-Encoding": "gzip" if job.enable_compression else "identity",
                "X-Prometheus-Scrape-Timeout-Seconds": f"{spec.timeout_ms / 1000:g}",
            },
            timeout_s=spec.timeout_ms / 1000,
            # Upstream refuses a body that reaches the limit, too.
            body_limit=limit - 1 if limit else UNLIMITED_BODY_BYTES,
        )

    async def __call__(self) -> Fetched:
        """Return the page."""
        answer = await self._outbound.send(self._request, self._options)
        if answer.status != 200:
            raise PharosError(
                Kind.UNAVAILABLE, f"server returned HTTP status {answer.status} {answer.reason}".rstrip()
            )
        return Fetched(answer.body, format_of(answer.content_type, self._fallback))
