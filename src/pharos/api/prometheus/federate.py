"""`/federate`: the newest sample of every series that is asked for, as a page that can be scraped."""

from __future__ import annotations

import re
from typing import Final

import numpy as np
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.api.http.errors import plain_error
from pharos.api.http.identity import scope_of
from pharos.api.http.packing import body_response, pack, wants_gzip
from pharos.api.prometheus.parameters import query_parameters, read_selectors
from pharos.clock import Clock
from pharos.errors import PharosError
from pharos.gotext.numbers import format_g
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME, METRIC_NAME, Labels
from pharos.promql.grids.grid_labels import take_labels
from pharos.promql.source import STALE_NAN_BITS, SeriesBlock
from pharos.query.limits import Wanted
from pharos.query.metrics.evaluation import Metrics

_PARAMETER: Final = re.compile(r'\s*([a-zA-Z0-9_-]+)\s*=\s*"?([^";]*?)"?\s*\Z')
_SCHEMES: Final = frozenset({"allow-utf-8", "underscores", "dots", "values"})
_TEXT_VERSIONS: Final = frozenset({"", "0.0.4", "1.0.0"})
_INSTANCE: Final = "instance"


class FederateEndpoint(Struct, frozen=True):
    """Answers in the text format 0.0.4; native histograms cannot be said in it and are left out."""

    metrics: Metrics
    clock: Clock

    async def federate(self, request: Request) -> Response:
        """Return the newest sample, no older than the lookback, of every series that a `match[]` selects."""
        try:
            parameters = query_parameters(request)
            selectors = await read_selectors(parameters)
            now = self.clock.now_ms()
            # The end that is the same as upstream's: now and the lookback before it, both included.
            since = now - self.metrics.options.lookback_ms
            escaping = negotiate_escaping(request.headers.get("accept", ""))
            packed = wants_gzip(request)
            body = await self.metrics.read(
                scope_of(request),
                [Wanted(one, since, now) for one in selectors],
                lambda blocks: pack([page(blocks, escaping)], packed=packed),
            )
        except PharosError as exc:
            return plain_error(exc)
        return body_response(body, f"text/plain; version=0.0.4; charset=utf-8; escaping={escaping}")


def negotiate_escaping(accept: str) -> str:
    """Return how names beyond the classic alphabet are written (upstream expfmt.Negotiate): `underscores`
    unless the client says otherwise before it names the text format.
    """
    clauses: list[tuple[float, str, dict[str, str]]] = []
    for clause in accept.split(","):
        media, *rest = clause.split(";")
        found = [found.groups() for one in rest if (found := _PARAMETER.match(one))]
        parameters = {name.lower(): value for name, value in found}
        weight = parameters.pop("q", "1")
        quality = float(weight) if re.fullmatch(r"[0-9]{1,3}(\.[0-9]{0,6})?", weight) else 0.0
        clauses.append((-quality, media.strip().lower(), parameters))
    scheme = "underscores"
    for _, media, parameters in sorted(clauses, key=lambda one: one[0]):
        if parameters.get("escaping") in _SCHEMES:
            scheme = parameters["escaping"]
        if media == "text/plain" and parameters.get("version", "") in _TEXT_VERSIONS:
            break
    return scheme


def page(blocks: list[SeriesBlock], escaping: str) -> bytes:
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
            lines.append(f"# TYPE {_metric_text(name, escaping)} untyped\n")
        ts_ms, value = newest[labels]
        lines.append(f"{_series_text(name, labels, escaping)} {format_g(value)} {ts_ms}\n")
    return "".join(lines).encode()


def _metric_text(name: str, escaping: str) -> str:
    return name if LEGACY_METRIC_NAME.fullmatch(name) else escape_name(name, escaping, ":")


def _series_text(name: str, labels: Labels, escaping: str) -> str:
    pairs = [(label, value) for label, value in labels if label != METRIC_NAME]
    # A target that says nothing of its instance must not get the federated server's own.
    if not any(label == _INSTANCE for label, _ in pairs):
        pairs.append((_INSTANCE, ""))
    texts = [f'{_label_text(label, escaping)}="{_escaped(value)}"' for label, value in pairs]
    shown = _metric_text(name, escaping)
    if shown.startswith('"'):
        return f"{{{','.join([shown, *texts])}}}"
    return f"{shown}{{{','.join(texts)}}}"


def _label_text(name: str, escaping: str) -> str:
    return name if LEGACY_LABEL_NAME.fullmatch(name) else escape_name(name, escaping, "")


def escape_name(name: str, escaping: str, also: str) -> str:
    """Return a name that is not classic as a scheme writes it (upstream model.EscapeName).

    `also` are characters that are classic beside letters, digits and `_`; `allow-utf-8` puts it in quotes.
    """
    if escaping == "allow-utf-8":
        return f'"{_escaped(name)}"'
    out: list[str] = ["U__"] if escaping == "values" else []
    for index, char in enumerate(name):
        if char == "_":
            out.append("_" if escaping == "underscores" else "__")
        elif char in also or (char.isascii() and (char.isalpha() or (char.isdigit() and index > 0))):
            out.append(char)
        elif escaping == "values":
            out.append(f"_{ord(char):x}_")
        elif escaping == "dots":
            out.append("_dot_" if char == "." else "__")
        else:
            out.append("_")
    return "".join(out)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
