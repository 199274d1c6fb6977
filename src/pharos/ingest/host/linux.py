"""What Linux says of itself in /proc and /sys, under node_exporter's names.

psutil lacks part of what node_exporter takes from each of these files, so each is read once, here, for all
of it. The meaning of the files' columns is in the kernel's documentation (filesystems/proc,
admin-guide/iostats, accounting/psi); names, types and labels are those of node_exporter 1.5.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from pharos.ingest.host.families import Collector, Family, Kind, Sample, labelled, single

_SECTOR_BYTES: Final = 512
_CPU_MODES: Final = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
_MAX_IDLE_JUMP_S: Final = 3.0
_DISKS_LEFT_OUT = re.compile(r"(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+\Z")
_VMSTAT = re.compile(r"oom_kill|pgpg|pswp|pg.*fault")
_NETSTAT = re.compile(
    r"(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)"
    r"|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts)"
    r"|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)"
    r"|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))\Z"
)

# One row per number of a line in /proc/diskstats: name behind node_disk_, type, factor, help.
_DISK: Final[tuple[tuple[str, Kind, float, str], ...]] = (
    ("reads_completed_total", "counter", 1, "The total number of reads completed successfully."),
    ("reads_merged_total", "counter", 1, "The total number of reads merged."),
    ("read_bytes_total", "counter", _SECTOR_BYTES, "The total number of bytes read successfully."),
    ("read_time_seconds_total", "counter", 0.001, "The total number of seconds spent by all reads."),
    ("writes_completed_total", "counter", 1, "The total number of writes completed successfully."),
    ("writes_merged_total", "counter", 1, "The number of writes merged."),
    ("written_bytes_total", "counter", _SECTOR_BYTES, "The total number of bytes written successfully."),
    (
        "write_time_seconds_total",
        "counter",
        0.001,
        "This is the total number of seconds spent by all writes.",
    ),
    ("io_now", "gauge", 1, "The number of I/Os currently in progress."),
    ("io_time_seconds_total", "counter", 0.001, "Total seconds spent doing I/Os."),
    ("io_time_weighted_seconds_total", "counter", 0.001, "The weighted # of seconds spent doing I/Os."),
    ("discards_completed_total", "counter", 1, "The total number of discards completed successfully."),
    ("discards_merged_total", "counter", 1, "The total number of discards merged."),
    ("discarded_sectors_total", "counter", 1, "The total number of sectors discarded successfully."),
    (
        "discard_time_seconds_total",
        "counter",
        0.001,
        "This is the total number of seconds spent by all discards.",
    ),
    ("flush_requests_total", "counter", 1, "The total number of flush requests completed successfully"),
    (
        "flush_requests_time_seconds_total",
        "counter",
        0.001,
        "This is the total number of seconds spent by all flush requests.",
    ),
)

# The columns of /proc/net/dev in their order.
_NETDEV: Final = (
    *(
        f"receive_{what}"
        for what in ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
    ),
    *(
        f"transmit_{what}"
        for what in ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")
    ),
)

# File in /sys/class/net/<device>: name behind node_network_, type, factor.
_NETCLASS: Final[tuple[tuple[str, str, Kind, int], ...]] = (
    ("carrier", "carrier", "gauge", 1),
    ("carrier_changes", "carrier_changes_total", "counter", 1),
    ("carrier_up_count", "carrier_up_changes_total", "counter", 1),
    ("carrier_down_count", "carrier_down_changes_total", "counter", 1),
    ("mtu", "mtu_bytes", "gauge", 1),
    ("speed", "speed_bytes", "gauge", 125_000),
    ("tx_queue_len", "transmit_queue_length", "gauge", 1),
)

_PRESSURE: Final = {
    ("cpu", "some"): "Total time in seconds that processes have waited for CPU time",
    ("io", "some"): "Total time in seconds that processes have waited due to IO congestion",
    ("io", "full"): "Total time in seconds no process could make progress due to IO congestion",
    ("memory", "some"): "Total time in seconds that processes have waited for memory",
    ("memory", "full"): "Total time in seconds no process could make progress due to memory congestion",
}


class LinuxSources:
    """Collectors that read the kernel's files below `proc` and `sys`."""

    def __init__(self, proc: Path, sys: Path) -> None:
        self._proc = proc
        self._sys = sys
        self._ticks_per_s = os.sysconf("SC_CLK_TCK")
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._cpu_s: dict[str, list[float]] = {}

    def collectors(self) -> list[Collector]:
        """Return the collectors, each with the name or names of node_exporter's."""
        return [
            Collector(("cpu", "stat"), self._stat),
            Collector(("meminfo",), self._meminfo),
            Collector(("vmstat",), self._vmstat),
            Collector(("pressure",), self._pressure),
            Collector(("diskstats",), self._diskstats),
            Collector(("netdev",), self._netdev),
            Collector(("netclass",), self._netclass),
            Collector(("netstat",), self._netstat),
            Collector(("sockstat",), self._sockstat),
            Collector(("conntrack",), self._conntrack),
            Collector(("filefd",), self._filefd),
        ]

    def _lines(self, path: str) -> list[list[str]]:
        return [line.split() for line in (self._proc / path).read_text().splitlines()]

    def _stat(self) -> list[Family]:
        modes: list[Sample] = []
        guests: list[Sample] = []
        found: dict[str, float] = {}
        for key, *numbers in self._lines("stat"):
            if key.startswith("cpu") and key != "cpu":
                cpu = key[3:]
                seconds = self._steady(cpu, [int(ticks) / self._ticks_per_s for ticks in numbers])
                modes += _by_mode(cpu, _CPU_MODES, seconds)
                guests += _by_mode(cpu, ("user", "nice"), seconds[len(_CPU_MODES) :])
            elif key != "cpu":
                found[key] = int(numbers[0])
        return [
            Family("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.", modes),
            Family(
                "node_cpu_guest_seconds_total",
                "counter",
                "Seconds the CPUs spent in guests (VMs) for each mode.",
                guests,
            ),
            single("node_boot_time_seconds", "gauge", "Node boot time, in unixtime.", found["btime"]),
            single(
                "node_context_switches_total", "counter", "Total number of context switches.", found["ctxt"]
            ),
            single("node_forks_total", "counter", "Total number of forks.", found["processes"]),
            single("node_intr_total", "counter", "Total number of interrupts serviced.", found["intr"]),
            single(
                "node_procs_running",
                "gauge",
                "Number of processes in runnable state.",
                found["procs_running"],
            ),
            single(
                "node_procs_blocked",
                "gauge",
                "Number of processes blocked waiting for I/O to complete.",
                found["procs_blocked"],
            ),
        ]

    def _steady(self, cpu: str, seconds: list[float]) -> list[float]:
        """Return the CPU's seconds without the small steps back that the kernel's idle accounting makes.

        A large step back is a CPU that was taken away and came again; then all counters begin anew.
        """
        before = self._cpu_s.get(cpu, seconds)
        if all(old - new < _MAX_IDLE_JUMP_S for old, new in zip(before, seconds, strict=False)):
            seconds = [max(old, new) for old, new in zip(before, seconds, strict=True)]
        self._cpu_s[cpu] = seconds
        return seconds

    def _meminfo(self) -> list[Family]:
        families: list[Family] = []
        for key, number, *unit in self._lines("meminfo"):
            field = key.rstrip(":").replace("(", "_").replace(")", "") + ("_bytes" if unit else "")
            value = int(number) * (1024 if unit else 1)
            families.append(
                single(f"node_memory_{field}", "gauge", f"Memory information field {field}.", value)
            )
        return families

    def _vmstat(self) -> list[Family]:
        return [
            single(f"node_vmstat_{field}", "untyped", f"/proc/vmstat information field {field}.", int(number))
            for field, number in self._lines("vmstat")
            if _VMSTAT.match(field)
        ]

    def _pressure(self) -> list[Family]:
        families: list[Family] = []
        for resource in ("cpu", "io", "memory"):
            for share, *_, total in self._lines(f"pressure/{resource}"):
                if (resource, share) == ("cpu", "full"):  # always zero for the whole host
                    continue
                state = "waiting" if share == "some" else "stalled"
                families.append(
                    single(
                        f"node_pressure_{resource}_{state}_seconds_total",
                        "counter",
                        _PRESSURE[resource, share],
                        int(total.removeprefix("total=")) / 1e6,
                    )
                )
        return families

    def _diskstats(self) -> list[Family]:
        samples: list[list[Sample]] = [[] for _ in _DISK]
        for _, _, device, *numbers in self._lines("diskstats"):
            if not _DISKS_LEFT_OUT.match(device):
                label = labelled(device=device)
                for column, row, number in zip(samples, _DISK, numbers, strict=False):
                    column.append((label, int(number) * row[2]))
        return [
            Family(f"node_disk_{name}", kind, about, column)
            for (name, kind, _, about), column in zip(_DISK, samples, strict=True)
        ]

    def _netdev(self) -> list[Family]:
        samples: list[list[Sample]] = [[] for _ in _NETDEV]
        for line in (self._proc / "net/dev").read_text().splitlines()[2:]:
            device, _, numbers = line.rpartition(":")
            label = labelled(device=device.strip())
            for column, number in zip(samples, numbers.split(), strict=True):
                column.append((label, int(number)))
        return [
            Family(f"node_network_{what}_total", "counter", f"Network device statistic {what}.", column)
            for what, column in zip(_NETDEV, samples, strict=True)
        ]

    def _netclass(self) -> list[Family]:
        up: list[Sample] = []
        info: list[Sample] = []
        samples: list[list[Sample]] = [[] for _ in _NETCLASS]
        for folder in sorted((self._sys / "class/net").iterdir()):
            if not folder.is_dir():  # bonding_masters
                continue
            label = labelled(device=folder.name)
            state = _word(folder / "operstate")
            up.append((label, int(state == "up")))
            words = {name: _word(folder / name) for name in ("address", "broadcast", "duplex", "ifalias")}
            info.append((labelled(device=folder.name, operstate=state, **words), 1))
            for column, (file, _, _, factor) in zip(samples, _NETCLASS, strict=True):
                if number := _word(folder / file):
                    column.append((label, int(number) * factor))
        return [
            Family("node_network_up", "gauge", "Value is 1 if operstate is 'up', 0 otherwise.", up),
            Family(
                "node_network_info",
                "gauge",
                "Non-numeric data from /sys/class/net/<iface>, value is always 1.",
                info,
            ),
            *(
                Family(f"node_network_{name}", kind, f"Network device property: {name}", column)
                for (_, name, kind, _), column in zip(_NETCLASS, samples, strict=True)
            ),
        ]

    def _netstat(self) -> list[Family]:
        return [
            single(f"node_netstat_{field}", "untyped", f"Statistic {field.replace('_', '', 1)}.", int(number))
            for field, number in self._netstat_fields()
            if _is_wanted_netstat(field)
        ]

    def _netstat_fields(self) -> Iterator[tuple[str, str]]:
        for file in ("net/netstat", "net/snmp"):
            lines = self._lines(file)
            for (protocol, *fields), (_, *numbers) in zip(lines[::2], lines[1::2], strict=True):
                for field, number in zip(fields, numbers, strict=True):
                    yield f"{protocol[:-1]}_{field}", number
        if (self._proc / "net/snmp6").exists():
            for name, number in self._lines("net/snmp6"):
                protocol, six, field = name.partition("6")
                yield f"{protocol}{six}_{field}", number

    def _sockstat(self) -> list[Family]:
        families: list[Family] = []
        lines = self._lines("net/sockstat")
        if (self._proc / "net/sockstat6").exists():
            lines += self._lines("net/sockstat6")
        for protocol, *pairs in lines:
            found = {field: int(number) for field, number in zip(pairs[::2], pairs[1::2], strict=True)}
            if "mem" in found:
                found["mem_bytes"] = found["mem"] * self._page_bytes
            for field, value in found.items():
                name = f"{protocol[:-1]}_{field}"
                families.append(
                    single(f"node_sockstat_{name}", "gauge", _socket_help(protocol[:-1], field), value)
                )
        return families

    def _conntrack(self) -> list[Family]:
        folder = self._proc / "sys/net/netfilter"
        return [
            single(
                "node_nf_conntrack_entries",
                "gauge",
                "Number of currently allocated flow entries for connection tracking.",
                int((folder / "nf_conntrack_count").read_text()),
            ),
            single(
                "node_nf_conntrack_entries_limit",
                "gauge",
                "Maximum size of connection tracking table.",
                int((folder / "nf_conntrack_max").read_text()),
            ),
        ]

    def _filefd(self) -> list[Family]:
        allocated, _, maximum = self._lines("sys/fs/file-nr")[0]
        return [
            single(
                "node_filefd_allocated", "gauge", "File descriptor statistics: allocated.", int(allocated)
            ),
            single("node_filefd_maximum", "gauge", "File descriptor statistics: maximum.", int(maximum)),
        ]


def _by_mode(cpu: str, modes: tuple[str, ...], seconds: list[float]) -> list[Sample]:
    return [(labelled(cpu=cpu, mode=mode), value) for mode, value in zip(modes, seconds, strict=False)]


def _socket_help(protocol: str, field: str) -> str:
    if (protocol, field) == ("sockets", "used"):
        return "Number of IPv4 sockets in use."
    return f"Number of {protocol} sockets in state {field}."


@lru_cache(maxsize=4096)
def _is_wanted_netstat(field: str) -> bool:
    return _NETSTAT.match(field) is not None


def _word(path: Path) -> str:
    """Return the file's text; empty where the driver refuses to say (a device that is down has no speed)."""
    try:
        return path.read_text().strip()
    except OSError:
        return ""
