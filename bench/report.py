"""Figures as a table on the terminal and as a page of the documentation, from one description."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

SERVERS = ("Pharos", "Prometheus", "VictoriaMetrics")
SECTIONS = (
    "ingest",
    "query",
    "wide",
    "histograms",
    "freshness",
    "disk",
    "tokens",
    "soak",
    "tenants",
    "isolation",
    "rules",
    "health",
    "runs",
    "paging",
    "live",
    "dashboards",
    "doors",
    "searches",
    "judgement",
    "rollouts",
)
"""In the order of the page."""


@dataclass(slots=True)
class Row:
    """One figure of every server that was asked; the value of one that failed is NaN."""

    name: str
    unit: str
    values: dict[str, float]
    higher_is_better: bool = False
    compared: bool = True
    """Whether a ratio makes sense."""


@dataclass(slots=True)
class Section:
    """What one benchmark found."""

    name: str
    title: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    date: str = ""
    quick: bool = False
    versions: dict[str, str] = field(default_factory=dict)
    machine: dict[str, str] = field(default_factory=dict)


def ratio(row: Row, peer: str) -> float:
    """Return how many times better Pharos is than `peer`, whichever way the figure counts."""
    own, other = row.values.get("Pharos", math.nan), row.values.get(peer, math.nan)
    if not row.compared or not own or not other:
        return math.nan
    return own / other if row.higher_is_better else other / own


def show_value(row: Row, server: str, versions: dict[str, str]) -> str:
    """Return the figure as people read it."""
    if server not in versions:
        return "not installed"
    if server not in row.values:
        return "not measured"
    value = row.values[server]
    if math.isnan(value):
        return "failed"
    if row.unit in {"samples/s", "records/s", ""}:
        return f"{value:,.0f}"
    if row.unit == "%":
        return f"{value:.1f} %"
    digits = 0 if value >= 100 else 1 if value >= 10 else 2
    return f"{value:,.{digits}f} {row.unit}"


def show_ratio(row: Row, peer: str) -> str:
    """Return the ratio with a sign that says which way it points, nothing where there is none."""
    times = ratio(row, peer)
    return "" if math.isnan(times) else f"{times:.2f}x"


def servers_of(section: Section) -> tuple[str, ...]:
    """Return the servers that a section is about: all where any figure is compared, else who has one."""
    if any(row.compared for row in section.rows):
        return SERVERS
    return tuple(server for server in SERVERS if any(server in row.values for row in section.rows))


def print_section(section: Section, console: Console) -> None:
    """Print one section as a table; ratios above 1 mean that Pharos is better."""
    table = Table(title=section.title + (" (quick)" if section.quick else ""), title_justify="left")
    table.add_column("")
    servers = servers_of(section)
    for server in servers:
        table.add_column(server, justify="right")
    for peer in servers[1:]:
        table.add_column(f"better than\n{peer}", justify="right")
    for row in section.rows:
        shown = [show_value(row, server, section.versions) for server in servers]
        ratios = []
        for peer in servers[1:]:
            text, times = show_ratio(row, peer), ratio(row, peer)
            ratios.append(f"[{'green' if times >= 1 else 'red'}]{text}[/]" if text else "")
        table.add_row(escape(row.name), *shown, *ratios)
    console.print(table)
    for note in section.notes:
        console.print(f"  {note}", markup=False)


def keep(section: Section, folder: Path) -> list[Section]:
    """Store `section` beside the latest of the other benchmarks and return them all in a fixed order."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{section.name}.json").write_text(json.dumps(asdict(section), indent=1))
    sections = []
    for name in SECTIONS:
        path = folder / f"{name}.json"
        if path.exists():
            sections.append(read(json.loads(path.read_text())))
    return sections


def read(stored: dict[str, Any]) -> Section:
    """Return the section that `keep` stored."""
    rows = [Row(**row) for row in stored.pop("rows")]
    return Section(rows=rows, **stored)


_INTRODUCTION = """\
# Benchmarks

`make bench` runs Pharos beside Prometheus and VictoriaMetrics, when those are installed, on the same input in
one run, and writes this page. Figures of different machines cannot be compared; the ratios say more.

## How to read them

- **A ratio above 1 means that Pharos is better**, whether the figure is a rate (more is better) or a time, a
  size or a cost (less is better).
- Each server has a fresh folder on the local disk and its default settings, except for what the comparison
  needs: Prometheus with its receiver of remote write and native histograms; VictoriaMetrics without its
  latency offset, with 16 concurrent requests and up to ten million series a query. One is measured at a
  time; in the query section the others are up and idle.
- Acknowledged means different things: Pharos answers after its log is synced to disk (fsync); Prometheus has
  written its log and VictoriaMetrics its memory, both without a sync. After every run all acknowledged
  samples are counted through the query API; a figure stands only if none is missing and none is doubled.
- The sender runs on the same machine, so it competes for the cores; what it used is stated. Its requests are
  compressed once and patched, so that it hardly costs anything.
- Synthetic time runs much faster than real time in the ingest and disk runs: a scrape interval of 15 s is
  written in milliseconds, so all servers cut, merge and compact blocks far more often than they would.
- Query ranges move a step with each run, and runs are interleaved between servers: p50 and p95 are over those
  runs, after one that is not counted. The time is that to the last byte of the answer, seen by a client on
  the same machine: the server's time and some tenths of a millisecond.
- Pharos and VictoriaMetrics can continue an earlier answer of a range query and compute only its new steps;
  both leave that with `nocache=1`, which every query gets unless its row says "refreshed". Prometheus has no
  such thing. What servers hold in memory of samples, decoded or as pages of their files, stays in use.
- "Asking too much" are range queries whose answers, or steps on the way to them, have far more than 50
  million points, the default limit of Pharos and Prometheus; they come one after the other, without a pause.
- The wide section restarts each server before it asks. "First" is the first time that this question is asked
  of it, "again" the second; CPU is that of all of its threads.
- On disk: samples and index without the log. "At rest" is after merges ended by themselves, the other row
  after a final merge was forced. Prometheus is weighed by a snapshot: its blocks, and its head as a block.
  VictoriaMetrics rounds values that need all 53 bits, which saves space; the query section says how many
  of such values each server gave back exactly.
"""


def to_markdown(sections: Sequence[Section]) -> str:
    """Return the documentation page of all `sections`."""
    parts = [_INTRODUCTION]
    for section in sections:
        versions = ", ".join(f"{name} {version}" for name, version in section.versions.items())
        has = {"processor": "?", "cores": "?", "memory": "?", "kernel": "?", "python": "?", **section.machine}
        place = "{processor}, {cores} cores, {memory}, {kernel}, Python {python}".format(**has)
        short = " Quick run: short and small, for orientation only." if section.quick else ""
        parts.append(f"\n## {section.title}\n\n{section.date}. {place}. {versions}.{short}\n")
        servers = servers_of(section)
        against = [f"against {peer}" for peer in servers[1:]]
        parts.append("| | " + " | ".join([*servers, *against]) + " |")
        parts.append("|---|" + "---:|" * (len(servers) + len(against)))
        for row in section.rows:
            cells = [show_value(row, server, section.versions) for server in servers]
            cells += [show_ratio(row, peer) for peer in servers[1:]]
            parts.append(f"| {row.name} | " + " | ".join(cells) + " |")
        if section.notes:
            parts.append("\n" + "\n".join(f"- {note}" for note in section.notes))
    return "\n".join(parts) + "\n"
