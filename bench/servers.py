"""The servers under test: started in a fresh folder, asked what they cost, never outliving the run."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, TypeVar

import psutil

from bench.client import Client, QueryError


class NotInstalledError(Exception):
    """The server's program is not on this machine; its column stays empty."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What a server used between two moments."""

    cpu_s: float
    peak_rss_bytes: int
    peak_private_bytes: int
    """Resident bytes that no file backs."""


@dataclass(frozen=True, slots=True)
class Weight:
    """Bytes on disk."""

    at_rest: int
    """After merges came to rest by themselves."""
    merged: int
    """After a final merge was forced, where there is such a thing."""


class Server:
    """A server in a folder of its own, on a free port of loopback, running until `stop`."""

    name: ClassVar[str]
    write_path: ClassVar[str]
    ready_path: ClassVar[str]
    no_cache: ClassVar[dict[str, str]] = {}
    """Query arguments that switch off a cache of results."""

    def __init__(self, folder: Path | None = None, port: int | None = None) -> None:
        """Take `folder` (kept after `stop`) or a new temporary one (removed), and `port` or a free one."""
        _made.add(self)
        self._temporary = folder is None
        self.folder = folder or Path(tempfile.mkdtemp(prefix=f"bench-{self.name.lower()}-"))
        self.port = port or free_port()
        self.ready_s = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._watch: _Watch | None = None

    def command(self) -> list[str]:
        """Return the command line; raises NotInstalledError."""
        raise NotImplementedError

    def version(self) -> str:
        """Return the version as the program states it."""
        raise NotImplementedError

    def weigh(self) -> Weight:
        """Return the bytes of samples and index, the log left out; the server may be stopped for it."""
        raise NotImplementedError

    def start(self, timeout_s: float = 60) -> None:
        """Start and wait until the server is ready; raises RuntimeError with the end of its output."""
        command = self.command()
        if shutil.which("setpriv"):
            command = ["setpriv", "--pdeathsig", "KILL", "--", *command]
        begun = time.monotonic()
        with (self.folder / "output.log").open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=output, stdin=subprocess.DEVNULL, start_new_session=True
            )
        while True:
            with contextlib.suppress(OSError, QueryError):
                client = Client(self.port)
                client.get(self.ready_path)
                break
            if self._process.poll() is not None or time.monotonic() - begun > timeout_s:
                words = self.last_words()
                self.stop()
                raise RuntimeError(f"{self.name} did not become ready:\n{words}")
            time.sleep(0.02)
        self.ready_s = time.monotonic() - begun
        self._watch = _Watch(self.pid)

    def last_words(self) -> str:
        """Return the end of what the server printed."""
        output = self.folder / "output.log"
        return output.read_text(errors="replace")[-1500:] if output.exists() else ""

    def stop(self, timeout_s: float = 30) -> None:
        """Ask the server to end, insist after `timeout_s`, and remove a temporary folder."""
        self._end(signal.SIGTERM, timeout_s)
        if self._temporary:
            _made.discard(self)
            shutil.rmtree(self.folder, ignore_errors=True)

    def kill(self) -> None:
        """End every process of the server at once, as a power cut would (the folder stays)."""
        self._end(signal.SIGKILL, 30)

    def _end(self, how: signal.Signals, timeout_s: float) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                os.killpg(process.pid, how)
            else:
                process.send_signal(how)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout_s)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)

    @property
    def pid(self) -> int:
        """The process id of the server; raises RuntimeError when it is not running."""
        if self._process is None:
            raise RuntimeError(f"{self.name} is not running")
        return self._process.pid

    def cpu_s(self) -> float:
        """Return the CPU seconds used so far, all processes of the server together."""
        used = 0.0
        for process in _family(self.pid):
            with contextlib.suppress(OSError):
                used += time.clock_gettime(_cpu_clock(process.pid))
        return used

    def reset_peak(self) -> None:
        """Forget the peaks seen so far."""
        if self._watch is not None:
            self._watch.reset()

    def peak(self) -> tuple[int, int]:
        """Return the greatest resident and private bytes since the start or `reset_peak`."""
        return (self._watch.rss, self._watch.private) if self._watch is not None else (0, 0)

    def settle(self, timeout_s: float) -> float:
        """Wait until the server has used no CPU to speak of for five seconds; return the seconds it took."""
        begun = time.monotonic()
        quiet, cpu = 0, self.cpu_s()
        while quiet < 5 and time.monotonic() - begun < timeout_s:
            time.sleep(1)
            now = self.cpu_s()
            quiet, cpu = (quiet + 1 if now - cpu < 0.12 else 0), now
        return time.monotonic() - begun


