"""Keeps a server running: starts it, and starts it again when it crashes.

Imports nothing heavy, so that it costs almost no memory, and never the engine, which must not be forked.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from types import FrameType
from typing import Final

_QUICK_CRASH_S: Final = 5.0
_LONGEST_PAUSE_S: Final = 10.0
_OWN_CHOICE: Final = (0, 1, 2)
"""Exit codes with which the server ends on purpose: stopped, or refused to start."""
_SIGNALLED: Final = 128
"""Plus the signal's number: what a shell reports of a process that a signal ended."""


def pause_after(uptime_s: float, last_pause_s: float) -> float:
    """Return how long to wait before the next start: none after a long life, doubling for quick crashes."""
    if uptime_s >= _QUICK_CRASH_S:
        return 0.0
    return min(_LONGEST_PAUSE_S, max(0.2, 2 * last_pause_s))


def run(command: list[str]) -> int:
    """Run `command` until it ends on purpose or by a signal sent to us; return its exit code."""
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def forward(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = stopping or number in (signal.SIGTERM, signal.SIGINT)
        if child is not None:
            child.send_signal(number)

    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, forward)
    pause_s = 0.0
    while True:
        began = time.monotonic()
        child = subprocess.Popen(command)  # noqa: S603 - our own arguments, no shell
        if stopping:
            # The signal came while there was nobody to hand it to.
            child.terminate()
        code = child.wait()
        if stopping or code in _OWN_CHOICE:
            return _SIGNALLED - code if code < 0 else code
        pause_s = pause_after(time.monotonic() - began, pause_s)
        sys.stderr.write(f"pharos: the server ended with code {code}, starting it again\n")
        time.sleep(pause_s)


if __name__ == "__main__":
    sys.exit(run([sys.executable, "-m", "pharos.cli", *sys.argv[1:]]))
