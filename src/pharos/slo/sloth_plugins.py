"""Plugins of Sloth that Pharos knows: what their configuration changes of the rules.

Sloth runs them as Go code, one after another by priority; here each is a reader of its configuration. Those
of its core make the groups of rules, and those for debugging do nothing. What somebody's own plugin would do
cannot be known: the rules are made without it, which is noticed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.document import Fields, Value, did_you_mean
from pharos.slo.objective import (
    Adjustments,
    Alert,
    ErrorRatio,
    Events,
    Exhaustion,
    Indicator,
    Intervals,
    as_labels,
)
from pharos.slo.sent import sent_events, sent_hint

INFO: Final = "sloth_slo_info"
_CORE: Final = MappingProxyType(
    {
        "sloth.dev/core/sli_rules/v1": "sli",
        "sloth.dev/core/metadata_rules/v1": "metadata",
        "sloth.dev/core/alert_rules/v1": "alerts",
    }
)
_IDLE: Final = frozenset(
    {"sloth.dev/core/debug/v1", "sloth.dev/core/noop/v1", "sloth.dev/core/validate/v1"}
    | {"sloth.dev/contrib/validate_victoria_metrics/v1"}
)
_AVAILABILITY: Final = "getting_started_availability"
_FILTER: Final = re.compile(r'(?:[^=]+="[^=,"]+",)+')


class Plugin(Struct, frozen=True):
    """A plugin by its name; those of a lower priority come first."""

    id: str
    priority: int
    config: Value | None
    value: Value


class Chain(Struct, frozen=True):
    """Plugins in the order in which they were written."""

    plugins: tuple[Plugin, ...] = ()
    is_override: bool = False
    """Whether those before them, the core's own included, are left out."""

    @property
    def is_unchecked(self) -> bool:
        """Whether queries are not checked: they are not PromQL where MetricsQL is asked for."""
        ids = {one.id for one in self.plugins}
        return self.is_override and "sloth.dev/core/validate/v1" not in ids


def adjustments_of(shared: Chain, own: Chain, indicator: Indicator) -> Adjustments:
    """Return what two chains of plugins change of an objective's rules; what is unknown is noted."""
    plugins = list(own.plugins) if own.is_override else [*shared.plugins, *own.plugins]
    found = Adjustments()
    if shared.is_override or own.is_override:
        named = {one.id for one in plugins}
        found = replace(found, groups=tuple(group for name, group in _CORE.items() if name in named))
    for plugin in sorted(plugins, key=lambda one: one.priority):
        found = _adjusted(found, plugin, indicator)
    return found


def _adjusted(found: Adjustments, plugin: Plugin, indicator: Indicator) -> Adjustments:
    source = plugin.value.source
    if plugin.id in _IDLE or not plugin.id:
        return found
    reader = _READERS.get(plugin.id)
    if reader is None:
        _tell_unknown(plugin)
        return found
    if plugin.id in _OF_EVENTS and not isinstance(indicator, Events):
        source.faults.append(plugin.value.fault(f"{plugin.value.path}: {plugin.id} needs an sli of events"))
        return found
    return source.attempt(lambda: reader(found, plugin), found)


def _tell_unknown(plugin: Plugin) -> None:
    source, path = plugin.value.source, plugin.value.path
    if not plugin.id.startswith(_OWN):
        message = f"no plugin {plugin.id!r} here: the rules are made without what it would change"
        source.note(plugin.value.line, f"{path}.id: {message}")
        return
    hint = f"those known are {', '.join(sorted((*_READERS, *_IDLE)))}"
    source.faults.append(plugin.value.fault(f"{path}.id: no plugin {plugin.id!r} here: {hint}"))


def _config(plugin: Plugin) -> Fields | None:
    return None if plugin.config is None else Fields(plugin.config, plugin.id)


def _with_info_labels(found: Adjustments, plugin: Plugin) -> Adjustments:
    fields = _config(plugin)
    labels = {} if fields is None else fields.group("labels")
    metric = INFO if fields is None else fields.read("metricName", Value.text, INFO)
    if fields is None or not labels:
        raise plugin.value.fault(f"{plugin.value.path}.config.labels: at least one label is required")
    fields.done()
    return replace(found, info_labels=(*found.info_labels, (metric, as_labels(labels))))


def _with_intervals(found: Adjustments, plugin: Plugin) -> Adjustments:
    fields = _config(plugin)
    inner = None if fields is None else fields.take("interval")
    if fields is None or inner is None:
        raise plugin.value.fault(f"{plugin.value.path}.config.interval.default must be set")
    fields.done()
    parts = Fields(inner, "interval")
    every = parts.read("default", Value.duration_ms, 0)
    if not every:
        raise inner.fault(f"{inner.path}.default must be set")
    intervals = Intervals(
        parts.read("sliError", Value.duration_ms, every),
        parts.read("metadata", Value.duration_ms, every),
        parts.read("alert", Value.duration_ms, every),
    )
    parts.done()
    return replace(found, intervals=intervals)


