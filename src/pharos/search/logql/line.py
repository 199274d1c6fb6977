"""A line on its way through the stages of a query, with the labels that it has by then."""

from __future__ import annotations

from typing import Final

from pharos.search.logql.source import Entry

ERROR: Final = "__error__"
ERROR_DETAILS: Final = "__error_details__"
SPECIAL: Final = frozenset({ERROR, ERROR_DETAILS, "__preserve_error__"})
EXTRACTED: Final = "_extracted"


class Line:
    """Labels come from the stream, from structured metadata, and from parsers; the later hide the earlier."""

    __slots__ = ("_owns_stream", "details", "entry", "error", "metadata", "parsed", "stream", "text", "ts_ns")

    def __init__(self, entry: Entry) -> None:
        self.entry = entry
        self.ts_ns = entry.ts_ns
        self.text = entry.line
        self.stream = entry.stream.labels
        self._owns_stream = False
        self.metadata: dict[str, str] = {}
        self.parsed: dict[str, str] = {}
        self.error = ""
        self.details = ""
        for name, value in entry.metadata.items():
            self.metadata[name + EXTRACTED if name in self.stream else name] = value

    def get(self, name: str) -> str | None:
        """Return a label's value; None if the line has none of that name."""
        value = self.parsed.get(name)
        if value is None:
            value = self.metadata.get(name)
            if value is None:
                value = self.stream.get(name)
                if value is None and name in SPECIAL:
                    value = self.error if name == ERROR else self.details if name == ERROR_DETAILS else None
        return value

    def parse(self, name: str, value: str) -> None:
        """Set a label that a parser found, unless it or an earlier one found it before."""
        self.parsed.setdefault(self._parsed_name(name), value)

    def extract(self, name: str, value: str) -> None:
        """Set a label that a parser was told to look for, whatever was found before."""
        self.parsed[self._parsed_name(name)] = value

    def _parsed_name(self, name: str) -> str:
        """Return a name with a suffix if the stream or the structured metadata has one like it."""
        entry = self.entry
        return name + EXTRACTED if name in entry.stream.labels or name in entry.metadata else name

    def set(self, name: str, value: str) -> None:
        """Set a label, whatever there was."""
        self.delete(name)
        self.parsed[name] = value

    def rename(self, name: str, old: str) -> None:
        """Give a label another name; it stays where it is from."""
        value = self.get(old)
        if value is None or name == old:
            return
        kind = "parsed" if old in self.parsed else "metadata" if old in self.metadata else "stream"
        self.delete(old)
        self.delete(name)
        if kind == "parsed":
            self.parsed[name] = value
        elif kind == "metadata":
            self.metadata[name] = value
        else:
            self._own_stream()[name] = value

    def delete(self, name: str) -> None:
        """Take a label away."""
        self.parsed.pop(name, None)
        self.metadata.pop(name, None)
        if name in self.stream:
            del self._own_stream()[name]

    def _own_stream(self) -> dict[str, str]:
        if not self._owns_stream:
            self.stream = dict(self.stream)
            self._owns_stream = True
        return self.stream  # type: ignore[return-value]  # it was made just now

    def fail(self, error: str, details: str = "") -> None:
        """Say what went wrong; the line goes on."""
        self.error = error
        self.details = details

    def labels(self) -> dict[str, str]:
        """Return all labels, errors included."""
        found = {**self.stream, **self.metadata, **self.parsed}
        if self.error:
            found[ERROR] = self.error
        if self.details:
            found[ERROR_DETAILS] = self.details
        return found
