"""The machine a figure belongs to."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path

import psutil


def describe() -> dict[str, str]:
    """Return processor, cores, memory, kernel and Python, in words."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return {
        "processor": found.group(1) if found else platform.processor() or "unknown",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