def _with_few_labels(found: Adjustments, plugin: Plugin) -> Adjustments:
    fields = _config(plugin)
    if fields is None:
        return replace(found, kept_labels=(), bare_exempt=(INFO,))
    kept, exempt = fields.texts("preserveLabels"), fields.texts("skipMetrics")
    fields.done()
    return replace(found, kept_labels=kept, bare_exempt=(INFO, *exempt))


def _with_correction(found: Adjustments, plugin: Plugin) -> Adjustments:
    return replace(found, is_denominator_corrected=True, is_unoptimized=_is_unoptimized(plugin))


def _with_sli_rules(found: Adjustments, plugin: Plugin) -> Adjustments:
    return replace(found, is_unoptimized=_is_unoptimized(plugin))


def _is_unoptimized(plugin: Plugin) -> bool:
    fields = _config(plugin)
    return fields is not None and fields.read("disableOptimized", Value.boolean, default=False)


def _with_totals(found: Adjustments, _plugin: Plugin) -> Adjustments:
    return replace(found, has_totals=True)


def _with_waits(found: Adjustments, _plugin: Plugin) -> Adjustments:
    return replace(found, is_waiting=True)


def _with_exhaustion(found: Adjustments, plugin: Plugin) -> Adjustments:
    fields = _config(plugin)
    if fields is None:
        one = Exhaustion(Alert(_EXHAUSTED, for_ms=_EXHAUSTED_MS))
    else:
        alert = Alert(
            fields.read("alert_name", Value.text, "") or _EXHAUSTED,
            as_labels(fields.group("alert_labels")),
            as_labels(fields.group("annotations")),
            fields.read("for", Value.duration_ms, 0) or _EXHAUSTED_MS,
        )
        threshold = fields.read("threshold", Value.number, 0.0)
        one = Exhaustion(alert, threshold, as_labels(fields.group("selector_labels")))
        fields.done()
    return replace(found, exhaustions=(*found.exhaustions, one))


def _as_it_is(found: Adjustments, _plugin: Plugin) -> Adjustments:
    return found


_OWN: Final = "sloth.dev/"
"""Names of Sloth's own plugins begin so."""
_EXHAUSTED: Final = "ErrorBudgetExhausted"
_EXHAUSTED_MS: Final = 300_000
_DENOMINATOR: Final = "sloth.dev/contrib/denominator_corrected_rules/v1"
_TOTALS: Final = "sloth.dev/contrib/sli_total_amount/v1"
_OF_EVENTS: Final = frozenset({_DENOMINATOR, _TOTALS})
_READERS: Final[Mapping[str, Callable[[Adjustments, Plugin], Adjustments]]] = {
    "sloth.dev/contrib/info_labels/v1": _with_info_labels,
    "sloth.dev/contrib/rule_intervals/v1": _with_intervals,
    "sloth.dev/contrib/remove_labels/v1": _with_few_labels,
    _DENOMINATOR: _with_correction,
    _TOTALS: _with_totals,
    "sloth.dev/contrib/alert_for/v1": _with_waits,
    "sloth.dev/contrib/error_budget_exhausted_alert/v1": _with_exhaustion,
    "sloth.dev/core/sli_rules/v1": _with_sli_rules,
    "sloth.dev/core/metadata_rules/v1": _as_it_is,
    "sloth.dev/core/alert_rules/v1": _as_it_is,
}


def sli_of_plugin(value: Value, labels: Mapping[str, str], slo: str, service: str) -> Indicator | None:
    """Return the indicator that a plugin makes; None for one that is wrong, which is noted.

    The one known is that of Sloth's own introduction: requests by their status. Of any other the events have
    to be sent, as have those of an OpenSLO whose source cannot be asked.
    """
    fields = Fields(value, "plugin")
    name, options = fields.read("id", Value.text, ""), fields.group("options")
    fields.done()
    near = did_you_mean(name, [_AVAILABILITY]) if name != _AVAILABILITY else ""
    if not name or near:
        wrong = f"no plugin {name!r} here{near}" if name else "must be set"
        value.source.faults.append(value.fault(f"{value.path}.id: {wrong}"))
        return None
    if name != _AVAILABILITY:
        hint = f"{sent_hint(slo)}, or write its query as sli.raw.error_ratio_query"
        value.source.note(value.line, f"{value.path}.id: no plugin {name!r} here: {hint}")
        return sent_events(slo, service)
    lacking = [f"the option {one}" for one in ("job",) if not options.get(one)]
    lacking += [f"the label {one}" for one in ("owner", "tier") if not labels.get(one)]
    matchers = options.get("filter", "").strip("{}").strip(",")
    if matchers and _FILTER.match(f"{matchers},") is None:
        lacking.append('options.filter in the form name="value"')
    if lacking:
        value.source.faults.append(value.fault(f"{value.path}: {name} needs {', '.join(lacking)}"))
        return None
    chosen = f'{matchers},job="{options["job"]}"' if matchers else f'job="{options["job"]}"'
    metric = "http_request_duration_seconds_count"
    bad = f'sum(rate({metric}{{ {chosen},code=~"(5..|429)" }}[{{{{.window}}}}]))'
    return ErrorRatio(f"\n{bad}\n/\nsum(rate({metric}{{ {chosen} }}[{{{{.window}}}}]))")
