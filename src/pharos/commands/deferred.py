"""Modules that only some commands need, imported when they do: the others start at once."""

from __future__ import annotations

import gc
import importlib
from typing import Any


def imported(module: str) -> Any:
    """Return a module of Pharos by its name."""
    # A server's modules are half a million objects, all of which stay: nothing for the collector to find.
    gc.disable()
    try:
        return importlib.import_module(module)  # noqa: TID251 - a command is loaded when it is asked for
    finally:
        gc.freeze()
        gc.enable()
