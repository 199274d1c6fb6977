"""What two groups are compared by, and the groups: versions side by side, or one before and after."""

from __future__ import annotations

import re
from typing import Annotated, Final, Literal, Self

from msgspec import Struct
from msgspec.structs import replace
from pydantic import Field, model_validator

from pharos.alerting.matchers import parse_matchers
from pharos.alerting.oncall.schedule import Name, Part
from pharos.errors import Kind, PharosError
from pharos.judgement.regressions import THRESHOLD_PERCENT, Better
from pharos.labels import MatchOp
from pharos.promql.language.ast import Expr, MatrixSelector
from pharos.query.metrics.query import Query, parse_query
from pharos.runs.asked import Asked
from pharos.search.traceql.ast import Expression
from pharos.search.traceql.parse_metrics import parse_span_metric
from pharos.search.tree import Tree
from pharos.search.words import parse_search

_GROUP: Final = re.compile(r"\{\{-? *\.group *-?\}\}")
_RUN_FIELDS: Final = ("workflow", "version", "owner", "node", "engine", "parent")
QueryText = Annotated[str, Field(max_length=5_000)]


def has_group(query: str) -> bool:
    """Return whether `{{.group}}` stands in a query."""
    return _GROUP.search(query) is not None


def of_group(query: str, group: str) -> str:
    """Return a query with a group's name in place of `{{.group}}`, as it is written within double quotes."""
    quoted = group.replace("\\", "\\\\").replace('"', '\\"')
    return _GROUP.sub(lambda _: quoted, query)


class Measure(Part):
    """What both groups are measured by: exactly one of `metric`, `spans`, `logs` and `runs`."""

    name: Name
    metric: QueryText = ""
    """PromQL, of which each series is compared."""
    spans: QueryText = ""
    """TraceQL's condition on spans, in braces: their latencies and errors are compared."""
    logs: QueryText = ""
    """A search of lines: how frequent their patterns are is compared."""
    runs: QueryText = ""
    """Runs of a workflow, as `workflow="nightly", version="{{.group}}"`: their durations and failures are
    compared."""
    better: Better = Better.LOWER
    """Of `metric`: which way it gets better."""
    threshold: float = Field(default=THRESHOLD_PERCENT, gt=0, le=1000)
    """In percent: what is worse by less is no regression."""
    saves: Literal["", "bandwidth", "cost"] = ""
    """Of `metric`, which is so much a second then: bytes, or what something costs."""
    price: float = Field(default=0.0, ge=0)
    """What one unit of `metric` costs, if it is to be told what was saved."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.metric, self.spans, self.logs, self.runs))) != 1:
            raise ValueError("a measure is one of metric, spans, logs, runs")
        if (self.saves or self.price) and not self.metric:
            raise ValueError("only a metric saves something")
        return self

    @property
    def query(self) -> str:
        """What is asked, whichever kind it is."""
        return self.metric or self.spans or self.logs or self.runs

    @property
    def permission(self) -> str:
        """What who asks must be allowed to."""
        if self.runs:
            return "flows.read"
        kind = "metrics" if self.metric else "traces" if self.spans else "logs"
        return f"{kind}.view"


class Group(Struct, frozen=True):
    """One of two groups: what stands for `{{.group}}`, and the time that is looked at, in milliseconds."""

    name: str
    start_ms: int
    end_ms: int

    @property
    def seconds(self) -> float:
        """How long it is."""
        return (self.end_ms - self.start_ms) / 1000.0


def metric_query(text: str, what: str) -> Query:
    """Return a query. Raises PharosError(INVALID) that names what it is of."""
    try:
        return parse_query(text)
    except PharosError as exc:
        raise named(exc, what) from exc


def counter_query(selector: str, what: str, range_ms: int) -> Query:
    """Return a query for the samples of a selector in a range. Raises PharosError(INVALID)."""
    query = metric_query(f"{selector}[{range_ms}ms]", what)
    expr: Expr = query.expr
    if not isinstance(expr, MatrixSelector):
        raise PharosError(
            Kind.INVALID,
            f'{what}: a selector such as http_requests_total{{version="{{{{.group}}}}"}} is expected',
            hint="counters are read as they are, without rate() and sum()",
        )
    return query


def span_condition(text: str, what: str) -> Expression | None:
    """Return TraceQL's condition on spans, None for all. Raises PharosError: INVALID, UNSUPPORTED."""
    try:
        return parse_span_metric(f"{text} | count_over_time()").where
    except PharosError as exc:
        raise named(exc, what) from exc


def run_selection(text: str, what: str, start_ms: int, end_ms: int) -> Asked:
    """Return which runs that began in a time are meant. Raises PharosError(INVALID)."""
    try:
        matchers = parse_matchers(text)
    except PharosError as exc:
        raise named(exc, what) from exc
    found: dict[str, str] = {}
    for one in matchers:
        if one.op is not MatchOp.EQUAL or one.name not in _RUN_FIELDS or one.name in found or not one.value:
            raise PharosError(
                Kind.INVALID,
                f"{what}: runs are chosen by {', '.join(_RUN_FIELDS)}, each once with = and a value",
                hint='as in workflow="nightly", version="{{.group}}"',
            )
        found[one.name] = one.value
    if "workflow" not in found:
        raise PharosError(
            Kind.INVALID,
            f"{what}: it does not say of which workflow",
            hint='as in workflow="nightly", version="{{.group}}"',
        )
    workflow = found.pop("workflow")
    return replace(Asked(start_ms, end_ms, (workflow,)), **found)


def log_search(text: str, what: str) -> Tree:
    """Return a search of lines. Raises PharosError(INVALID)."""
    try:
        return parse_search(text)
    except PharosError as exc:
        raise named(exc, what) from exc


def named(error: PharosError, what: str) -> PharosError:
    """Return an error that says what it is about."""
    return PharosError(error.kind, f"{what}: {error.message}", hint=error.hint)
