"""`pharos warm`: compile what the server runs."""

from __future__ import annotations

from pharos.clock import SystemClock
from pharos.commands.screen import ERR, OUT, JsonOption, print_json
from pharos.warm import warm as compile_all


def warm(as_json: JsonOption = False) -> None:
    """Compile what the server runs, once after an installation."""
    with ERR.status("compiling, once after an installation: about two minutes"):
        ran = compile_all(SystemClock())
    if as_json:
        print_json({"expressions": ran})
    else:
        OUT.print(f"compiled; {ran} expressions ran")
