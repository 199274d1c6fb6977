"""What was measured of logs and spans as sections of the report."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.events.doors import Fresh, Taken, freshness, take
from bench.events.records import DOORS
from bench.events.searches import Searched, lines, spans
from bench.report import Row, Section


def doors(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure each door of lines and spans, and how soon lines are found."""
    section = Section("doors", "Log lines and spans, as fast as the server takes them")
    for door in DOORS:
        say(door.name)
        found = take(door, 5.0 if quick else 30.0)
        section.rows += _door_rows(door.name, found)
        sent = found.outcome
        section.notes.append(
            f"{door.name}: {sent.acknowledged:,} acknowledged, {found.stored:,} stored with the first ones;"
            f" the senders used {sent.cpu_s / max(sent.elapsed_s, 1e-9):.2f} cores."
        )
        section.notes += sent.failures[:3]
    say("lines searched for as they come")
    fresh = freshness(5_000, 5.0 if quick else 30.0)
    section.rows += _fresh_rows(fresh)
    section.notes.append(
        "Each answer was given after its records were synced to disk. CPU is that of all of the server's"
        " threads for a million records: while they are sent, and with the merges that follow."
    )
    return section


def searches(*, quick: bool, say: Callable[[str], None]) -> Section:
    """Measure searches over lines and spans of a day."""
    count = 200_000 if quick else 5_000_000
    section = Section("searches", f"Searches over {count:,} lines and {count:,} spans of a day")
    for what, measured in (("lines", lines), ("spans", spans)):
        with tempfile.TemporaryDirectory(prefix=f"bench-{what}-") as folder:
            found = measured(Path(folder), count, say)
        section.rows += _search_rows(found)
    section.notes.append(
        "A fifth of them is of the last hour. The first time is right after a restart, with the files still"
        " in the system's memory; p50 is of nine that follow. No answer is kept by the server between them."
    )
    return section


def _door_rows(name: str, found: Taken) -> list[Row]:
    sent = found.outcome
    millions = max(sent.acknowledged, 1) / 1e6
    waited = sorted(sent.waited_s) or [float("nan")]
    values = (
        ("taken", "records/s", sent.acknowledged / max(sent.elapsed_s, 1e-9)),
        ("CPU of a million", "s", found.cpu_s / millions),
        ("CPU of a million, merges included", "s", found.merged_cpu_s / millions),
        ("acknowledged within, p50", "ms", waited[len(waited) // 2] * 1e3),
        ("acknowledged within, p99", "ms", waited[int(len(waited) * 0.99)] * 1e3),
        ("private memory at most", "MB", found.peak_private_bytes / 1e6),
        ("on disk, each", "bytes", found.bytes_at_rest / max(found.stored, 1)),
    )
    return [Row(f"{name}: {title}", unit, {"Pharos": value}, compared=False) for title, unit, value in values]


def _fresh_rows(fresh: Fresh) -> list[Row]:
    title = "acknowledged to found, 5,000 lines/s coming in"
    rows = [
        Row(f"{title}, p{part}", "ms", {"Pharos": fresh.found.percentile(part) * 1e3}, compared=False)
        for part in (50, 99)
    ]
    return [*rows, Row(f"{title}: never found", "", {"Pharos": float(fresh.missing)}, compared=False)]


def _search_rows(found: Searched) -> list[Row]:
    rows = []
    for one in found.took:
        for part, value in (("first", one.first_s), ("p50", one.again.percentile(50))):
            rows.append(Row(f"{one.name}: {part}", "ms", {"Pharos": value * 1e3}, compared=False))
    return rows
