"""What is counted of a tenant's runs, as series of its own metrics have it.

Counters begin at 0 with the process, as those of any server do; a run counts when it is over, and once more
where a later event says that it ended otherwise.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct, field

from pharos.gotext.numbers import format_g
from pharos.labels import BUCKET_LABEL, METRIC_NAME, Labels, labels_of
from pharos.runs.events import Layer, State
from pharos.runs.view import Summary

BOUNDS_S: Final = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400)
LAYER_BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
FAMILIES: Final[Mapping[str, tuple[str, str]]] = {
    "workflow_runs_total": ("counter", "Runs that are over, by how they ended."),
    "workflow_run_duration_seconds": ("histogram", "How long runs took that are over."),
    "workflow_run_cost_total": ("counter", "What runs cost that are over."),
    "workflow_steps_total": ("counter", "Steps of runs that are over, by whether they failed."),
    "workflow_runs_live": ("gauge", "Runs that are not over, by how they stand."),
    "workflow_run_missing": ("gauge", "Whether a run should have begun and did not."),
    "workflow_run_failing": ("gauge", "Whether the last three runs failed."),
    "workflow_run_flapping": ("gauge", "Whether runs fail and succeed in turns."),
    "workflow_last_success_timestamp_seconds": ("gauge", "When a run ended last that succeeded."),
    "workflow_run_expected_seconds": ("gauge", "How long a run usually takes."),
    "workflow_run_overdue_seconds": ("gauge", "Of runs that are late or stuck: for how long."),
    "workflow_validation_total": ("counter", "Layers of validations that passed or failed."),
    "workflow_validation_cache_total": (
        "counter",
        "Layers of validations that came from a cache or did not.",
    ),
    "workflow_validation_duration_seconds": ("histogram", "How long layers of validations took."),
}
"""By name: type, help."""
_NAMES_MOST: Final = 2_000
"""So many workflows or layers are told apart; the others count as one."""
OTHERS: Final = "(others)"
_MS_IN_S: Final = 1000


class _Durations(Struct):
    """A histogram of durations in seconds."""

    bounds: tuple[float, ...]
    counts: list[int]
    total: float = 0.0

    def add(self, value: float) -> None:
        """Count a duration."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def samples(self, name: str, labels: Labels) -> Iterator[tuple[Labels, float]]:
        """Yield its series and what they are."""
        running = 0
        for bound, count in zip((*map(format_g, self.bounds), "+Inf"), self.counts, strict=True):
            running += count
            yield named(f"{name}_bucket", *labels, (BUCKET_LABEL, bound)), float(running)
        yield named(f"{name}_sum", *labels), self.total
        yield named(f"{name}_count", *labels), float(running)


def _durations(bounds: tuple[float, ...]) -> _Durations:
    return _Durations(bounds, [0] * (len(bounds) + 1))


def named(name: str, *labels: tuple[str, str]) -> Labels:
    """Return the labels of a series; those that are empty are none."""
    return labels_of(((METRIC_NAME, name), *((key, value) for key, value in labels if value)))


class Tally(Struct):
    """The counters of a tenant."""

    ended: dict[tuple[str, str], int] = field(default_factory=dict)
    lasted: dict[str, _Durations] = field(default_factory=dict)
    costs: dict[tuple[str, str], float] = field(default_factory=dict)
    steps: dict[tuple[str, str], int] = field(default_factory=dict)
    succeeded_ms: dict[str, int] = field(default_factory=dict)
    layers: dict[tuple[str, str], int] = field(default_factory=dict)
    caches: dict[tuple[str, str], int] = field(default_factory=dict)
    layer_times: dict[str, _Durations] = field(default_factory=dict)

    def end(self, run: Summary) -> None:
        """Count a run that is over."""
        workflow = run.workflow if run.workflow in self.lasted or len(self.lasted) < _NAMES_MOST else OTHERS
        _add(self.ended, (workflow, run.told_state.value), 1)
        lasted = self.lasted.setdefault(workflow, _durations(BOUNDS_S))
        if run.duration_ms is not None:
            lasted.add(run.duration_ms / _MS_IN_S)
        if run.cost is not None:
            self.costs[workflow, run.cost_unit] = self.costs.get((workflow, run.cost_unit), 0.0) + run.cost
        if run.steps_total:
            _add(self.steps, (workflow, "failed"), run.steps_failed)
            _add(self.steps, (workflow, "succeeded"), run.steps_done)
        if run.told_state is State.SUCCEEDED and run.end_ms is not None:
            self.succeeded_ms[workflow] = max(self.succeeded_ms.get(workflow, 0), run.end_ms)

    def validate(self, layer: Layer) -> None:
        """Count what a layer of a validation found."""
        known = layer.name in self.layer_times or len(self.layer_times) < _NAMES_MOST
        name = layer.name if known else OTHERS
        times = self.layer_times.setdefault(name, _durations(LAYER_BOUNDS_S))
        _add(self.layers, (name, "passed" if layer.success else "failed"), 1)
        if layer.cache_hit is not None:
            _add(self.caches, (name, "hit" if layer.cache_hit else "miss"), 1)
        if layer.duration_ms is not None:
            times.add(layer.duration_ms / _MS_IN_S)

    def samples(self) -> Iterator[tuple[Labels, float]]:
        """Yield all counters and what they are."""
        for (workflow, state), count in self.ended.items():
            yield named("workflow_runs_total", ("workflow", workflow), ("state", state)), float(count)
        for workflow, lasted in self.lasted.items():
            yield from lasted.samples("workflow_run_duration_seconds", (("workflow", workflow),))
        for (workflow, unit), cost in self.costs.items():
            yield named("workflow_run_cost_total", ("workflow", workflow), ("unit", unit)), cost
        for (workflow, state), count in self.steps.items():
            yield named("workflow_steps_total", ("workflow", workflow), ("state", state)), float(count)
        for workflow, at_ms in self.succeeded_ms.items():
            name = "workflow_last_success_timestamp_seconds"
            yield named(name, ("workflow", workflow)), at_ms / _MS_IN_S
        for (layer, result), count in self.layers.items():
            yield named("workflow_validation_total", ("layer", layer), ("result", result)), float(count)
        for (layer, result), count in self.caches.items():
            name = "workflow_validation_cache_total"
            yield named(name, ("layer", layer), ("result", result)), float(count)
        for layer, times in self.layer_times.items():
            yield from times.samples("workflow_validation_duration_seconds", (("layer", layer),))


def _add(counts: dict[tuple[str, str], int], key: tuple[str, str], count: int) -> None:
    counts[key] = counts.get(key, 0) + count
