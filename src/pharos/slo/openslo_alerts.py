"""Alert policies of OpenSLO: conditions on the burn rate."""

from __future__ import annotations

from msgspec import Struct

from pharos.document import Fields, Mapping, Value
from pharos.slo.objective import Alerting, BurnCondition
from pharos.slo.openslo_durations import duration_ms
from pharos.slo.openslo_indicators import OPS
from pharos.slo.openslo_objects import Objects


class AlertReader(Struct, frozen=True):
    """Reads the alert policies of an SLO."""

    objects: Objects

    def alerting(self, fields: Fields) -> Alerting | None:
        """Return the alerts that policies ask for; None where they say nothing of a burn rate."""
        value = fields.take("alertPolicies")
        found: list[BurnCondition] = []
        for one in [] if value is None else value.items():
            policy = self._resolved(one, "AlertPolicy", "alertPolicyRef")
            spec = None if policy is None else Fields(policy, "a policy").take("spec")
            if spec is None:
                continue
            inner = Fields(spec, "a policy")
            conditions = inner.take("conditions")
            for each in [] if conditions is None else conditions.items():
                condition = self._condition(each)
                if condition is not None and condition not in found:
                    found.append(condition)
        return Alerting(conditions=tuple(found)) if found else None

    def check(self, condition: Value) -> None:
        """Note the faults of an AlertCondition, whether a policy has it or not."""
        condition.source.attempt(lambda: self._condition(condition), None)

    def _resolved(self, value: Value, kind: str, word: str) -> Value | None:
        if not isinstance(value.node, Mapping):
            return self.objects.find(kind, value.text())
        named = Fields(value, kind).read(word, Value.text, "")
        return self.objects.find(kind, named) if named else value

    def _condition(self, value: Value) -> BurnCondition | None:
        found = self._resolved(value, "AlertCondition", "conditionRef")
        if found is None:
            return None
        outer = Fields(found, "a condition")
        metadata, spec = outer.take("metadata"), outer.take("spec")
        if spec is None:
            raise found.fault(f"{found.path}: spec must be set")
        inner = Fields(spec, "a condition")
        severity = inner.read("severity", Value.text, "") or "page"
        condition = inner.take("condition")
        if condition is None:
            return None
        parts = Fields(condition, "condition")
        kind = parts.read("kind", Value.text, "") or parts.read("type", Value.text, "burnrate")
        if kind.lower() != "burnrate":
            raise condition.fault(f"{condition.path}: kind {kind!r} is not burnrate")
        op, lookback, after = (
            parts.read("op", Value.text, "gt"),
            parts.take("lookbackWindow"),
            parts.take("alertAfter"),
        )
        sign = OPS.get(op)
        if sign is None:
            raise condition.fault(f"{condition.path}: op {op!r} is not one of {', '.join(OPS)}")
        name = "" if metadata is None else Fields(metadata, "metadata").read("name", Value.text, "")
        return BurnCondition(
            name=name or "ErrorBudgetBurn",
            severity=severity,
            op=sign,
            threshold=parts.read("threshold", Value.number, 1.0),
            lookback_ms=3_600_000 if lookback is None else duration_ms(lookback),
            after_ms=0 if after is None else duration_ms(after),
        )
