"""Queries to try: the rows of cases/language.txt, and the conformance suite if it is there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from tests.peers import CONFORMANCE

HERE = Path(__file__).parent
_EVAL = re.compile(
    r"eval(?:_\w+)?\s+(?:instant(?:\s+at\s+\S+)?|range\s+from\s+\S+\s+to\s+\S+\s+step\s+\S+)\s+(?P<query>.+)"
)


@dataclass(frozen=True)
class Row:
    """A query, and what it prints as or why it is refused."""

    query: str
    printed: str | None
    error: str | None


def rows() -> list[Row]:
    """Return the rows of cases/language.txt."""
    found = []
    lines = [
        line
        for line in (HERE / "cases" / "language.txt").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("# ") and not line.startswith("#   ")
    ]
    for query, verdict in zip(lines[::2], lines[1::2], strict=True):
        mark, text = verdict[:4], verdict[4:]
        assert mark in ("  = ", "  ! "), f"{query!r} is followed by {verdict!r}"
        query = query.replace("⏎", "\n")
        found.append(Row(query, text if mark == "  = " else None, text if mark == "  ! " else None))
    return found


def accepted() -> list[str]:
    """Return the legal queries: of our own rows, and of the conformance suite if it is there."""
    queries = [row.query for row in rows() if row.printed is not None]
    for path in sorted(CONFORMANCE.glob("promql/*.test")):
        for line in path.read_text(encoding="utf-8").splitlines():
            found = _EVAL.fullmatch(line.strip())
            if found:
                queries.append(found["query"])
    return queries
