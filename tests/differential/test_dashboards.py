"""The expressions of well-known dashboards answer as Prometheus does, over node_exporter's samples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.differential.compare import difference
from tests.differential.demo import BASE_MS, in_order_of_time
from tests.differential.node_samples import made_up_series, node_pages, node_series
from tests.differential.servers import Client, running_pharos, running_prometheus

from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import parse

CORPUS: dict[str, list[str]] = yaml.safe_load((Path(__file__).parent / "dashboards.yaml").read_text())
# As Grafana fills them in for a panel of an hour, scraped every 15 seconds.
VARIABLES = {
    "$__rate_interval": "1m",
    "$__interval": "15s",
    "$__range": "1h",
    "$node": "n:9100",
    "$job": "node",
    "$instance": "n:9100",
    "$cluster": "c",
    "$controller": ".*",
    "$namespace": "one|two",
    "$datname": ".+",
    "$release": "other",
    "$application": "app",
    "$target": ".*",
}
START_MS = BASE_MS + 3_600_000 + 3_000
END_MS = BASE_MS + 4_500_000 + 3_000
STEP_MS = 60_000


def filled_in(expr: str) -> str:
    """Return the expression with Grafana's variables replaced."""
    for name in sorted(VARIABLES, key=len, reverse=True):
        expr = expr.replace(name, VARIABLES[name])
    return expr


EXPRESSIONS = [filled_in(expr) for exprs in CORPUS.values() for expr in exprs]


def selectors(node: object) -> Iterator[VectorSelector]:
    """Yield every vector selector of an expression."""
    if isinstance(node, VectorSelector):
        yield node
    elif isinstance(node, tuple):
        for part in node:
            yield from selectors(part)
    elif is_dataclass(node):
        for field in fields(node):
            yield from selectors(getattr(node, field.name))


@pytest.mark.parametrize("expr", EXPRESSIONS)
def test_expression_parses(expr: str) -> None:
    assert "$__" not in expr
    assert parse(expr)


def all_series() -> list[dict[str, Any]]:
    """Return node_exporter's series and made up ones for everything else that is asked for."""
    found = node_series(node_pages())
    known = {dict(one["labels"])["__name__"] for one in found}
    wanted = [selector for expr in EXPRESSIONS for selector in selectors(parse(expr))]
    return [*found, *made_up_series(wanted, known)]


def compare(pharos: Client, prometheus: Client) -> tuple[list[str], int]:
    """Return how answers differ, and how many questions had an answer that is not empty."""
    wrong, filled = [], 0
    for expr in EXPRESSIONS:
        for ranged in (True, False):
            ours, theirs = (
                one.ranged(expr, START_MS, END_MS, STEP_MS) if ranged else one.instant(expr, END_MS)
                for one in (pharos, prometheus)
            )
            if differs := difference(ours, theirs, notes=False):
                wrong.append(f"{'range' if ranged else 'instant'} {expr}\n  {differs}")
            filled += theirs["status"] == "success" and bool(theirs["data"]["result"])
    return wrong, filled


@pytest.mark.needs("prometheus", "node-exporter")
def test_expressions_answer_as_prometheus_does(tmp_path: Path) -> None:
    with (
        running_pharos(tmp_path / "pharos", experimental=False) as pharos,
        running_prometheus(tmp_path / "prometheus") as prometheus,
    ):
        for part in in_order_of_time(all_series()):
            pharos.write(part)
            prometheus.write(part)
        wrong, filled = compare(pharos, prometheus)
    assert not wrong, "\n".join(wrong)
    assert filled > 1.5 * len(EXPRESSIONS)
