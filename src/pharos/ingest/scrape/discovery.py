"""Where targets come from: groups of the configuration, files that are watched, addresses and names that are
asked.

A file is read when its modification time, size or inode changed. A file that cannot be read keeps its last
good groups; a file that is gone takes its groups with it (discovery/file upstream). An address that fails to
answer keeps its last good groups (discovery/http upstream).
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from yarl import URL

from pharos.document import load_document
from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.job import DnsDiscovery, FileDiscovery, HttpDiscovery, TargetGroup
from pharos.ingest.scrape.sections import read_group
from pharos.named_file import read_named
from pharos.outbound import Outbound, Request, shown_url
from pharos.outbound.dns import DnsRecord
from pharos.outbound.resolver import Resolver
from pharos.telemetry import SCRAPE_DISCOVERY_FAILED

_LOG = logging.getLogger(__name__)

FILE_LABEL: Final = "__meta_filepath"
URL_LABEL: Final = "__meta_url"
_DNS_LABEL: Final = "__meta_dns_"
_SD_TIMEOUT_S: Final = 30.0
_Stamp = tuple[int, int, int]


def read_groups(path: Path) -> tuple[TargetGroup, ...]:
    """Return the target groups of a JSON or YAML file, each with the `__meta_filepath` label.

    Raises PharosError naming the file (and for YAML the line) if it cannot be read or is no list of groups.
    """
    text = read_named(path)
    if path.suffix.lower() == ".json":
        groups = _json_groups(text, str(path))
    else:
        root = load_document(text, str(path))
        groups = [read_group(one, f"{path}:{index}", check=False) for index, one in enumerate(root.items())]
        root.source.raise_faults()
    return tuple(
        TargetGroup(one.source, one.targets, (*one.labels, (FILE_LABEL, str(path)))) for one in groups
    )


def _json_groups(text: bytes, source: str) -> list[TargetGroup]:
    try:
        found: Any = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"{source}:{exc.lineno}: {exc.msg}") from exc
    if not isinstance(found, list):
        raise PharosError(Kind.INVALID, f"{source}: expected a list of target groups")
    return [_json_group(one, f"{source}:{index}") for index, one in enumerate(found)]


def _json_group(found: Any, source: str) -> TargetGroup:
    if not isinstance(found, dict):
        raise PharosError(Kind.INVALID, f"{source}: nil target group item found")
    unknown = sorted(set(found) - {"targets", "labels"})
    if unknown:
        raise PharosError(Kind.INVALID, f"{source}: field {unknown[0]} not found in target group")
    targets, labels = found.get("targets") or [], found.get("labels") or {}
    if not isinstance(targets, list) or not all(isinstance(one, str) for one in targets):
        raise PharosError(Kind.INVALID, f"{source}: targets must be a list of texts")
    if not isinstance(labels, dict) or not all(isinstance(one, str) for one in labels.values()):
        raise PharosError(Kind.INVALID, f"{source}: labels must be a mapping of texts")
    return TargetGroup(source, tuple(targets), tuple(sorted(labels.items())))


def addresses(groups: tuple[TargetGroup, ...]) -> Iterator[dict[str, str]]:
    """Yield the labels of each address of the groups, `__address__` and the group's."""
    for group in groups:
        common = dict(group.labels)
        for address in group.targets:
            yield {**common, "__address__": address}


def matching_files(pattern: str) -> list[str]:
    """Return the existing files that an absolute pattern names, whose last part may hold wildcards."""
    path = Path(pattern)
    return sorted(str(one) for one in path.parent.glob(path.name))


class FileWatch:
    """The files of one job, or of Alertmanagers.

    `refresh` reads what changed; it blocks and is called on a thread.
    """

    def __init__(
        self,
        discoveries: Sequence[FileDiscovery],
        read: Callable[[Path], tuple[TargetGroup, ...]] = read_groups,
    ) -> None:
        self._patterns = [pattern for one in discoveries for pattern in one.files]
        self._read = read
        self._stamps: dict[str, _Stamp] = {}
        self._groups: dict[str, tuple[TargetGroup, ...]] = {}
        self._shown: tuple[TargetGroup, ...] = ()
        self._errors: dict[str, str] = {}

    @property
    def groups(self) -> tuple[TargetGroup, ...]:
        """The groups as of the last refresh."""
        return self._shown

    @property
    def errors(self) -> tuple[str, ...]:
        """Why files could not be used when they were read last."""
        return tuple(self._errors.values())

    def refresh(self) -> bool:
        """Look at the files and read what changed; return whether the groups are others than before."""
        paths = dict.fromkeys(path for pattern in self._patterns for path in matching_files(pattern))
        for path in set(self._stamps) - set(paths):
            self._groups.pop(path, None)
            self._errors.pop(path, None)
            del self._stamps[path]
        for path in paths:
            try:
                found = Path(path).stat()
            except OSError:
                continue
            stamp = (found.st_mtime_ns, found.st_size, found.st_ino)
            if self._stamps.get(path) == stamp:
                continue
            self._stamps[path] = stamp
            self._errors.pop(path, None)
            try:
                self._groups[path] = self._read(Path(path))
            except PharosError as exc:
                self._errors[path] = str(exc)
                SCRAPE_DISCOVERY_FAILED.inc()
                _LOG.warning("discovery file not used, its last good groups stay: %s", exc)
        shown = tuple(group for path in paths for group in self._groups.get(path, ()))
        changed = shown != self._shown
        self._shown = shown
        return changed


