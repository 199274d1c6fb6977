"""What anomalies are looked for in: a selector or any other PromQL, each series of its answer by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

from pharos.document import Fields, Value, plain_document
from pharos.errors import Kind, PharosError
from pharos.promql.language.ast import Call, MatrixSelector, Paren, ValueType, VectorSelector
from pharos.promql.language.check import type_of
from pharos.promql.language.parse import parse
from pharos.promql.language.printer import to_text

_COUNTERS: Final = ("_total", "_count", "_sum", "_bucket")
_RATE_MS: Final = 300_000
_MOST: Final = 4_000
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.: -]*")


class Source(StrEnum):
    """Who wants it watched."""

    KEPT = "kept"
    """Somebody, over the API."""
    FILE = "file"
    """The settings."""
    AUTOMATIC = "automatic"
    """Nobody had to say so: objectives and golden signals."""


class Watch(Struct, frozen=True):
    """Series that are watched."""

    name: str
    series: str
    """As it was written."""
    source: Source = Source.KEPT
    counts_gaps: bool = False
    """Whether samples that stop coming are an anomaly; series that come and go are none."""
    alerts: bool = True
    """Whether an alert is made of what is found."""
    needs: str = ""
    """The metric without which it is not asked; empty for one that always is."""

    @property
    def query(self) -> str:
        """What is asked: of the selector of a counter, its rate."""
        found = _selector(self.series)
        if found is None or not (found.name or "").endswith(_COUNTERS):
            return self.series
        return to_text(Call("rate", (MatrixSelector(found, _RATE_MS),)))


class Watching(Struct, frozen=True):
    """A watch, and how many series it follows."""

    watch: Watch
    series: int


def _selector(text: str) -> VectorSelector | None:
    found = parse(text)
    while isinstance(found, Paren):
        found = found.expr
    return found if isinstance(found, VectorSelector) else None


def require_series(text: str) -> str:
    """Return the PromQL of series. Raises PharosError(INVALID) for what is none."""
    text = text.strip()
    if not text or len(text) > _MOST:
        raise PharosError(
            Kind.INVALID, f"series must be set, of at most {_MOST} characters, such as queue_depth"
        )
    found = parse(text)
    if type_of(found) is not ValueType.VECTOR:
        raise PharosError(
            Kind.INVALID,
            f"{text[:80]!r} has no values at one time",
            hint="a selector, or PromQL without a range at its end",
        )
    return text


def line_watch(text: str) -> Watch:
    """Return the watch that one line of the settings is. Raises PharosError(INVALID)."""
    text = require_series(text)
    return Watch(text[:100], text, Source.FILE)


def read_watch(document: Mapping[str, Any], name: str) -> Watch:
    """Return a watch that is read from JSON. Raises FaultsError with everything that is wrong."""
    root = plain_document(dict(document), f"watch {name!r}")
    fields = Fields(root, "a watch")
    if not _NAME.fullmatch(name) or len(name) > 100:
        root.source.faults.append(
            root.fault(f"{name[:60]!r} is no name of a watch: letters, digits, spaces, dots and dashes")
        )
    series = fields.read("series", _series, "")
    if not series and not root.source.faults:
        root.source.faults.append(root.fault("series must be set, such as queue_depth"))
    gaps = fields.read("gaps", Value.boolean, default=False)
    alerts = fields.read("alerts", Value.boolean, default=True)
    fields.done()
    root.source.raise_faults()
    return Watch(name, series, Source.KEPT, gaps, alerts)


def _series(value: Value) -> str:
    try:
        return require_series(value.text())
    except PharosError as exc:
        raise value.fault(f"{value.path}: {exc}") from exc
