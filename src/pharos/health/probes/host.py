"""Looks at processes and disks of the host that Pharos runs on."""

from __future__ import annotations

import asyncio
import shutil
from contextlib import suppress

import psutil
import re2

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import DiskCheck, ProcessCheck
from pharos.health.looking import Found, Means


async def look(check: ProcessCheck | DiskCheck, means: Means, scope: Scope) -> Found:
    """Look once. Raises PharosError where there is nothing to look at."""
    del means, scope
    if isinstance(check, ProcessCheck):
        return await asyncio.to_thread(_processes, check)
    return await asyncio.to_thread(_disk, check)


def _processes(check: ProcessCheck) -> Found:
    pattern, count = re2.compile(check.command_matches), 0
    for process in psutil.process_iter():
        # It may end meanwhile, or be none of ours to look at.
        with suppress(psutil.Error):
            count += bool(pattern.search(" ".join(process.cmdline()) or process.name()))
    faults = []
    if count < check.at_least:
        faults.append(f"{count} processes run, {check.at_least} at least are expected")
    if check.at_most is not None and count > check.at_most:
        faults.append(f"{count} processes run, {check.at_most} at most are expected")
    return Found(faults, {"processes": float(count)})


def _disk(check: DiskCheck) -> Found:
    try:
        usage = shutil.disk_usage(check.path)
    except OSError as exc:
        raise PharosError(Kind.MISSING, f"cannot look at {check.path}: {exc.strerror}") from exc
    percent = 100.0 * usage.free / usage.total if usage.total else 0.0
    few = percent < check.min_free_percent
    faults = [f"{percent:.1f} % are free, {check.min_free_percent} % at least are expected"] if few else []
    return Found(faults, {"disk_free_ratio": percent / 100})
