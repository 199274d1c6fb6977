"""A plain printer of the Prometheus API's JSON, on repr and Decimal, to hold the compiled one against."""

from __future__ import annotations

import math
from collections.abc import Sequence
from decimal import Decimal

import orjson

from pharos.labels import Labels


def expected_text(value: float) -> str:
    """Return what Go's FormatFloat with 'f', or 'e' for small and large numbers, prints."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    shortest = Decimal(repr(value))
    if value == 0 or 1e-6 <= abs(value) < 1e21:
        text = format(shortest, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text
    sign, digits, _ = shortest.as_tuple()
    figures = "".join(map(str, digits)).rstrip("0")
    fraction = f".{figures[1:]}" if len(figures) > 1 else ""
    return (
        f"{'-' * sign}{figures[0]}{fraction}e{'-' if abs(value) < 1 else '+'}{abs(shortest.adjusted()):02d}"
    )


def expected_time(ms: int) -> str:
    whole, behind = divmod(abs(ms), 1000)
    return ("-" if ms < 0 else "") + (f"{whole}.{behind:03d}" if behind else f"{whole}")


def expected_labels(labels: Labels) -> str:
    return orjson.dumps(dict(labels)).decode()


def expected_matrix(labels: Sequence[Labels], points: Sequence[Sequence[tuple[int, float]]]) -> str:
    series = []
    for names, row in zip(labels, points, strict=True):
        if row:
            cells = ",".join(f'[{expected_time(ts)},"{expected_text(value)}"]' for ts, value in row)
            series.append(f'{{"metric":{expected_labels(names)},"values":[{cells}]}}')
    return f"[{','.join(series)}]"
