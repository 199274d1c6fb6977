"""What psutil says of any host, under node_exporter's names; where Linux' own files are not there."""

from __future__ import annotations

from typing import Final

import psutil

from pharos.ingest.host.families import Collector, Family, Kind, Sample, labelled, single

_MEMORY_FIELDS: Final = ("total", "free", "active", "inactive", "wired")

# Attribute of psutil's counters: name behind node_disk_, factor, help.
_DISK: Final[tuple[tuple[str, str, float, str], ...]] = (
    ("read_count", "reads_completed_total", 1, "The total number of reads completed successfully."),
    ("read_bytes", "read_bytes_total", 1, "The total number of bytes read successfully."),
    ("read_time", "read_time_seconds_total", 0.001, "The total number of seconds spent by all reads."),
    ("write_count", "writes_completed_total", 1, "The total number of writes completed successfully."),
    ("write_bytes", "written_bytes_total", 1, "The total number of bytes written successfully."),
    (
        "write_time",
        "write_time_seconds_total",
        0.001,
        "This is the total number of seconds spent by all writes.",
    ),
)

# Attribute of psutil's counters: name behind node_network_.
_NETDEV: Final = (
    ("bytes_recv", "receive_bytes_total"),
    ("packets_recv", "receive_packets_total"),
    ("errin", "receive_errs_total"),
    ("dropin", "receive_drop_total"),
    ("bytes_sent", "transmit_bytes_total"),
    ("packets_sent", "transmit_packets_total"),
    ("errout", "transmit_errs_total"),
    ("dropout", "transmit_drop_total"),
)


def portable_collectors() -> list[Collector]:
    """Return the collectors that need nothing but psutil."""
    return [
        Collector(("cpu",), _cpu),
        Collector(("boottime",), _boot_time),
        Collector(("meminfo",), _memory),
        Collector(("diskstats",), _disks),
        Collector(("netdev",), _network),
        Collector(("netclass",), _devices),
    ]


def _cpu() -> list[Family]:
    samples: list[Sample] = []
    for cpu, times in enumerate(psutil.cpu_times(percpu=True)):
        samples += [
            (labelled(cpu=str(cpu), mode=mode), seconds)
            for mode, seconds in times._asdict().items()
            if not mode.startswith("guest")
        ]
    return [Family("node_cpu_seconds_total", "counter", "Seconds the CPUs spent in each mode.", samples)]


def _boot_time() -> list[Family]:
    return [single("node_boot_time_seconds", "gauge", "Node boot time, in unixtime.", psutil.boot_time())]


def _memory() -> list[Family]:
    """Return the memory families that node_exporter has on macOS."""
    memory = psutil.virtual_memory()._asdict()
    swap = psutil.swap_memory()
    found = {f"{field}_bytes": memory[field] for field in _MEMORY_FIELDS if field in memory}
    found |= {"swap_total_bytes": swap.total, "swap_used_bytes": swap.used}
    return [
        single(f"node_memory_{field}", "gauge", f"Memory information field {field}.", value)
        for field, value in found.items()
    ]


def _disks() -> list[Family]:
    disks = psutil.disk_io_counters(perdisk=True, nowrap=False)
    return [
        Family(
            f"node_disk_{name}",
            "counter",
            about,
            [(labelled(device=device), getattr(io, attribute) * factor) for device, io in disks.items()],
        )
        for attribute, name, factor, about in _DISK
    ]


def _network() -> list[Family]:
    devices = psutil.net_io_counters(pernic=True, nowrap=False)
    return [
        Family(
            f"node_network_{name}",
            "counter",
            f"Network device statistic {name.removesuffix('_total')}.",
            [(labelled(device=device), getattr(io, attribute)) for device, io in devices.items()],
        )
        for attribute, name in _NETDEV
    ]


def _devices() -> list[Family]:
    stats = psutil.net_if_stats()
    kind: Kind = "gauge"
    return [
        Family(
            "node_network_up",
            kind,
            "Value is 1 if operstate is 'up', 0 otherwise.",
            [(labelled(device=device), int(one.isup)) for device, one in stats.items()],
        ),
        Family(
            "node_network_mtu_bytes",
            kind,
            "Network device property: mtu_bytes",
            [(labelled(device=device), one.mtu) for device, one in stats.items()],
        ),
    ]
