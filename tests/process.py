"""A real server in a process of its own."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path
from typing import ClassVar

from tests.peers import ending_with_us

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+")


class Server:
    """`pharos up` on a free port; its address is printed once it answers."""

    living: ClassVar[set[Server]] = set()
    served: ClassVar[str] = ""
    """The folder of the tests that run."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.used_by = self.served
        self.log = folder.parent / f"{folder.name}.log"
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                ending_with_us(
                    [
                        *(sys.executable, "-m", "pharos.cli", "up"),
                        *("--listen", "127.0.0.1:0", "--data", str(folder)),
                        # What it tells of itself would stand among what tests send.
                        *("--no-self-events", *arguments),
                    ]
                ),
                stdout=subprocess.PIPE,
                stderr=log,
                env={**os.environ, "COLUMNS": "200"},
            )
        self._drain = threading.Thread(target=self._read_on, daemon=True)
        self.living.add(self)
        try:
            self.url = self._address()
            self._drain.start()
            self.wait_ready()
        except BaseException:
            self.kill()
            raise

    def _address(self) -> str:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if found := _ADDRESS.search(line.decode()):
                return found[0]
        raise AssertionError(f"pharos did not start:\n{self.log.read_text()}")

    def _read_on(self) -> None:
        assert self.process.stdout is not None
        self.process.stdout.read()

    def wait_ready(self) -> None:
        """Wait until what a former process left is stored."""
        for _ in range(600):
            try:
                with urllib.request.urlopen(f"{self.url}/-/ready", timeout=10):
                    return
            except urllib.error.HTTPError as exc:
                exc.close()
                if self.process.poll() is not None:
                    break
                threading.Event().wait(0.1)
            except TimeoutError:
                # On a machine that others use, too, a start takes its time.
                continue
        raise AssertionError(f"pharos is not ready:\n{self.log.read_text()}")

    @classmethod
    def serve_only(cls, folder: str) -> None:
        """Let the servers go on that were started for a folder's tests, and hold all others."""
        if folder == cls.served:
            return
        cls.served = folder
        for server in cls.living:
            if server.used_by == folder:
                server.go_on()
            else:
                server.hold()

    def hold(self) -> None:
        """Have it do nothing until `go_on`."""
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Have it do what it would do by now, if it was held."""
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> int:
        """Ask it to end, and return its exit code."""
        self.living.discard(self)
        self.go_on()
        self.process.terminate()
        code = self.process.wait(30)
        self._drain.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def kill(self) -> None:
        """End it without a warning."""
        self.living.discard(self)
        self.process.kill()
        self.process.wait(30)
        if self._drain.is_alive():
            self._drain.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
