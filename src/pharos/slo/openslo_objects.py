"""Objects of OpenSLO: which fields each kind has, and which of them name others."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from msgspec import Struct, field

from pharos.document import Fields, Mapping, Sequence, Value

FREE: Final = None
"""A place where anything may stand."""
_METADATA: Final = MappingProxyType({"name": FREE, "displayName": FREE, "labels": FREE, "annotations": FREE})
_SOURCE: Final = MappingProxyType(
    {
        "metricSource": MappingProxyType({"metricSourceRef": FREE, "type": FREE, "spec": FREE}),
        "dataSourceRef": FREE,
        "dataSourceSpec": FREE,
        "spec": FREE,
        "source": FREE,
        "queryType": FREE,
        "query": FREE,
        "metadata": FREE,
    }
)
_RATIO: Final = MappingProxyType(
    {
        "counter": FREE,
        "incremental": FREE,
        "good": _SOURCE,
        "bad": _SOURCE,
        "total": _SOURCE,
        "raw": _SOURCE,
        "rawType": FREE,
    }
)
_SLI: Final = MappingProxyType({"description": FREE, "thresholdMetric": _SOURCE, "ratioMetric": _RATIO})
_OBJECT: Final = MappingProxyType({"apiVersion": FREE, "kind": FREE, "metadata": _METADATA})
"""What v1beta1 writes of an object within another too."""
_INLINE_SLI: Final = MappingProxyType({**_OBJECT, "spec": _SLI, "thresholdMetric": _SOURCE})
_CONDITION: Final = MappingProxyType(
    {
        "description": FREE,
        "severity": FREE,
        "condition": MappingProxyType(
            dict.fromkeys(("kind", "type", "op", "threshold", "lookbackWindow", "alertAfter"), FREE)
        ),
    }
)
_TARGET: Final = MappingProxyType({"description": FREE, "target": FREE})
_POLICY: Final = MappingProxyType(
    {
        "description": FREE,
        "alertWhenNoData": FREE,
        "alertWhenBreaching": FREE,
        "alertWhenResolved": FREE,
        "conditions": [
            MappingProxyType({**_OBJECT, "operator": FREE, "conditionRef": FREE, "spec": _CONDITION})
        ],
        "notificationTargets": [MappingProxyType({**_OBJECT, "targetRef": FREE, "spec": _TARGET})],
    }
)
_CALENDAR: Final = MappingProxyType({"startTime": FREE, "timeZone": FREE})
_WINDOW: Final = MappingProxyType(
    {"duration": FREE, "unit": FREE, "count": FREE, "isRolling": FREE, "calendar": _CALENDAR}
)
_OBJECTIVE: Final = MappingProxyType(
    {
        "displayName": FREE,
        "op": FREE,
        "value": FREE,
        "target": FREE,
        "targetPercent": FREE,
        "timeSliceTarget": FREE,
        "timeSliceWindow": FREE,
        "indicator": _INLINE_SLI,
        "indicatorRef": FREE,
        "sli": _INLINE_SLI,
        "sliRef": FREE,
        "compositeWeight": FREE,
        "ratioMetrics": _RATIO,
    }
)
_SLO: Final = MappingProxyType(
    {
        "description": FREE,
        "service": FREE,
        "serviceRef": FREE,
        "indicator": _INLINE_SLI,
        "indicatorRef": FREE,
        "sli": _INLINE_SLI,
        "sliRef": FREE,
        "timeWindow": [_WINDOW],
        "timeWindows": [_WINDOW],
        "budgetingMethod": FREE,
        "objectives": [_OBJECTIVE],
        "alertPolicies": [MappingProxyType({**_OBJECT, "alertPolicyRef": FREE, "spec": _POLICY})],
    }
)
_SPECS: Final = MappingProxyType(
    {
        "SLO": _SLO,
        "SLI": _SLI,
        "Service": MappingProxyType({"description": FREE}),
        "DataSource": MappingProxyType({"description": FREE, "type": FREE, "connectionDetails": FREE}),
        "AlertPolicy": _POLICY,
        "AlertCondition": _CONDITION,
        "AlertNotificationTarget": _TARGET,
        "BudgetAdjustment": MappingProxyType(
            dict.fromkeys(
                ("description", "service", "indicatorRef", "startTime", "endTime", "duration"), FREE
            )
        ),
    }
)
KINDS: Final = tuple(_SPECS)
_REFERENCES: Final = MappingProxyType(
    {
        "indicatorRef": "SLI",
        "sliRef": "SLI",
        "alertPolicyRef": "AlertPolicy",
        "conditionRef": "AlertCondition",
        "targetRef": "AlertNotificationTarget",
    }
)


def check_object(value: Value, kind: str) -> None:
    """Note every field that an object of a kind does not have."""
    form = {"apiVersion": FREE, "kind": FREE, "metadata": _METADATA, "spec": _SPECS[kind]}
    value.source.attempt(lambda: _check(value, form, f"an object of the kind {kind}"), None)


def _check(value: Value, form: Any, what: str) -> None:
    if form is FREE or value.is_null():
        return
    if isinstance(form, list):
        # Old files have the names of alert policies as plain texts.
        for each in value.items():
            if isinstance(each.node, Mapping | Sequence):
                _check(each, form[0], what)
        return
    fields = Fields(value, value.path or what)
    for name, inner in form.items():
        one = fields.take(name)
        if one is not None:
            value.source.attempt(partial(_check, one, inner, what), None)
    fields.done()


class Objects(Struct):
    """The objects that are read together, by kind and name."""

    _known: dict[tuple[str, str], Value] = field(default_factory=dict)
    _all: list[tuple[str, Value]] = field(default_factory=list)

    def add(self, kind: str, value: Value) -> None:
        """Add an object; of two with the same kind and name the first counts."""
        name = _name(value)
        self._all.append((kind, value))
        if not name:
            value.source.faults.append(value.fault("metadata.name must be set"))
        elif (first := self._known.setdefault((kind, name), value)) is not value:
            place = f"{first.source.name}:{first.line}"
            value.source.note(
                value.line, f"the {kind} {name!r} is there already, at {place}, and that one counts"
            )

    def find(self, kind: str, name: str) -> Value | None:
        """Return the object of a kind and name."""
        return self._known.get((kind, name))

    def of_kind(self, kind: str) -> list[Value]:
        """Return all objects of a kind, in their order."""
        return [value for one, value in self._all if one == kind]

    @property
    def is_whole(self) -> bool:
        """Whether what is named has to be there: an SLI is, or there is but one object."""
        return len(self._all) == 1 or any(kind == "SLI" for kind, _ in self._all)

    def check_references(self) -> None:
        """Note every reference to an object that is not there."""
        for kind, value in self._all:
            if kind == "BudgetAdjustment":
                continue
            spec = Fields(value, kind).take("spec")
            for word, name in _named(spec) if spec is not None else ():
                wanted = _REFERENCES[word]
                if self.find(wanted, name.text()) is None:
                    self._tell(name, f"{name.path}: there is no {wanted} {name.text()!r} in what is read")

    def _tell(self, value: Value, message: str) -> None:
        if self.is_whole:
            hint = "put it into the file, or name its file too"
            value.source.faults.append(value.fault(f"{message}: {hint}"))
        else:
            value.source.note(value.line, message)


def _name(value: Value) -> str:
    metadata = Fields(value, "an object").take("metadata")
    return "" if metadata is None else Fields(metadata, "metadata").read("name", Value.text, "")


def _named(value: Value) -> Iterator[tuple[str, Value]]:
    """Yield each reference below a value."""
    if isinstance(value.node, Sequence):
        for one in value.items():
            yield from _named(one)
    elif isinstance(value.node, Mapping):
        for name, _, inner in value.pairs():
            if name in _REFERENCES and not isinstance(inner.node, Mapping | Sequence):
                yield name, inner
            else:
                yield from _named(inner)