class Pharos(Server):
    """This repository's server, as `pharos up` starts it."""

    name = "Pharos"
    write_path = "/api/v1/write"
    ready_path = "/-/ready"
    no_cache: ClassVar[dict[str, str]] = {"nocache": "1"}
    settings = "{}\n"
    """What pharos.yml says: every setting has its default."""

    def command(self) -> list[str]:
        config = self.folder / "pharos.yml"
        config.write_text(self.settings)
        return [
            str(_pharos()), "up", "--listen", f"127.0.0.1:{self.port}", "--data", str(self.folder / "store"),
            "--config", str(config), *os.environ.get("PHAROS_BENCH_OPTIONS", "").split(),
        ]  # fmt: skip

    def version(self) -> str:
        return _first_match(r"(\d+\.\d+\S*)", [str(_pharos()), "--version"])

    def weigh(self) -> Weight:
        """Stop, and ask the store itself: parts that a merge has replaced stay on disk for some minutes."""
        at_rest, merged = self._ask_store(_WEIGH)
        return Weight(at_rest, merged)

    def weigh_table(self, table: str) -> tuple[int, int]:
        """Stop, and return the rows and bytes of a table; RuntimeError when it cannot be read."""
        rows, size = self._ask_store(_WEIGH_TABLE, table)
        return rows, size

    def _ask_store(self, script: str, *arguments: str) -> list[int]:
        self._end(signal.SIGTERM, 60)
        folder = self.folder / "store" / "engine"
        store = f"{folder / 'store'}?config-file={folder / 'engine.xml'}"
        ran = subprocess.run(
            [sys.executable, "-c", f"{_OPEN}{script}{_CLOSE}", store, *arguments],
            capture_output=True, text=True, timeout=600, check=False,
        )  # fmt: skip
        if ran.returncode != 0:
            raise RuntimeError(f"the store cannot be weighed: {ran.stderr[-500:]}")
        return [int(word) for word in ran.stdout.split()]


_OPEN = """
import os, sys
import chdb, chdb._chdb
chdb._chdb.set_signal_handlers_enabled(False)
connection = chdb.connect(sys.argv[1])
def show(query):
    print(connection.query(query, "TabSeparated").bytes().decode().strip(), flush=True)
"""
_WEIGH = """
for merged in (False, True):
    if merged:
        connection.query("OPTIMIZE TABLE pharos.samples FINAL")
        connection.query("OPTIMIZE TABLE pharos.series FINAL")
    show("SELECT sum(bytes_on_disk) FROM system.parts WHERE active AND database = 'pharos'")
"""
_WEIGH_TABLE = """
show(
    "SELECT sum(rows), sum(bytes_on_disk) FROM system.parts"
    f" WHERE active AND database = 'pharos' AND table = '{sys.argv[2]}'"
)
"""
_CLOSE = """
connection.close()
os._exit(0)
"""


class Prometheus(Server):
    """Prometheus as a receiver of remote write."""

    name = "Prometheus"
    write_path = "/api/v1/write"
    ready_path = "/-/ready"

    def command(self) -> list[str]:
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        return [
            find_program("prometheus"), f"--config.file={config}",
            f"--storage.tsdb.path={self.folder / 'store'}",
            f"--web.listen-address=127.0.0.1:{self.port}", "--web.enable-remote-write-receiver",
            "--web.enable-admin-api", "--storage.tsdb.retention.time=10y",
            "--enable-feature=native-histograms",
        ]  # fmt: skip

    def version(self) -> str:
        return _first_match(r"version (\S+)", [find_program("prometheus"), "--version"])

    def weigh(self) -> Weight:
        """A snapshot: it writes the head as a block too, which no running compaction would do for hours."""
        answer = Client(self.port).post_json("/api/v1/admin/tsdb/snapshot")
        size = _tree_bytes(self.folder / "store" / "snapshots" / answer["data"]["name"])
        return Weight(size, size)


