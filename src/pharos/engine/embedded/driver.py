"""chDB's extension module, without the rest of its package.

The package opens a store in memory when it is imported: its threads and tables stay for good (20 MB), the
signal handlers are installed before anyone can switch them off, and a tenth of a second is gone.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from types import ModuleType
from typing import Final

_OPTIONS: Final = "JE_MALLOC_CONF"
_ALLOCATOR: Final = "dirty_decay_ms:100,narenas:2,tcache_max:4096,tcache_nslots_small_max:32"
"""What the engine's allocator (jemalloc) does otherwise than the engine has it.

Pages that a statement is done with go back at once, not within five seconds: where statements come all the
time, those of the largest were never back. Threads share two heaps, and each keeps a few small pieces of its
own, none of the large ones that others need: with none at all a small statement takes a quarter longer.
"""


def _load() -> ModuleType:
    spec = importlib.util.find_spec("chdb")
    if spec is None:
        raise ModuleNotFoundError("No module named 'chdb'", name="chdb")
    # The package is there for its modules to be found, and is not run.
    sys.modules.setdefault("chdb", importlib.util.module_from_spec(spec))
    flags = sys.getdlopenflags()
    # As the package does: its symbols are its own, whatever other libraries call theirs.
    sys.setdlopenflags(flags | os.RTLD_DEEPBIND)
    variables = os.environ  # noqa: TID251 - the library reads it, once, as it is loaded
    asked = variables.get(_OPTIONS)
    # What the user says comes later and counts more.
    variables[_OPTIONS] = _ALLOCATOR if asked is None else f"{_ALLOCATOR},{asked}"
    try:
        driver = importlib.import_module("chdb._chdb")  # noqa: TID251 - the package must not run
    finally:
        sys.setdlopenflags(flags)
        if asked is None:
            del variables[_OPTIONS]
        else:
            variables[_OPTIONS] = asked
    # They would turn a crash into a hang of minutes; it counts only before the first connection.
    driver.set_signal_handlers_enabled(False)
    return driver


TESTED_VERSION: Final = "26.9"
"""Files that the engine documents to nobody are read and mended as this version writes them."""

DRIVER: Final = _load()
"""What `connect` of an address returns is a connection; its errors are RuntimeErrors."""
