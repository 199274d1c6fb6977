"""`pharos canary`: a new version judged against the one that runs."""

from __future__ import annotations

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from msgspec import to_builtins

from pharos.commands.screen import ERR, as_found, print_json
from pharos.errors import Kind, PharosError
from pharos.judgement.canary import TICK_S, Tick, Verdict
from pharos.judgement.canary import judge as judged
from pharos.judgement.rows import Row, open_rows, read_rows, seconds_of, truth_of

app = typer.Typer(no_args_is_help=True, add_completion=False)

_COLUMNS: Final = (
    ("t", "timestamp", "time", "ts"),
    ("latency_ms", "duration_ms"),
    ("error", "is_error", "failed"),
)
_TOLD_ROWS: Final = 5
_LEAST_MS: Final = 1e-6
"""Of a latency, whose logarithm is judged."""


@app.callback()
def _group() -> None:
    """Canaries: a new version judged against the one that runs."""


@app.command()
def judge(
    baseline: Annotated[
        Path, typer.Option("--baseline", help="Requests of the version that runs: a CSV file.")
    ],
    canary: Annotated[Path, typer.Option("--canary", help="Requests of the new version, of the same time.")],
) -> None:
    """Tell whether a canary is slower or errs more than its baseline; columns t,latency_ms,error."""
    try:
        groups, start = _read(baseline, canary)
        verdict = judged(groups[0].ticks, groups[1].ticks)
    except PharosError as error:
        raise as_found(error) from error
    document = _document(verdict, start)
    if not groups[0].ticks.keys() & groups[1].ticks.keys():
        # More requests of the canary would not help.
        document |= {"needs_requests": None, "needs_s": None, "needs": "requests of both at the same time"}
        spans = " and ".join(group.span(start) for group in groups)
        ERR.print(f"never in the same {TICK_S} s, so nothing is compared: {spans}", markup=False)
    else:
        _tell_apart(*groups)
    document["rows_ignored"] = sum(group.ignored for group in groups)
    print_json(document)


class _Group:
    """The ticks of one file, and how many of its rows say nothing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.ticks: dict[int, Tick] = {}
        self.ignored = 0

    def add(self, row: Row, start: float | None) -> float | None:
        """Count a row, or tell what is wrong with it; return the beginning, which the first good row sets."""
        try:
            if row.fault:
                raise ValueError(row.fault)  # noqa: TRY301 - one place tells of all rows
            t, latency_ms = _time_of(row.cells[0]), float(row.cells[1] or "nan")
            is_error = truth_of(row.cells[2])
            if not is_error and not 0.0 <= latency_ms < math.inf:
                raise ValueError(f"a latency of {row.cells[1] or 'nothing'}")  # noqa: TRY301
        except ValueError as fault:
            self.ignored += 1
            if self.ignored <= _TOLD_ROWS:
                ERR.print(f"{self.path}:{row.line}: ignored: {fault}", markup=False)
            return start
        start = t if start is None else start
        tick = self.ticks.setdefault(math.floor((t - start) / TICK_S), Tick())
        tick.add(max(latency_ms, _LEAST_MS), is_error=is_error)
        return start

    def span(self, start: float) -> str:
        """Return which times of the file its requests are of; `start` is that of the first tick."""
        first, last = (start + number * TICK_S for number in (min(self.ticks), max(self.ticks) + 1))
        return f"{self.path} from {first:.0f} to {last:.0f} s"


def _tell_apart(baseline: _Group, canary: _Group) -> None:
    """Tell where most of what a canary did is compared with nothing."""
    of_all = sum(tick.requests for tick in canary.ticks.values())
    compared = sum(canary.ticks[number].requests for number in canary.ticks.keys() & baseline.ticks.keys())
    if compared * 2 < of_all:
        ERR.print(
            f"{canary.path}: only {compared} of {of_all} requests were in the same {TICK_S} s as one of "
            f"{baseline.path}: is one in seconds and the other in milliseconds?",
            markup=False,
        )


def _time_of(text: str) -> float:
    try:
        return seconds_of(text)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no time: {text[:40]!r}") from error


def _read(baseline: Path, canary: Path) -> tuple[tuple[_Group, _Group], float]:
    groups = (_Group(baseline), _Group(canary))
    with ExitStack() as stack:
        sources = []
        for path in (baseline, canary):
            file = stack.enter_context(open_rows(path))
            sources.append(read_rows(file, str(path), _COLUMNS))
        start = None
        for group, rows in zip(groups, sources, strict=True):
            for row in rows:
                start = group.add(row, start)
            if not group.ticks:
                raise PharosError(Kind.INVALID, f"{group.path}: no request that can be counted")
    assert start is not None  # noqa: S101 - each group has a tick
    # Ticks are numbered from the first of both.
    first = min(min(group.ticks) for group in groups)
    for group in groups:
        group.ticks = {number - first: tick for number, tick in group.ticks.items()}
    return groups, start + first * TICK_S


def _document(verdict: Verdict, start: float) -> dict[str, Any]:
    found = to_builtins(verdict)
    document: dict[str, Any] = {"verdict": str(found.pop("outcome"))}
    after = found.pop("after_s")
    document["reached_at"] = None if after is None else start + after
    document["after_s"] = after
    for part in ("latency", "errors"):
        found[part] = {"verdict": str(found[part].pop("outcome")), **found[part]}
        document[part] = found.pop(part)
    document.update(found)
    if verdict.needs_requests is not None and verdict.needs_s is not None:
        requests = "request" if verdict.needs_requests == 1 else "requests"
        document["needs"] = f"{verdict.needs_requests} more {requests}, about {verdict.needs_s:.0f} s"
    return document
