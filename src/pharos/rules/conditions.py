"""Simple conditions compiled to alerting rules: `cpu > 0.8`, or a metric, an operator and a number.

What a condition says beside its comparison becomes labels, by which alerts are routed: its severity, the
channels that it names, the DAO subnet whose series it is about. After its cooldown it may fire anew: until
then an alert goes on firing, so that one that comes and goes is told of once.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.gotext.numbers import format_g
from pharos.labels import Labels, Matcher, MatchOp
from pharos.promql.language.ast import (
    Aggregate,
    Binary,
    Call,
    Expr,
    MatrixSelector,
    Paren,
    Subquery,
    Unary,
    VectorSelector,
)
from pharos.promql.language.parse import parse
from pharos.promql.language.printer import to_text
from pharos.rules.spec import AlertingRule, RuleGroup

NAMESPACE: Final = "conditions"
"""Where rules of conditions stand among groups."""
INTERVAL_MS: Final = 5_000
"""How often conditions are evaluated: as often as dashboards show figures anew."""
OPERATORS: Final = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<=", "eq": "==", "neq": "!="}
_COMPARISONS: Final = frozenset(OPERATORS.values())
_ID: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")
_SUBNET: Final = "daoSubnet"


class KeptCondition(Struct, frozen=True):
    """A rule as somebody wrote it; times in milliseconds."""

    id: str
    name: str
    expr: str
    """A comparison in PromQL."""
    severity: str = ""
    channels: tuple[str, ...] = ()
    cooldown_ms: int = 0
    for_ms: int = 0
    dao_subnet: str = ""
    labels: Labels = ()
    annotations: Labels = ()
    document: Mapping[str, Any] = field(default_factory=dict)
    """As it was written."""

    def rule(self) -> AlertingRule:
        """Return the alerting rule that it is."""
        found = {
            **dict(self.labels),
            "condition": self.id,
            "severity": self.severity,
            "channels": ",".join(self.channels),
            _SUBNET: self.dao_subnet,
        }
        annotations = {"summary": self.name, "condition": str(self.document.get("condition") or self.expr)}
        if self.cooldown_ms:
            annotations["cooldown"] = format_duration(self.cooldown_ms)
        return AlertingRule(
            self.name,
            self.expr,
            for_ms=self.for_ms,
            keep_firing_for_ms=self.cooldown_ms,
            labels=tuple(sorted((name, value) for name, value in found.items() if value)),
            annotations=tuple(sorted({**annotations, **dict(self.annotations)}.items())),
        )

    def group(self) -> RuleGroup:
        """Return the group in which it is evaluated: one of its own, so that none waits for another."""
        return RuleGroup(self.id, (self.rule(),), file=NAMESPACE, interval_ms=INTERVAL_MS)


def id_of(name: str) -> str:
    """Return an id for a condition of a name. Raises PharosError(INVALID) for a name without letters."""
    found = re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")[:100]
    if not found:
        raise PharosError(Kind.INVALID, f"no id can be made of the name {name[:80]!r}", hint="give an id")
    return found


def check_id(found: str) -> str:
    """Return an id. Raises PharosError(INVALID) for one that is none."""
    if _ID.fullmatch(found) is None:
        raise PharosError(
            Kind.INVALID, f"{found[:100]!r} is no id", hint="small letters, digits, _ and -, up to 100"
        )
    return found


def threshold(metric: str, operator: str, limit: float) -> str:
    """Return the comparison of a metric with a number. Raises PharosError(INVALID) for another operator."""
    word = operator.lower()
    if word not in OPERATORS and operator not in _COMPARISONS:
        raise PharosError(
            Kind.INVALID, f"there is no operator {operator[:20]!r}", hint=f"one of {', '.join(OPERATORS)}"
        )
    return f"{metric} {OPERATORS.get(word, operator)} {format_g(limit)}"


def comparison(text: str, dao_subnet: str = "") -> str:
    """Return a condition as an expression, about the series of a DAO subnet and those of none.

    Raises PharosError(INVALID) for what is no comparison.
    """
    try:
        expr = parse(text)
    except PharosError as exc:
        raise PharosError(Kind.INVALID, f"the condition {text[:200]!r} is none: {exc.message}") from exc
    inner = expr
    while isinstance(inner, Paren):
        inner = inner.expr
    while isinstance(inner, Binary) and inner.op in {"and", "or", "unless"}:
        inner = inner.left
    if not isinstance(inner, Binary) or inner.op not in _COMPARISONS or inner.bool_modifier:
        raise PharosError(
            Kind.INVALID,
            f"the condition {text[:200]!r} compares nothing, so it would always hold",
            hint="write it as flow_execution_latency_p99 > 5000",
        )
    if not dao_subnet:
        return text
    return to_text(_of_subnet(expr, Matcher(_SUBNET, MatchOp.REGEX, f"{re.escape(dao_subnet)}|")))


def _of_subnet(node: Expr, matcher: Matcher) -> Expr:
    """Return an expression whose selectors have one more matcher."""
    match node:
        case VectorSelector():
            return replace(node, matchers=(*node.matchers, matcher))
        case MatrixSelector(selector=selector):
            inner = _of_subnet(selector, matcher)
            return replace(node, selector=inner) if isinstance(inner, VectorSelector) else node
        case Call():
            return replace(node, args=tuple(_of_subnet(one, matcher) for one in node.args))
        case Aggregate():
            return replace(node, expr=_of_subnet(node.expr, matcher))
        case Binary():
            left, right = _of_subnet(node.left, matcher), _of_subnet(node.right, matcher)
            return replace(node, left=left, right=right)
        case Unary() | Paren() | Subquery():
            return replace(node, expr=_of_subnet(node.expr, matcher))
        case _:
            return node


def condition_of(document: Mapping[str, Any]) -> KeptCondition:
    """Return the condition that a document says, as it was kept or is to be. Raises PharosError(INVALID)."""
    name = str(document.get("name") or "").strip()
    if not name:
        raise PharosError(Kind.INVALID, "a condition needs a name")
    subnet = str(document.get(_SUBNET) or "")
    text = document.get("condition")
    if not text:
        if not document.get("metric") or document.get("threshold") is None:
            raise PharosError(
                Kind.INVALID, "a condition needs `condition`, or `metric`, `operator` and `threshold`"
            )
        text = threshold(
            str(document["metric"]), str(document.get("operator") or "gt"), float(document["threshold"])
        )
    return KeptCondition(
        id=check_id(str(document.get("id") or id_of(name))),
        name=name,
        expr=comparison(str(text), subnet),
        severity=str(document.get("severity") or ""),
        channels=tuple(map(str, document.get("channels") or ())),
        cooldown_ms=int(document.get("cooldown") or 0),
        for_ms=int(document.get("for") or 0),
        dao_subnet=subnet,
        labels=tuple(sorted((document.get("labels") or {}).items())),
        annotations=tuple(sorted((document.get("annotations") or {}).items())),
        document=document,
    )
