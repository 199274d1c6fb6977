"""One target: where it came from, what it is called, where it is fetched, and how it fares.

The rules from discovered labels to a target are those of Prometheus (scrape/target.go PopulateLabels).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Protocol
from urllib.parse import quote, quote_plus

from msgspec import Struct
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.ingest.metrics.batch import Accepted
from pharos.ingest.scrape.job import JobConfig
from pharos.ingest.signals import Submission
from pharos.labels import Labels, labels_of
from pharos.relabel import relabel

ADDRESS: Final = "__address__"
SCHEME: Final = "__scheme__"
METRICS_PATH: Final = "__metrics_path__"
SCRAPE_INTERVAL: Final = "__scrape_interval__"
SCRAPE_TIMEOUT: Final = "__scrape_timeout__"
PARAM_PREFIX: Final = "__param_"
RESERVED_PREFIX: Final = "__"
DEFAULT_PORTS: Final = {"http": "80", "": "80", "https": "443"}

_PATH_SAFE: Final = "/$&+,:;=@~"
_HOST_PORT = re.compile(r"(?:\[[^\[\]]*\]|[^:\[\]]*):([^:\[\]]*)")


class Sink(Protocol):
    """Where the bodies of scrapes go."""

    async def accept(self, sent: Submission[Accepted]) -> Accepted:
        """Make one remote-write 1.0 WriteRequest durable, and return what became of it.

        Raises PharosError(UNAVAILABLE) on back-pressure: the scrape then counts as not stored and the next
        interval tries anew.
        """
        ...


class Health(StrEnum):
    """How the last scrape went."""

    UNKNOWN = "unknown"
    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class TargetSpec:
    """A target that will be scraped. Two specs that are equal are the same target: its loop goes on.

    `labels` are public ones (on every sample); `discovered` is for show and does not count as identity.
    """

    job: str
    labels: Labels
    url: str
    interval_ms: int
    timeout_ms: int
    discovered: Labels = field(compare=False)


class DroppedTarget(Struct, frozen=True):
    """A target that relabelling dropped, with what was discovered of it."""

    job: str
    discovered: Labels


class TargetStatus(Struct):
    """What /api/v1/targets shows of a target; times are milliseconds since the epoch, durations seconds.

    `dropped` targets have only `scrape_pool` and `discovered_labels`.
    """

    scrape_pool: str
    discovered_labels: Labels
    labels: Labels = ()
    scrape_url: str = ""
    global_url: str = ""
    last_error: str = ""
    last_scrape_ms: int = 0
    last_scrape_duration_s: float = 0.0
    health: Health = Health.UNKNOWN
    interval_ms: int = 0
    timeout_ms: int = 0
    dropped: bool = False


def discovered_labels(job: JobConfig, found: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of a discovered address before relabelling: its own, then what the job adds."""
    labels = {name: value for name, value in found.items() if value}
    defaults = {
        "job": job.job_name,
        SCRAPE_INTERVAL: format_duration(job.scrape_interval_ms),
        SCRAPE_TIMEOUT: format_duration(job.scrape_timeout_ms),
        METRICS_PATH: job.metrics_path,
        SCHEME: job.scheme,
    }
    for name, value in defaults.items():
        labels.setdefault(name, value)
    for name, values in job.params:
        if values:
            labels[PARAM_PREFIX + name] = values[0]
    return labels


def target_of(job: JobConfig, found: Mapping[str, str]) -> TargetSpec | DroppedTarget:
    """Return the target that `found` (the labels of one discovered address) becomes in `job`.

    Raises PharosError(INVALID) if relabelling left no usable address, interval, timeout or label.
    """
    before = discovered_labels(job, found)
    after = relabel(before, job.relabel_rules)
    discovered = labels_of(before)
    if after is None:
        return DroppedTarget(job.job_name, discovered)
    address = after.get(ADDRESS, "")
    if not address:
        raise PharosError(Kind.INVALID, f"job {job.job_name!r}: a target has no address")
    # In any case (RFC 3986, section 3.1).
    scheme = after.get(SCHEME, "").lower()
    if scheme not in DEFAULT_PORTS:
        raise PharosError(Kind.INVALID, f"job {job.job_name!r}: invalid scheme: {scheme!r}")
    if "/" in address:
        raise PharosError(Kind.INVALID, f"{address!r} is not a valid hostname")
    interval_ms, timeout_ms = _times(after)
    instance = after.get("instance", "") or address
    public = {name: value for name, value in after.items() if not name.startswith(RESERVED_PREFIX)}
    return TargetSpec(
        job=job.job_name,
        labels=labels_of({**public, "instance": instance}),
        url=_url(job, after, address, scheme or "http"),
        interval_ms=interval_ms,
        timeout_ms=timeout_ms,
        discovered=discovered,
    )


def _times(labels: Mapping[str, str]) -> tuple[int, int]:
    """Return (interval, timeout) in ms that the labels ask for."""
    found = []
    for name, label in (("interval", SCRAPE_INTERVAL), ("timeout", SCRAPE_TIMEOUT)):
        try:
            value = parse_duration(labels.get(label, ""))
        except PharosError as exc:
            raise PharosError(Kind.INVALID, f"error parsing scrape {name}: {exc.message}") from exc
        if value == 0:
            raise PharosError(Kind.INVALID, f"scrape {name} cannot be 0")
        found.append(value)
    interval_ms, timeout_ms = found
    if timeout_ms > interval_ms:
        raise PharosError(
            Kind.INVALID,
            "scrape timeout cannot be greater than scrape interval "
            f"({labels[SCRAPE_TIMEOUT]!r} > {labels[SCRAPE_INTERVAL]!r})",
        )
    return interval_ms, timeout_ms


def _url(job: JobConfig, labels: Mapping[str, str], address: str, scheme: str) -> str:
    """Return the address to fetch, its parameters sorted by name as Go encodes them."""
    if _HOST_PORT.fullmatch(address) is None:
        address = f"{address}:{DEFAULT_PORTS[scheme]}"
    params = {name: list(values) for name, values in job.params}
    for name, value in labels.items():
        if name.startswith(PARAM_PREFIX):
            own = params.setdefault(name.removeprefix(PARAM_PREFIX), [value])
            own[:1] = [value]
    query = "&".join(
        f"{quote_plus(name)}={quote_plus(value)}" for name in sorted(params) for value in params[name]
    )
    path = labels.get(METRICS_PATH, "")
    path = path if path.startswith("/") or not path else "/" + path
    text = f"{scheme}://{address}{quote(path, safe=_PATH_SAFE)}{'?' + query if query else ''}"
    try:
        url = URL(text, encoded=True)
        valid = bool(url.host) and url.port is not None
    except ValueError:
        valid = False
    if not valid:
        raise PharosError(Kind.INVALID, f"{address!r} is not a valid target address")
    return text
