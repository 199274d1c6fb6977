"""Pharos watches its own host, under node_exporter's names, so that existing dashboards and rules work."""

from __future__ import annotations

import logging
import os
import re
import sys
import threading
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

import psutil

from pharos.clock import Clock
from pharos.ingest.host.families import Collector, Family, Sample, as_text, labelled, single
from pharos.ingest.host.linux import LinuxSources
from pharos.ingest.host.portable import portable_collectors

_LOG = logging.getLogger(__name__)

_MOUNTS_LEFT_OUT = re.compile(
    r"/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)"
    if sys.platform == "linux"
    else r"/dev($|/)"
)
_TYPES_LEFT_OUT = re.compile(
    r"(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660"
    r"|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|sysfs|tracefs)\Z"
)
_TYPES_THAT_MAY_HANG = re.compile(r"nfs|cifs|smb|fuse|ceph|9p|afs|glusterfs|lustre|ncp|webdav")
_PATIENCE_S: Final = 0.25

# Name behind node_filesystem_, help.
_FILESYSTEM: Final = (
    ("size_bytes", "Filesystem size in bytes."),
    ("free_bytes", "Filesystem free space in bytes."),
    ("avail_bytes", "Filesystem space available to non-root users in bytes."),
    ("files", "Filesystem total file nodes."),
    ("files_free", "Filesystem total free file nodes."),
    ("readonly", "Filesystem read-only status."),
    ("device_error", "Whether an error occurred while getting statistics for the given device."),
)


class HostMetrics:
    """The host's metrics; each call of `exposition` reads them anew. Not for several threads at once."""

    def __init__(
        self,
        clock: Clock,
        *,
        collectors: Sequence[Collector] | None = None,
        proc: Path = Path("/proc"),
        sysfs: Path = Path("/sys"),
    ) -> None:
        """Read below `proc` and `sysfs`, or from `collectors` instead of those that fit this system."""
        self._clock = clock
        self._proc = proc
        self._mounts = Mounts()
        self._collectors = collectors if collectors is not None else self._own_collectors(sysfs)
        self._is_failing: set[str] = set()

    def exposition(self) -> bytes:
        """Return all families in the text format 0.0.4.

        A source that is missing or unreadable costs only its own families and is told by
        node_scrape_collector_success 0.
        """
        families: list[Family] = []
        success: list[Sample] = []
        duration: list[Sample] = []
        for collector in self._collectors:
            started_s = self._clock.monotonic_s()
            found = self._collected(collector)
            families += found or []
            for name in collector.names:
                label = labelled(collector=name)
                success.append((label, int(found is not None)))
                duration.append((label, self._clock.monotonic_s() - started_s))
        families += [
            Family(
                "node_scrape_collector_success",
                "gauge",
                "node_exporter: Whether a collector succeeded.",
                success,
            ),
            Family(
                "node_scrape_collector_duration_seconds",
                "gauge",
                "node_exporter: Duration of a collector scrape.",
                duration,
            ),
        ]
        return as_text(families)

    def _own_collectors(self, sysfs: Path) -> list[Collector]:
        by_system = (
            LinuxSources(self._proc, sysfs).collectors() if sys.platform == "linux" else portable_collectors()
        )
        return [
            *by_system,
            Collector(("loadavg",), _load),
            Collector(("filesystem",), self._mounts.collect),
            Collector(("time",), self._time),
            Collector(("uname",), self._uname),
        ]

    def _collected(self, collector: Collector) -> list[Family] | None:
        """Return the collector's families, None if it fails; only a failure's beginning is logged."""
        name = collector.names[0]
        try:
            found = collector.collect()
        except (OSError, ValueError, LookupError, psutil.Error) as exc:
            if name not in self._is_failing:
                _LOG.info("this host has no metrics of %s: %s", name, exc)
            self._is_failing.add(name)
            return None
        self._is_failing.discard(name)
        return found

    def _time(self) -> list[Family]:
        return [
            single(
                "node_time_seconds",
                "gauge",
                "System time in seconds since epoch (1970).",
                self._clock.now_ns() / 1e9,
            )
        ]

    def _uname(self) -> list[Family]:
        names = os.uname()
        domain_path = self._proc / "sys/kernel/domainname"
        label = labelled(
            sysname=names.sysname,
            release=names.release,
            version=names.version,
            machine=names.machine,
            nodename=names.nodename,
            domainname=domain_path.read_text().strip() if domain_path.exists() else "(none)",
        )
        return [
            Family(
                "node_uname_info",
                "gauge",
                "Labeled system information as provided by the uname system call.",
                [(label, 1)],
            )
        ]


