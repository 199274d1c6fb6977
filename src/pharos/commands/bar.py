"""How far compiling is: a bar on a terminal, elsewhere a line at the start and one at the end."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pharos.commands.screen import ERR

if TYPE_CHECKING:
    from pharos.warm.warming import Warming


class KernelsBar:
    """A counted bar on standard error, which goes when all is compiled."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("  kernels"),
            BarColumn(),
            MofNCompleteColumn(separator=" of "),
            TimeElapsedColumn(),
            console=ERR,
            transient=True,
            disable=not ERR.is_terminal,
        )
        self._task: TaskID | None = None
        self._is_over = False

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def tell(self, warming: Warming) -> None:
        """Show how far it is."""
        if self._task is None:
            self._task = self._bar.add_task("kernels", total=warming.total)
            self._bar.start()
            if not ERR.is_terminal:
                ERR.print(f"compiling kernels, once after an installation: {warming.total} in all")
        self._bar.update(self._task, completed=warming.compiled)
        if warming.is_complete and not self._is_over:
            self._is_over = True
            self._bar.stop()
            ERR.print(f"  all {warming.total} kernels are compiled")
