"""`/federate`: the newest sample of every series that is asked for, as a page that can be scraped."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.packing import body_response, pack, wants_gzip
from pharos.api.prometheus.parameters import query_parameters
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.numbers import format_g
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME, METRIC_NAME, Labels
from pharos.promql.grids.grid_labels import take_labels
from pharos.promql.language.parse import parse_selector
from pharos.promql.source import STALE_NAN_BITS, SeriesBlock
from pharos.query.limits import Wanted
from pharos.query.metrics.evaluation import Metrics

_UTF8_WANTED: Final = re.compile(r";\s*escaping\s*=\s*allow-utf-8", re.IGNORECASE)
_INSTANCE: Final = "instance"


@dataclass(frozen=True, slots=True)
class FederateEndpoint:
    """Answers in the text format 0.0.4; native histograms cannot be said in it and are left out."""

    metrics: Metrics
    clock: Clock

    async def federate(self, request: Request) -> Response:
        """Return the newest sample, no older than the lookback, of every series that a `match[]` selects."""
        try:
            parameters = query_parameters(request)
            selectors = [parse_selector(text) for text in parameters.all("match[]")]
            now = self.clock.now_ms()
            # The end that is the same as upstream's: now and the lookback before it, both included.
            since = now - self.metrics.options.lookback_ms
            utf8 = _UTF8_WANTED.search(request.headers.get("accept", "")) is not None
            packed = wants_gzip(request)
            body = await self.metrics.read(
                scope_of(request),
                [Wanted(one, since, now) for one in selectors],
                lambda blocks: pack([page(blocks, utf8=utf8)], packed=packed),
            )
        except PharosError as exc:
            return plain_error(exc)
        escaping = "allow-utf-8" if utf8 else "underscores"
        return body_response(body, f"text/plain; version=0.0.4; charset=utf-8; escaping={escaping}")


def page(blocks: list[SeriesBlock], *, utf8: bool) -> bytes:
    """Return the exposition of the newest sample of every series of the blocks, ordered by name."""
    newest: dict[Labels, tuple[int, float]] = {}
    for block in blocks:
        ends = block.offsets[1:]
        rows = np.flatnonzero(ends > block.offsets[:-1])
        last = ends[rows] - 1
        stale = block.values[last].view(np.uint64) == STALE_NAN_BITS
        if block.histograms is not None:
            histograms = block.histograms
            some = histograms.offsets[rows + 1] > histograms.offsets[rows]
            at = np.maximum(histograms.offsets[rows + 1] - 1, 0)
            stale |= some & (histograms.ts_ms[at] >= block.ts_ms[last])
        good = ~stale
        chosen = zip(
            take_labels(block.labels, rows[good]),
            block.ts_ms[last[good]].tolist(),
            block.values[last[good]].tolist(),
            strict=True,
        )
        for labels, ts_ms, value in chosen:
            newest[labels] = (ts_ms, value)
    lines: list[str] = []
    family = None
    named = ((dict(labels).get(METRIC_NAME, ""), labels) for labels in newest)
    for name, labels in sorted(pair for pair in named if pair[0]):
        if name != family:
            family = name
            lines.append(f"# TYPE {_type_name(name, utf8=utf8)} untyped\n")
        ts_ms, value = newest[labels]
        lines.append(f"{_series_text(name, labels, utf8=utf8)} {format_g(value)} {ts_ms}\n")
    return "".join(lines).encode()


def _type_name(name: str, *, utf8: bool) -> str:
    if LEGACY_METRIC_NAME.fullmatch(name):
        return name
    return f'"{_escaped(name)}"' if utf8 else _underscored(name, ":")


def _series_text(name: str, labels: Labels, *, utf8: bool) -> str:
    pairs = [(label, value) for label, value in labels if label != METRIC_NAME]
    # A target that says nothing of its instance must not get the federated server's own.
    if not any(label == _INSTANCE for label, _ in pairs):
        pairs.append((_INSTANCE, ""))
    texts = [f'{_label_text(label, utf8=utf8)}="{_escaped(value)}"' for label, value in pairs]
    if utf8 and not LEGACY_METRIC_NAME.fullmatch(name):
        texts.insert(0, f'"{_escaped(name)}"')
        return f"{{{','.join(texts)}}}"
    return f"{_type_name(name, utf8=utf8)}{{{','.join(texts)}}}"


def _label_text(name: str, *, utf8: bool) -> str:
    if LEGACY_LABEL_NAME.fullmatch(name):
        return name
    return f'"{_escaped(name)}"' if utf8 else _underscored(name, "")


def _underscored(name: str, also: str) -> str:
    kept = "".join(
        char if char == "_" or char in also or (char.isascii() and char.isalnum()) else "_" for char in name
    )
    return f"_{kept[1:]}" if kept[0].isdigit() else kept


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