def _load() -> list[Family]:
    return [
        single(f"node_load{minutes}", "gauge", f"{minutes}m load average.", load)
        for minutes, load in zip((1, 5, 15), os.getloadavg(), strict=True)
    ]


_PARTITIONS: Final = partial(psutil.disk_partitions, all=True)


class Mounts:
    """How full the mounted file systems are.

    A file system over the network can hang for ever when it is asked; it is asked on a thread of its own,
    and until that thread comes back its mount point is told as an error instead of holding up the others.
    """

    def __init__(
        self,
        statvfs: Callable[[str], os.statvfs_result] = os.statvfs,
        partitions: Callable[[], Iterable[Any]] = _PARTITIONS,
    ) -> None:
        self._statvfs = statvfs
        self._partitions = partitions
        self._asked: dict[str, threading.Thread] = {}

    def collect(self) -> list[Family]:
        """Return the families of all mount points that node_exporter does not leave out by default."""
        samples: list[list[Sample]] = [[] for _ in _FILESYSTEM]
        seen: set[str] = set()
        for mount in self._partitions():
            label = labelled(device=mount.device, fstype=mount.fstype, mountpoint=mount.mountpoint)
            left_out = _TYPES_LEFT_OUT.match(mount.fstype) or _MOUNTS_LEFT_OUT.match(mount.mountpoint)
            if left_out or label in seen:
                continue
            seen.add(label)
            found = self._sizes(mount.mountpoint, mount.fstype)
            readonly, has_failed = int("ro" in mount.opts.split(",")), int(found is None)
            for column, value in zip(samples[-2:], (readonly, has_failed), strict=True):
                column.append((label, value))
            for column, value in zip(samples, found or (), strict=False):
                column.append((label, value))
        return [
            Family(f"node_filesystem_{name}", "gauge", about, column)
            for (name, about), column in zip(_FILESYSTEM, samples, strict=True)
        ]

    def _sizes(self, mountpoint: str, fstype: str) -> tuple[int, ...] | None:
        """Return size, free and available bytes, file nodes and free ones; None if it does not say."""
        try:
            stat = self._ask(mountpoint) if _TYPES_THAT_MAY_HANG.match(fstype) else self._statvfs(mountpoint)
        except OSError:
            return None
        if stat is None:
            return None
        block = stat.f_frsize
        return (
            stat.f_blocks * block,
            stat.f_bfree * block,
            stat.f_bavail * block,
            stat.f_files,
            stat.f_ffree,
        )

    def _ask(self, mountpoint: str) -> os.statvfs_result | None:
        """Return the answer of a file system that may hang, None when there is none in time."""
        running = self._asked.get(mountpoint)
        if running is not None and running.is_alive():
            return None
        answers: list[os.statvfs_result] = []

        def ask() -> None:
            try:
                answers.append(self._statvfs(mountpoint))
            except OSError as exc:
                _LOG.debug("%s does not say how full it is: %s", mountpoint, exc)

        asking = self._asked[mountpoint] = threading.Thread(target=ask, name="pharos-statvfs", daemon=True)
        asking.start()
        asking.join(_PATIENCE_S)
        return answers[0] if answers else None
