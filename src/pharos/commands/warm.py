"""`pharos warm`: compile what the server runs."""

from __future__ import annotations

import asyncio
import compileall
from pathlib import Path

import pharos
from pharos.commands.bar import KernelsBar
from pharos.commands.screen import OUT, JsonOption, print_json
from pharos.warm.warming import compile_missing, find_missing


def warm(as_json: JsonOption = False) -> None:
    """Compile what the server runs: an image, or a machine that others install, then starts at once."""
    # Where PYTHONDONTWRITEBYTECODE is set, nobody else would write it: half a second of every start.
    compileall.compile_dir(Path(pharos.__file__).parent, quiet=2)
    warming = find_missing()
    missing = warming.total - warming.compiled
    with KernelsBar() as bar:
        asyncio.run(compile_missing(warming, gives_way=False, tell=lambda: bar.tell(warming)))
    if as_json:
        print_json({"compiled": missing, "total": warming.total})
    else:
        OUT.print(f"{warming.total} kernels, {missing} of them compiled now")