class AskedWatch:
    """Addresses and names that say where targets of a job, or Alertmanagers, are; used on one event loop."""

    def __init__(
        self,
        discoveries: Sequence[HttpDiscovery | DnsDiscovery],
        outbound: Outbound,
        resolver: Resolver | None = None,
    ) -> None:
        self._discoveries = discoveries
        self._outbound = outbound
        self._resolver = resolver
        self._due_s = dict.fromkeys(range(len(discoveries)), 0.0)
        self._groups: dict[int, tuple[TargetGroup, ...]] = {}
        self._errors: dict[int, str] = {}

    @property
    def groups(self) -> tuple[TargetGroup, ...]:
        """The groups as of the last refresh."""
        return tuple(group for number in sorted(self._groups) for group in self._groups[number])

    @property
    def errors(self) -> tuple[str, ...]:
        """Why some of them could not be used when they were asked last."""
        return tuple(self._errors.values())

    @property
    def due_s(self) -> float:
        """When the next of them is to be asked."""
        return min(self._due_s.values(), default=math.inf)

    async def refresh(self, now_s: float) -> bool:
        """Ask those that are due; return whether the groups are others than before."""
        before = self.groups
        due = [number for number, due_s in self._due_s.items() if due_s <= now_s]
        for number in due:
            self._due_s[number] = now_s + self._discoveries[number].refresh_ms / 1000
        # At once: one that does not answer for long holds up none of the others.
        await asyncio.gather(*map(self._take, due))
        return self.groups != before

    async def _take(self, number: int) -> None:
        try:
            self._groups[number] = await self._ask(self._discoveries[number])
            self._errors.pop(number, None)
        except PharosError as exc:
            self._errors[number] = str(exc)
            SCRAPE_DISCOVERY_FAILED.inc()
            _LOG.warning("discovery not used, its last good groups stay: %s", exc)

    async def _ask(self, one: HttpDiscovery | DnsDiscovery) -> tuple[TargetGroup, ...]:
        if isinstance(one, HttpDiscovery):
            return await self._ask_address(one)
        if self._resolver is None:
            raise PharosError(Kind.BUG, "names need a resolver")
        records = await self._resolver.records(one.name, one.record)
        return tuple(_named(one, record) for record in records)

    async def _ask_address(self, one: HttpDiscovery) -> tuple[TargetGroup, ...]:
        url = URL(one.url)
        shown = shown_url(url)
        headers = {"Accept": "application/json", "X-Prometheus-Refresh-Interval-Seconds": _seconds(one)}
        reply = await self._outbound.send(Request(url, headers=headers, timeout_s=_SD_TIMEOUT_S), one.http)
        if reply.status != 200:
            raise PharosError(Kind.UNAVAILABLE, f"{shown} answered {reply.status}")
        if reply.content_type.partition(";")[0].strip().lower() != "application/json":
            raise PharosError(Kind.INVALID, f"{shown}: unsupported content type {reply.content_type[:80]!r}")
        groups = _json_groups(reply.body, shown)
        return tuple(
            TargetGroup(each.source, each.targets, (*each.labels, (URL_LABEL, one.url))) for each in groups
        )


def _named(one: DnsDiscovery, record: DnsRecord) -> TargetGroup:
    """Return the target that a record says, with the labels of discovery/dns upstream."""
    host = record.text.rstrip(".")
    port = record.port if one.record == "SRV" else one.port
    labels = {f"{_DNS_LABEL}name": one.name}
    if one.record in {"SRV", "MX", "NS"}:
        labels[f"{_DNS_LABEL}{one.record.lower()}_record_target"] = record.text
    if one.record == "SRV":
        labels[f"{_DNS_LABEL}srv_record_port"] = str(port)
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return TargetGroup(one.name, (address,), tuple(sorted(labels.items())))


def _seconds(one: HttpDiscovery) -> str:
    return f"{one.refresh_ms / 1000:.6f}"
