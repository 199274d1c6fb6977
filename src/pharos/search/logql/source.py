"""Where lines come from: the little that LogQL asks of a store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from msgspec import Struct, field

from pharos.search.tree import Place, Tree
from pharos.search.window import Window


class Stream(Struct, frozen=True):
    """Lines with the same stream labels that came from one place."""

    id: int
    """The store's name of that place; several may have equal labels."""
    labels: Mapping[str, str]


class Entry(Struct, frozen=True):
    """A line, its time, its stream, and its structured metadata: labels of its own."""

    ts_ns: int
    line: str
    stream: Stream
    metadata: Mapping[str, str] = field(default_factory=dict)


class Count(Struct, frozen=True):
    """How many lines, and bytes, a stream has in a bucket with these values of structured metadata."""

    stream: Stream
    values: tuple[str, ...]
    """Of the labels that were asked for, empty where a line has none."""
    bucket: int
    """The number of the bucket, from 0 at the window's start."""
    lines: int
    bytes: int = 0
    """Where they were asked for."""


class Where(Struct, frozen=True):
    """A field of the store."""

    name: str
    place: Place
    words: frozenset[str] | None = None
    """All values that there can be; None for any. Others are the same as none there."""


class Source(Protocol):
    """A store of lines."""

    def streams(self, window: Window, *, exact: bool = False) -> Sequence[Stream]:
        """Return the streams that have lines in a window; unless `exact` some may have none in it."""

    def entries(
        self,
        window: Window,
        tree: Tree,
        *,
        newest_first: bool,
        page: int,
        labels: frozenset[str] | None = None,
    ) -> Iterator[Sequence[Entry]]:
        """Yield the lines that meet a tree, in order of time, in pages of about that many, or larger ones.

        Structured metadata may be left out but for that of these `labels`.
        """

    def counts(
        self,
        window: Window,
        tree: Tree,
        bucket_ns: int,
        metadata: tuple[str, ...],
        *,
        with_bytes: bool = False,
    ) -> Iterator[Count]:
        """Yield the counts of the lines that meet a tree, in buckets from the window's start."""

    def metadata_fields(self, name: str) -> Sequence[Where] | None:
        """Return where a line's structured metadata of this name is kept; None if that cannot be said."""
