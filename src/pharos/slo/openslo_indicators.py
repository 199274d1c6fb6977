"""Indicators of OpenSLO: ratios and thresholds, over PromQL or over events that somebody sends."""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from msgspec import Struct

from pharos.document import Fields, Value
from pharos.slo.objective import ErrorRatio, Events, GoodEvents, Indicator, Threshold, has_window
from pharos.slo.openslo_objects import Objects
from pharos.slo.queries import is_promql, parses, windowed
from pharos.slo.sent import sent_events, sent_hint

_PROMETHEUS: Final = frozenset(
    {"prometheus", "sloth", "pharos", "thanos", "mimir", "cortex", "victoriametrics"}
)
_UNKNOWN: Final = frozenset({"", "any"})
OPS: Final = MappingProxyType({"lt": "<", "lte": "<=", "gt": ">", "gte": ">="})


def is_of_sloth(series: Value, indicator: Indicator) -> bool:
    """Return whether a ratio of v1alpha is written for Sloth: in PromQL, with `{{.window}}` in both
    queries."""
    good = Fields(series, "ratioMetrics").take("good")
    kind = "" if good is None else Fields(good, "good").read("queryType", Value.text, "")
    is_both = isinstance(indicator, GoodEvents) and kind == "promql"
    return is_both and good is not None and has_window(_query_text(good))


def _query_text(value: Value) -> str:
    return Fields(value, "a source").read("query", Value.text, "")


class _Query(Struct, frozen=True):
    """A query, and whether it can be asked here."""

    text: str
    is_ours: bool


class IndicatorReader(Struct, frozen=True):
    """Reads the indicator of an SLO."""

    objects: Objects
    service: str
    name: str

    def indicator(self, chosen: Value | str, fields: Fields, objective: Value) -> Indicator | None:
        """Return the indicator of an objective, or None for one that is wrong, which is noted."""
        if isinstance(chosen, str):
            objective.source.note(objective.line, f"the SLI {chosen!r} is not here: {self._hint()}")
            return self._sent()
        threshold, ratio = self._metrics(chosen)
        if ratio is not None:
            return self._ratio(ratio)
        return None if threshold is None else self._threshold(threshold, fields, objective)

    def check(self, sli: Value) -> None:
        """Note the faults of an SLI, whether an objective has it or not."""
        told = len(sli.source.notices)
        threshold, ratio = self._metrics(sli)
        if ratio is not None:
            self._ratio(ratio)
        elif threshold is not None:
            self._query(threshold)
        # What cannot be asked here is noticed with the objective that would ask it.
        del sli.source.notices[told:]

    def _metrics(self, chosen: Value) -> tuple[Value | None, Value | None]:
        spec = Fields(chosen, "an indicator").take("spec") or chosen
        inner = Fields(spec, "an indicator")
        threshold, ratio = inner.take("thresholdMetric"), inner.take("ratioMetric")
        if (threshold is None) == (ratio is None):
            message = f"{spec.path}: exactly one of thresholdMetric and ratioMetric must be set"
            spec.source.faults.append(spec.fault(message))
            return None, None
        return threshold, ratio

    def old_ratio(self, value: Value) -> Indicator | None:
        """Return the indicator of `ratioMetrics`, as v1alpha writes it within an objective."""
        return self._ratio(value)

    def _ratio(self, value: Value) -> Indicator | None:
        fields = Fields(value, "a ratio")
        is_counter = fields.read("counter", Value.boolean, default=True)
        is_counter = fields.read("incremental", Value.boolean, default=is_counter)
        parts = {name: fields.take(name) for name in ("good", "bad", "total", "raw")}
        raw, total = parts["raw"], parts["total"]
        events = parts["good"] or parts["bad"]
        is_double = parts["good"] is not None and parts["bad"] is not None
        if (raw is None) == (total is None) or (events is None) == (raw is None) or is_double:
            message = f"{value.path}: a ratio has raw, or total and one of good and bad"
            value.source.faults.append(value.fault(message))
            return None
        if raw is not None:
            return self._raw(raw, fields.read("rawType", Value.text, ""))
        assert total is not None and events is not None  # noqa: S101, PT018 - looked at above
        queries = [self._query(one) for one in (events, total)]
        if any(one is None for one in queries):
            return None
        known = [one for one in queries if one is not None]
        if not all(one.is_ours for one in known):
            return self._sent()
        counted = [windowed(one.text, is_counter=is_counter) for one in known]
        made = GoodEvents if parts["good"] is not None else Events
        return made(*counted)

    def _raw(self, value: Value, kind: str) -> Indicator | None:
        if kind not in {"success", "failure"}:
            value.source.faults.append(value.fault(f"{value.path}: rawType must be success or failure"))
            return None
        found = self._query(value)
        if found is None:
            return None
        if not found.is_ours:
            return self._sent()
        text = found.text.strip()
        ratio = text if has_window(text) else f"avg_over_time(({text})[{{{{.window}}}}:30s])"
        return ErrorRatio(ratio if kind == "failure" else f"1 - ({ratio})")

    def _threshold(self, value: Value, fields: Fields, objective: Value) -> Indicator | None:
        found = self._query(value)
        op, limit = fields.take("op"), fields.take("value")
        if found is None:
            return None
        if not found.is_ours:
            return self._sent()
        sign = OPS["gt" if op is None else op.text()]
        if op is None or limit is None:
            lacking = " and ".join(name for name, one in (("op", op), ("value", limit)) if one is None)
            message = (
                f"{objective.path}: {lacking} not set: good is what is above 0, unless they say otherwise"
            )
            objective.source.note(objective.line, message)
        number = 0.0 if limit is None else limit.source.attempt(limit.number, 0.0)
        query = found.text.replace("{{.window}}", "5m").replace("{{ .window }}", "5m")
        return Threshold(query, sign, number)

    def _query(self, value: Value) -> _Query | None:
        """Return the query of a source, or None for one that is wrong, which is noted."""
        fields = Fields(value, "a source")
        source = fields.take("metricSource")
        inner = fields if source is None else Fields(source, "metricSource")
        kind = inner.read("type", Value.text, "") or inner.read("source", Value.text, "")
        named = inner.read("metricSourceRef", Value.text, "") or inner.read("dataSourceRef", Value.text, "")
        kind = kind or self._kind_of(named, inner)
        spec = inner.take("spec")
        text = inner.take("query")
        if text is None and spec is not None:
            text = Fields(spec, "spec").take("query")
        query = "" if text is None else text.source.attempt(text.text, "")
        is_known, is_open = kind.lower() in _PROMETHEUS, kind.lower() in _UNKNOWN
        if is_known and text is not None:
            return _Query(query, is_ours=True) if parses(text, query) else None
        if is_known and text is None:
            value.source.faults.append(value.fault(f"{value.path}: the query of a Prometheus must be set"))
            return None
        if is_open and query and is_promql(query):
            return _Query(query, is_ours=True)
        what = f"a query of {kind}" if kind else "a query that is not PromQL"
        value.source.note(value.line, f"{value.path}: {what} cannot be asked here: {self._hint()}")
        return _Query(query, is_ours=False)

    def _kind_of(self, named: str, fields: Fields) -> str:
        """Return the type of a data source that is named, or stands there itself."""
        found = self.objects.find("DataSource", named) if named else None
        inner = fields.take("dataSourceSpec")
        if found is not None:
            inner = Fields(found, "a data source").take("spec")
        return "" if inner is None else Fields(inner, "a data source").read("type", Value.text, "")

    def _sent(self) -> Events:
        return sent_events(self.name, self.service)

    def _hint(self) -> str:
        return sent_hint(self.name)
