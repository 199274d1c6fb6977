"""How a command ended, and a command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


Run: TypeAlias = "Callable[..., Ended]"


def run_apart(*arguments: str, read: str = "") -> Ended:
    """Run the command in a process of its own, which reads what is given."""
    command = [sys.executable, "-m", "pharos.cli", *arguments]
    done = subprocess.run(command, input=read, capture_output=True, text=True, check=False)
    return Ended(done.returncode, done.stdout, done.stderr)
