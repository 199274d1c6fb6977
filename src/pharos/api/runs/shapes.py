"""What answers about runs look like, as JSON schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pharos.api.native.reading import STRING, TIME, Schema, object_of

_WHOLE: Final[Schema] = {"type": "integer"}
_BOOL: Final[Schema] = {"type": "boolean"}
_NUMBER: Final[Schema] = {"type": "number"}
_MAYBE_WHOLE: Final[Schema] = {"type": ["integer", "null"]}
_MAYBE_NUMBER: Final[Schema] = {"type": ["number", "null"]}
_OBJECT: Final[Schema] = {"type": "object"}
_MAYBE_OBJECT: Final[Schema] = {"type": ["object", "null"]}


def _list(items: Schema) -> Schema:
    return {"type": "array", "items": dict(items)}


def _properties(kind: Schema, *names: str) -> dict[str, Schema]:
    return dict.fromkeys(names, kind)


SUMMARY: Final = object_of(
    **_properties(
        STRING,
        *("run_id", "workflow", "state", "told_state", "reason", "expected_from", "progress_from"),
        *("current_step", "owner", "version", "engine", "node", "service", "parent", "trace_id"),
        *("cost_unit", "message", "error", "url"),
    ),
    **_properties(
        _MAYBE_WHOLE,
        *("queued_ms", "start_ms", "end_ms", "duration_ms", "expected_end_ms", "late_after_ms"),
        *("last_heard_ms", "deadline_ms"),
    ),
    **_properties(_WHOLE, "attempt", "steps_total", "steps_done", "steps_failed"),
    **_properties(_MAYBE_NUMBER, "progress", "input_size", "cost"),
    is_over=_BOOL,
)
PAGE: Final = object_of(runs=_list(SUMMARY), cursor=STRING, live=_WHOLE)
_STEP: Final = object_of(
    **_properties(STRING, "id", "name", "state", "error", "node", "message", "trace_id", "span_id"),
    **_properties(_MAYBE_WHOLE, "queued_ms", "start_ms", "end_ms", "duration_ms"),
    **_properties(_WHOLE, "attempt", "attempts"),
    **_properties(_MAYBE_NUMBER, "progress", "cost", "input_size", "typical_ms", "typical_p95_ms"),
    **_properties(_OBJECT, "resources", "attributes", "inputs"),
    depends_on=_list(STRING),
    tries=_list(_OBJECT),
)
RUN: Final = object_of(
    run=SUMMARY,
    **_properties(_OBJECT, "inputs", "attributes", "resources", "links"),
    **_properties(_MAYBE_OBJECT, "schedule", "typical"),
    events=_WHOLE,
    steps=_list(_STEP),
    edges=_list(_list(STRING)),
    validation=_list(_OBJECT),
    children=_list(SUMMARY),
    history=_list(_OBJECT),
)
EVENTS: Final = object_of(events=_list(_OBJECT), cursor=STRING)
_GROUP: Final = {
    **_properties(_WHOLE, "runs", "live", "succeeded", "failed", "aborted", "timed_out"),
    **_properties(
        _MAYBE_NUMBER,
        *("success_rate", "duration_p50_ms", "duration_p95_ms", "duration_p99_ms", "duration_mean_ms"),
        *("cost_mean",),
    ),
    "cost_sum": _NUMBER,
    "last_start_ms": _MAYBE_WHOLE,
    "last_state": STRING,
}
STATISTICS: Final = object_of(
    groups=_list(object_of(value=STRING, **_GROUP)),
    total=object_of(**_GROUP),
    steps=_list(object_of(**_properties(_WHOLE, "start_ms", "succeeded", "failed", "other"))),
    step_ms=_WHOLE,
)
WORKFLOWS: Final = object_of(
    workflows=_list(
        object_of(
            **_properties(STRING, "workflow", "state", "reason", "schedule_from", "owner"),
            **_properties(_WHOLE, "live", "late", "stuck", "runs"),
            **_properties(
                _MAYBE_NUMBER, "success_rate", "duration_p50_ms", "duration_p95_ms", "duration_p99_ms"
            ),
            cost_sum=_NUMBER,
            last={"anyOf": [SUMMARY, {"type": "null"}]},
            recent=_list(STRING),
            schedule=_MAYBE_OBJECT,
            expected_start_ms=_MAYBE_WHOLE,
            versions=_list(STRING),
        )
    )
)
DIFF: Final = object_of(
    a=SUMMARY,
    b=SUMMARY,
    **_properties(_list(_OBJECT), "fields", "inputs", "attributes", "steps"),
    duration_change_ms=_MAYBE_WHOLE,
    cost_change=_MAYBE_NUMBER,
)
RECORDED: Final = object_of(accepted=_WHOLE, doubled=_WHOLE)
RECORDED_RUN: Final = object_of(run_id=STRING, accepted=_WHOLE, doubled=_WHOLE)
LAST_WEEK: Final[Mapping[str, Schema]] = {
    "start": {**TIME, "description": "Of when runs began; a week ago where it is left out."},
    "end": TIME,
}
FILTERS: Final[Mapping[str, Schema]] = {
    **LAST_WEEK,
    "workflow": {**STRING, "description": "One or several, with commas between."},
    "state": {**STRING, "description": "One or several, with commas between; live, over."},
    **_properties(STRING, "owner", "version", "node", "engine", "parent"),
    "query": {**STRING, "description": "What the id, workflow, owner or error holds."},
}


def count(most: int) -> dict[str, Any]:
    """Return the schema of how many are wanted."""
    return {"type": "integer", "minimum": 1, "maximum": most}
