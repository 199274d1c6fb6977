"""Lines in memory as a source of LogQL, with the tree of conditions carried out as it is defined."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pharos.search.logql.regexes import compile_pattern
from pharos.search.logql.source import Count, Entry, Stream, Where
from pharos.search.tree import (
    All,
    And,
    Contains,
    Field,
    Has,
    Matches,
    Not,
    Op,
    Or,
    Origins,
    Place,
    Tree,
    Words,
)
from pharos.search.window import Window


def meets(tree: Tree, entry: Entry) -> bool:
    """Return whether a line meets a tree."""
    match tree:
        case All():
            return True
        case And(parts):
            return all(meets(part, entry) for part in parts)
        case Or(parts):
            return any(meets(part, entry) for part in parts)
        case Not(part):
            return not meets(part, entry)
        case Origins(ids):
            return entry.stream.id in ids
        case Contains(text, ignores_case):
            return text.lower() in entry.line.lower() if ignores_case else text in entry.line
        case Matches(pattern):
            return compile_pattern(pattern).search(entry.line) is not None
        case Has(name):
            return bool(entry.metadata.get(name))
        case Field(name, op, value):
            found = entry.metadata.get(name)
            if found is None:
                return False
            return found == value if op is Op.EQUAL else compile_pattern(value).fullmatch(found) is not None
        case Words():
            raise AssertionError("LogQL has no words")


@dataclass
class MemorySource:
    """Lines in memory; `asked` has the trees that were asked for, `counted` how often it counted."""

    lines: list[Entry]
    asked: list[Tree] = field(default_factory=list)
    counted: int = 0

    def streams(self, window: Window, *, exact: bool = False) -> Sequence[Stream]:
        return list({entry.stream.id: entry.stream for entry in self.lines}.values())

    def _met(self, window: Window, tree: Tree) -> list[Entry]:
        self.asked.append(tree)
        found = [
            entry
            for entry in self.lines
            if window.start_ns <= entry.ts_ns < window.end_ns and meets(tree, entry)
        ]
        return sorted(found, key=lambda entry: entry.ts_ns)

    def entries(
        self,
        window: Window,
        tree: Tree,
        *,
        newest_first: bool,
        page: int,
        labels: frozenset[str] | None = None,
    ) -> Iterator[Sequence[Entry]]:
        found = self._met(window, tree)
        if newest_first:
            found.reverse()
        for at in range(0, len(found), page):
            yield found[at : at + page]

    def counts(
        self,
        window: Window,
        tree: Tree,
        bucket_ns: int,
        metadata: tuple[str, ...],
        *,
        with_bytes: bool = False,
    ) -> Iterator[Count]:
        self.counted += 1
        lines: Counter[Any] = Counter()
        sizes: Counter[Any] = Counter()
        streams = {entry.stream.id: entry.stream for entry in self.lines}
        for entry in self._met(window, tree):
            values = tuple(entry.metadata.get(name, "") for name in metadata)
            key = entry.stream.id, values, (entry.ts_ns - window.start_ns) // bucket_ns
            lines[key] += 1
            sizes[key] += len(entry.line.encode())
        for key, count in lines.items():
            yield Count(streams[key[0]], key[1], key[2], count, sizes[key] if with_bytes else 0)

    def metadata_fields(self, name: str) -> Sequence[Where] | None:
        known = {key for entry in self.lines for key in entry.metadata}
        return [Where(name, Place.RECORD)] if name in known else []


def source_of(rows: Iterable[Mapping[str, Any]]) -> MemorySource:
    """Return a source of lines given as mappings: ts, line, labels, meta."""
    streams: dict[str, Stream] = {}
    entries = []
    for row in rows:
        key = json.dumps(row["labels"], sort_keys=True)
        stream = streams.setdefault(key, Stream(len(streams) + 1, dict(row["labels"])))
        entries.append(Entry(row["ts"], row["line"], stream, dict(row.get("meta") or {})))
    return MemorySource(entries)