class VictoriaMetrics(Server):
    """VictoriaMetrics, single node."""

    name = "VictoriaMetrics"
    write_path = "/api/v1/write"
    ready_path = "/health"
    no_cache: ClassVar[dict[str, str]] = {"nocache": "1"}

    def command(self) -> list[str]:
        return [
            find_program("victoria-metrics"), f"-httpListenAddr=127.0.0.1:{self.port}",
            f"-storageDataPath={self.folder / 'store'}", "-retentionPeriod=100y", "-search.latencyOffset=0s",
            "-search.maxQueryDuration=2m", "-search.maxConcurrentRequests=16", "-loggerLevel=WARN",
            "-search.maxUniqueTimeseries=10000000", "-search.maxSeries=10000000",
        ]  # fmt: skip

    def version(self) -> str:
        path = find_program("victoria-metrics")
        return _first_match(
            r"v?(\d+\.\d+\.\d+\S*)", [path, "-version"], ["dpkg-query", "-W", "victoria-metrics"]
        )

    def weigh(self) -> Weight:
        """As it lies, and after the final merge of every month was forced."""
        client = Client(self.port)
        client.get("/internal/force_flush")
        at_rest = self._bytes()
        client.get("/internal/force_merge")
        end = time.monotonic() + 300
        while time.monotonic() < end:
            time.sleep(1)
            text = client.get("/metrics").decode()
            counts = re.findall(r"^vm_active(?:_force)?_merges\S* (\d+)", text, re.MULTILINE)
            if not any(int(count) for count in counts):
                break
        self.settle(30)
        return Weight(at_rest, self._bytes())

    def _bytes(self) -> int:
        return _tree_bytes(self.folder / "store" / "data") + _tree_bytes(self.folder / "store" / "indexdb")


SERVERS: tuple[type[Server], ...] = (Pharos, Prometheus, VictoriaMetrics)


S = TypeVar("S", bound=Server)


@contextlib.contextmanager
def started(kind: type[S]) -> Iterator[S]:
    """Give a fresh server that is ready and stop it afterwards.

    What goes wrong meanwhile is raised as RuntimeError with the last words of the server.
    """
    server = kind()
    try:
        server.start()
        yield server
    except (RuntimeError, OSError, QueryError) as error:
        raise RuntimeError(f"{error}\n{server.last_words()}") from error
    finally:
        server.stop()


def installed() -> dict[type[Server], str]:
    """Return the version of each server that this machine can run."""
    found = {}
    for kind in SERVERS:
        with contextlib.suppress(NotInstalledError):
            probe = kind.__new__(kind)
            found[kind] = probe.version()
    return found


def _tree_bytes(top: Path) -> int:
    """Return the bytes of all files below `top`, hard links counted once."""
    seen: dict[tuple[int, int], int] = {}
    for path in top.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            if path.is_file():
                seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def free_port() -> int:
    """Return a port of loopback that was free a moment ago."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


_made: set[Server] = set()


def stop_all() -> None:
    """End every server this process started."""
    for server in list(_made):
        server.kill()
        server.stop()


class _Watch:
    """A thread that looks at a server's memory five times a second and keeps the peaks."""

    def __init__(self, pid: int) -> None:
        self.rss = self.private = 0
        self._pid = pid
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._thread.start()

    def reset(self) -> None:
        self.rss = self.private = 0

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._closed.wait(0.2):
            rss = private = 0
            for process in _family(self._pid):
                with contextlib.suppress(psutil.Error):
                    memory = process.memory_info()
                    rss += memory.rss
                    private += memory.rss - memory.shared
            self.rss, self.private = max(self.rss, rss), max(self.private, private)


def _cpu_clock(pid: int) -> int:
    """Return the clock of a process' CPU time, as clock_getcpuclockid(3) does; /proc counts in ticks."""
    return (~pid << 3) | 2


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def find_program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        raise NotInstalledError(name)
    return path


def _pharos() -> Path:
    path = Path(sys.executable).with_name("pharos")
    if not path.exists():
        raise NotInstalledError("pharos")
    return path


def _first_match(pattern: str, *commands: list[str]) -> str:
    """Return the first group of `pattern` in what the first telling one of `commands` prints."""
    for command in commands:
        with contextlib.suppress(OSError):
            ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            found = re.search(pattern, ran.stdout + ran.stderr)
            if found:
                return found.group(1)
    return "unknown"
