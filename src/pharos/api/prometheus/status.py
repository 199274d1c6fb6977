"""What the server is, how it fares, and what takes the most series."""

from __future__ import annotations

import os
import platform
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos import __version__
from pharos.api.http.identity import scope_of
from pharos.api.prometheus.answers import rfc3339, success
from pharos.api.prometheus.parameters import Parameters
from pharos.api.prometheus.routes import Route
from pharos.api.prometheus.shapes import BuildInfo, ConfigText, RuntimeInfo, TsdbStatus, WalReplay
from pharos.clock import Clock
from pharos.gotext.durations import format_duration
from pharos.query.metrics.catalog import Catalog

_SPOKEN_VERSION = "3.14.0"
"""The Prometheus whose API and PromQL are spoken; clients ask to know what they may use."""
_LISTED = 10


class Reloaded(Struct):
    """How the last reading of the configuration ended."""

    at_ms: int
    good: bool = True


class StatusApi(Struct, frozen=True):
    """What the status endpoints tell of; `damaged` is how many pieces of the log were set aside."""

    catalog: Catalog
    clock: Clock
    started_ms: int
    settings_text: Callable[[], str]
    flags: Callable[[], Mapping[str, str]]
    reloaded: Reloaded
    is_recovered: Callable[[], bool]
    engine_version: str
    retention_ms: Callable[[], int]
    damaged: int = 0

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/status/buildinfo", "metrics.view", self.buildinfo, BuildInfo),
            Route("/status/runtimeinfo", "metrics.view", self.runtimeinfo, RuntimeInfo),
            Route("/status/config", "server.operate", self.config, ConfigText),
            Route("/status/flags", "server.operate", self.show_flags, dict[str, str]),
            Route("/status/tsdb", "metrics.view", self.tsdb, TsdbStatus, ("limit",)),
            Route("/status/walreplay", "metrics.view", self.walreplay, WalReplay),
        ]

    async def buildinfo(self, parameters: Parameters, request: Request) -> Response:
        """Return which version this is; Grafana asks to know what is spoken here."""
        return success(
            {
                "application": "Pharos",
                "version": _SPOKEN_VERSION,
                "pharosVersion": __version__,
                "revision": "",
                "branch": "",
                "buildUser": "",
                "buildDate": "",
                "goVersion": "",
                "pythonVersion": platform.python_version(),
                "engineVersion": self.engine_version,
            }
        )

    async def runtimeinfo(self, parameters: Parameters, request: Request) -> Response:
        """Return how the process fares; threads stand where upstream counts goroutines."""
        return success(
            {
                "startTime": rfc3339(self.started_ms),
                "CWD": str(Path.cwd()),
                "hostname": socket.gethostname(),
                "serverTime": rfc3339(self.clock.now_ms()),
                "reloadConfigSuccess": self.reloaded.good,
                "lastConfigTime": rfc3339(self.reloaded.at_ms),
                "corruptionCount": self.damaged,
                "goroutineCount": threading.active_count(),
                "GOMAXPROCS": os.cpu_count() or 1,
                "GOMEMLIMIT": 0,
                "GOGC": "",
                "GODEBUG": "",
                "storageRetention": format_duration(kept_ms) if (kept_ms := self.retention_ms()) else "",
            }
        )

    async def config(self, parameters: Parameters, request: Request) -> Response:
        """Return the settings in force, secrets masked."""
        return success({"yaml": self.settings_text()})

    async def show_flags(self, parameters: Parameters, request: Request) -> Response:
        """Return the settings that upstream knows as flags, by upstream's names."""
        return success(dict(self.flags()))

    async def walreplay(self, parameters: Parameters, request: Request) -> Response:
        """Return how far what a former process left is stored."""
        done = self.is_recovered()
        return success({"min": 0, "max": 1, "current": int(done), "state": "done" if done else "in progress"})

    async def tsdb(self, parameters: Parameters, request: Request) -> Response:
        """Return what takes the most series."""
        found = await self.catalog.cardinality(scope_of(request), parameters.limit() or _LISTED)

        def counts(rows: Iterable[tuple[str, int]]) -> list[dict[str, Any]]:
            return [{"name": name, "value": value} for name, value in rows]

        return success(
            {
                "headStats": {
                    "numSeries": found.series,
                    "numLabelPairs": found.label_pairs,
                    "chunkCount": 0,
                    "samples": found.samples,
                    "minTime": found.oldest_ms,
                    "maxTime": found.newest_ms,
                },
                "seriesCountByMetricName": counts(found.by_metric),
                "labelValueCountByLabelName": counts(found.values_by_label),
                "memoryInBytesByLabelName": counts(found.bytes_by_label),
                "seriesCountByLabelValuePair": counts(found.by_pair),
            }
        )
