"""The public compliance queries (prometheus/compliance, promql), expanded as the upstream tool does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml

VARIANTS = {
    "range": ("1s", "15s", "1m", "5m", "15m", "1h"),
    "offset": ("1m", "5m", "10m"),
    "simpleAggrOp": ("sum", "avg", "max", "min", "count", "stddev", "stdvar"),
    "simpleTimeAggrOp": ("sum", "avg", "max", "min", "count", "stddev", "stdvar", "absent", "last"),
    "topBottomOp": ("topk", "bottomk"),
    "quantile": ("-0.5", "0.1", "0.5", "0.75", "0.95", "0.90", "0.99", "1", "1.5"),
    "arithBinOp": ("+", "-", "*", "/", "%", "^"),
    "compBinOp": ("==", "!=", "<", ">", "<=", ">="),
    "binOp": ("+", "-", "*", "/", "%", "^", "==", "!=", "<", ">", "<=", ">="),
    "simpleMathFunc": ("abs", "ceil", "floor", "exp", "sqrt", "ln", "log2", "log10", "round"),
    "extrapolatedRateFunc": ("delta", "rate", "increase"),
    "clampFunc": ("clamp_min", "clamp_max"),
    "instantRateFunc": ("idelta", "irate"),
    "dateFunc": ("day_of_month", "day_of_week", "days_in_month", "hour", "minute", "month", "year"),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """One query, and whether Prometheus 2.x refuses it."""

    query: str
    should_fail: bool


def _variants(query: str, names: tuple[str, ...]) -> Iterator[str]:
    if not names:
        yield query
        return
    for value in VARIANTS[names[0]]:
        yield from _variants(re.sub(r"{{\s*\." + names[0] + r"\s*}}", lambda _: value, query), names[1:])  # noqa: B023


def compliance_queries(path: Path) -> list[Asked]:
    """Return every query of the file."""
    cases = yaml.safe_load(path.read_text(encoding="utf-8"))["test_cases"]
    return [
        Asked(query, bool(case.get("should_fail")))
        for case in cases
        for query in _variants(str(case["query"]), tuple(case.get("variant_args", ())))
    ]
