"""The host's metrics are those of node_exporter: the same names, types, labels and values."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import generate_latest
from tests.ingest.node_exporter import Shown, parse, running, scrape

from pharos.clock import FakeClock, SystemClock
from pharos.ingest.host.exposition import HostMetrics, Mounts
from pharos.ingest.host.families import Collector, Family, as_text, labelled, single
from pharos.ingest.host.linux import LinuxSources
from pharos.ingest.host.portable import portable_collectors
from pharos.telemetry import REGISTRY

CASE = Path(__file__).with_name("host")
RECORDED = CASE / "node_exporter.txt"
COLLECTORS = [
    "conntrack", "cpu", "diskstats", "filefd", "meminfo", "netclass", "netdev", "netstat", "pressure",
    "sockstat", "stat", "vmstat",
]  # fmt: skip
ON_THE_CASE = [
    "--path.procfs=proc",
    "--path.sysfs=sys",
    "--collector.disable-defaults",
    "--no-collector.netdev.netlink",
    *(f"--collector.{name}" for name in COLLECTORS),
]

# What node_exporter says beyond Pharos: by the beginning of the name.
BEYOND = (
    "node_disk_info", "node_nf_conntrack_stat_", "node_exporter_build_info", "node_scrape_collector_duration",
    "node_network_address_assign_type", "node_network_device_id", "node_network_dormant",
    "node_network_flags", "node_network_iface_", "node_network_name_assign_type",
    "node_network_net_dev_group", "node_network_protocol_type",
)  # fmt: skip

# What changes between two readings; everything else must agree within 5 %.
FAST = (
    "node_cpu_seconds_total", "node_context_switches_total", "node_disk_", "node_filefd_allocated",
    "node_filesystem_avail_bytes", "node_filesystem_free_bytes", "node_filesystem_files_free",
    "node_forks_total", "node_intr_total", "node_load", "node_memory_", "node_netstat_",
    "node_network_receive_", "node_network_transmit_", "node_nf_conntrack_entries", "node_pressure_",
    "node_procs_", "node_sockstat_", "node_vmstat_",
)  # fmt: skip
SLOW_AFTER_ALL = ("node_memory_MemTotal_bytes", "node_memory_SwapTotal_bytes", "node_filefd_maximum")


def exposed(metrics: HostMetrics) -> dict[str, Shown]:
    return parse(metrics.exposition().decode())


def from_the_binary() -> str:
    with running(*ON_THE_CASE, folder=CASE) as port:
        text = scrape(port)
    return "".join(line + "\n" for line in text.splitlines() if "node_" in line)


@pytest.mark.parametrize(
    "reference",
    [
        pytest.param(RECORDED.read_text, id="recorded"),
        pytest.param(from_the_binary, id="installed", marks=pytest.mark.needs("node-exporter")),
    ],
)
def test_recorded_files_give_what_node_exporter_gives(reference: Any) -> None:
    theirs = parse(reference())
    ours = exposed(
        HostMetrics(FakeClock(), collectors=LinuxSources(CASE / "proc", CASE / "sys").collectors())
    )
    del ours["node_scrape_collector_duration_seconds"]
    for name, shown in ours.items():
        assert shown.kind == theirs[name].kind, name
        assert shown.samples == pytest.approx(theirs[name].samples, rel=1e-9), name
    assert {name for name in theirs if not name.startswith(BEYOND)} == set(ours)


def check_this_host(ours: dict[str, Shown], theirs: dict[str, Shown]) -> None:
    for name, shown in ours.items():
        assert shown.kind == theirs[name].kind, name
        if name.startswith("node_scrape_collector_"):
            assert set(shown.samples) <= set(theirs[name].samples)
            continue
        assert set(shown.samples) == set(theirs[name].samples), name
        if not name.startswith(FAST) or name in SLOW_AFTER_ALL:
            assert shown.samples == pytest.approx(theirs[name].samples, rel=0.05), name


@pytest.mark.needs("node-exporter")
def test_this_host_is_described_as_node_exporter_does() -> None:
    metrics = HostMetrics(SystemClock())
    with running(folder=CASE) as port:
        theirs = parse(scrape(port))
        check_this_host(exposed(metrics), theirs)


def helps(text: str) -> dict[str, str]:
    lines = [line.split(" ", 3) for line in text.splitlines() if line.startswith("# HELP ")]
    return {name: about for _, _, name, about in lines}


@pytest.mark.needs("node-exporter")
def test_help_texts_are_node_exporters_own_so_that_both_together_are_one_metric() -> None:
    ours = helps(HostMetrics(SystemClock()).exposition().decode())
    with running(folder=CASE) as port:
        theirs = helps(scrape(port))
    shared = ours.keys() & theirs.keys()
    assert len(shared) > 100
    assert {name: ours[name] for name in shared} == {name: theirs[name] for name in shared}


def test_a_missing_source_costs_only_its_own_families(tmp_path: Path) -> None:
    ours = exposed(HostMetrics(FakeClock(), proc=tmp_path, sysfs=tmp_path))
    success = {
        dict(labels)["collector"]: value
        for labels, value in ours["node_scrape_collector_success"].samples.items()
    }
    assert {name for name, value in success.items() if value} == {"filesystem", "loadavg", "time", "uname"}
    assert {name for name, value in success.items() if not value} == set(COLLECTORS)
    assert "node_load1" in ours
    assert "node_cpu_seconds_total" not in ours


def test_a_source_that_comes_back_is_told_again(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    metrics = HostMetrics(FakeClock(), collectors=LinuxSources(tmp_path, tmp_path).collectors()[1:2])
    for _ in range(3):
        assert "node_memory_MemTotal_bytes" not in exposed(metrics)
    assert len(caplog.records) == 1
    (tmp_path / "meminfo").write_text("MemTotal: 2 kB\n")
    assert exposed(metrics)["node_memory_MemTotal_bytes"].samples == {frozenset(): 2048.0}


def test_rubbish_in_a_source_costs_only_its_own_families(tmp_path: Path) -> None:
    for name in ("stat", "meminfo", "diskstats", "vmstat"):
        (tmp_path / name).write_text("rubbish\nMemTotal: x kB\n")
    ours = exposed(HostMetrics(FakeClock(), proc=tmp_path, sysfs=tmp_path))
    assert "node_load1" in ours
    assert not [name for name in ours if name.startswith(("node_memory", "node_disk", "node_vmstat"))]


def stat_of(cpu: str, idle: int) -> str:
    return (
        f"cpu 0 0 0 0\n{cpu} 10 0 10 {idle} 0 0 0 0 0 0\n"
        "intr 1\nctxt 1\nbtime 1\nprocesses 1\nprocs_running 1\nprocs_blocked 0\n"
    )


@pytest.mark.parametrize(
    ("second", "expected"),
    [(100_500, 1005.0), (99_900, 1000.0), (50_000, 500.0)],
    ids=["on", "jitter", "anew"],
)
def test_idle_time_never_steps_back_a_little(tmp_path: Path, second: int, expected: float) -> None:
    metrics = HostMetrics(FakeClock(), collectors=LinuxSources(tmp_path, tmp_path).collectors()[:1])
    ticks_per_s = os.sysconf("SC_CLK_TCK")
    for idle in (100_000, second):
        (tmp_path / "stat").write_text(stat_of("cpu0", idle * ticks_per_s // 100))
        shown = exposed(metrics)["node_cpu_seconds_total"].samples
    assert shown[frozenset({("cpu", "0"), ("mode", "idle")})] == expected


def test_a_cpu_keeps_its_number_when_others_are_offline(tmp_path: Path) -> None:
    (tmp_path / "stat").write_text(stat_of("cpu7", 1))
    ours = exposed(HostMetrics(FakeClock(), collectors=LinuxSources(tmp_path, tmp_path).collectors()[:1]))
    assert {dict(labels)["cpu"] for labels in ours["node_cpu_seconds_total"].samples} == {"7"}


def mounted(
    *mounts: tuple[str, str, str], statvfs: Callable[[str], os.statvfs_result] = os.statvfs
) -> Mounts:
    found = [
        type("Mount", (), {"device": device, "mountpoint": where, "fstype": kind, "opts": "ro,relatime"})
        for device, where, kind in mounts
    ]
    return Mounts(statvfs, lambda: found)


def test_a_file_system_that_hangs_does_not_hold_up_the_others() -> None:
    go = threading.Event()
    asked: list[str] = []

    def statvfs(path: str) -> os.statvfs_result:
        asked.append(path)
        if path == "/far":
            assert go.wait(20)
        return os.statvfs("/")

    mounts = mounted(("far:/x", "/far", "nfs4"), ("/dev/a", "/near", "ext4"), statvfs=statvfs)
    far = frozenset({("device", "far:/x"), ("mountpoint", "/far"), ("fstype", "nfs4")})
    near = frozenset({("device", "/dev/a"), ("mountpoint", "/near"), ("fstype", "ext4")})
    for _ in range(2):
        shown = parse(as_text(mounts.collect()).decode())
        assert shown["node_filesystem_device_error"].samples == {far: 1.0, near: 0.0}
        assert set(shown["node_filesystem_size_bytes"].samples) == {near}
        assert shown["node_filesystem_readonly"].samples == {far: 1.0, near: 1.0}
    assert asked.count("/far") == 1
    go.set()
    for _ in range(2_000):
        shown = parse(as_text(mounts.collect()).decode())
        if shown["node_filesystem_device_error"].samples == {far: 0.0, near: 0.0}:
            break
        threading.Event().wait(0.01)
    assert shown["node_filesystem_device_error"].samples == {far: 0.0, near: 0.0}


def test_a_file_system_that_refuses_is_an_error_of_its_own() -> None:
    mounts = mounted(("far:/x", "/gone/far", "nfs"), ("/dev/a", "/gone/near", "ext4"))
    shown = parse(as_text(mounts.collect()).decode())
    assert set(shown["node_filesystem_device_error"].samples.values()) == {1.0}
    assert "node_filesystem_size_bytes" not in shown


@pytest.mark.parametrize(
    ("where", "kind"),
    [("/dev/shm", "tmpfs"), ("/proc", "proc"), ("/sys/fs/bpf", "bpf"), ("/x", "overlay"), ("/x", "cgroup2"),
     ("/var/lib/docker/aufs/1", "ext4"), ("/run/credentials/a", "ramfs")],
)  # fmt: skip
def test_mounts_that_say_nothing_are_left_out(where: str, kind: str) -> None:
    mounts = mounted(("none", where, kind), ("/dev/b", "/", "ext4"), ("/dev/b", "/", "ext4"))
    shown = parse(as_text(mounts.collect()).decode())
    assert [dict(labels)["mountpoint"] for labels in shown["node_filesystem_readonly"].samples] == ["/"]


def test_other_systems_get_what_psutil_knows() -> None:
    ours = exposed(HostMetrics(SystemClock(), collectors=portable_collectors()))
    assert set(ours["node_scrape_collector_success"].samples.values()) == {1.0}
    assert {"node_cpu_seconds_total", "node_memory_total_bytes", "node_boot_time_seconds"} <= set(ours)
    theirs = parse(RECORDED.read_text())
    for name, shown in ours.items():
        if name in theirs and not name.startswith("node_scrape"):
            assert shown.kind == theirs[name].kind, name
            labels = {frozenset(dict(one)) for one in shown.samples}
            assert labels <= {frozenset(dict(one)) for one in theirs[name].samples}, name


def test_label_values_are_escaped() -> None:
    family = Family("m", "gauge", "About.", [(labelled(device='a"b\\c\nd'), 1)])
    assert parse(as_text([family, single("empty", "gauge", "x", 2)]).decode())["m"].samples == {
        frozenset({("device", 'a"b\\c\nd')}): 1.0
    }


def test_a_defect_of_a_collector_is_not_hidden() -> None:
    def broken() -> list[Family]:
        raise AssertionError

    with pytest.raises(AssertionError):
        HostMetrics(FakeClock(), collectors=[Collector(("broken",), broken)]).exposition()


def test_a_reading_looks_at_each_file_once() -> None:
    read: list[Path] = []

    class NotingPath(type(Path())):  # type: ignore[misc] # the system's own kind of path
        def read_text(self, *arguments: Any, **more: Any) -> str:
            read.append(self)
            return str(super().read_text(*arguments, **more))

    metrics = HostMetrics(SystemClock(), proc=NotingPath("/proc"), sysfs=NotingPath("/sys"))
    metrics.exposition()
    read.clear()
    metrics.exposition()
    assert read
    assert len(read) == len(set(read))


@pytest.mark.parametrize(
    "name",
    [
        "process_cpu_seconds_total",
        "process_max_fds",
        "process_open_fds",
        "process_resident_memory_bytes",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
    ],
)
def test_pharos_tells_of_its_own_process(name: str) -> None:
    assert parse(generate_latest(REGISTRY).decode())[name].samples[frozenset()] > 0
