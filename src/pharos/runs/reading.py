"""Events as JSON: read strictly, each fault by the name of its field, and written again."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

import orjson
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.times import parse_rfc3339
from pharos.runs.events import OURS, OVER, STEP_OVER, EventKind, Layer, RunEvent, Schedule, State, StepRef
from pharos.runs.schedule import check_schedule

EVENTS_MOST: Final = 10_000
"""Of one request."""
_RUN_ID_LONGEST: Final = 300
_NAME_LONGEST: Final = 200
_MESSAGE_LONGEST: Final = 4096
_ERROR_LONGEST: Final = 16_384
_INPUTS_BYTES: Final = 16_384
_PAIRS_MOST: Final = 64
_LAYERS_MOST: Final = 64
_EDGES_MOST: Final = 200
_ATTEMPTS_MOST: Final = 1000
_NS_IN_MS: Final = 1_000_000
_AHEAD_NS: Final = 600 * 10**9
"""So far ahead of ours a sender's clock may be."""
_LAST_MS: Final = ((1 << 63) - 1) // _NS_IN_MS
_NO_PARTS: Final = frozenset({"", ".", ".."})
_HEX: Final = frozenset("0123456789abcdef")


def read_events(body: bytes, now_ns: int, *, by_line: bool = False) -> list[RunEvent]:
    """Return the events of a body: `{"events": […]}`, a list, one event; or one on each line.

    Raises PharosError: INVALID that names event and field, TOO_LARGE for too many.
    """
    if by_line:
        lines = [line for line in body.split(b"\n") if line.strip()]
        _check_count(len(lines))
        found = [_json(line, f"line {number}") for number, line in enumerate(lines, 1)]
        return [read_event(one, now_ns, where=f"line {number}") for number, one in enumerate(found, 1)]
    document = _json(body, "the body")
    if isinstance(document, dict) and "events" in document:
        unknown = document.keys() - {"events"}
        if unknown:
            _refuse("the body", f"there is no field {min(unknown)[:80]!r} beside events")
        document = document["events"]
    elif isinstance(document, dict):
        return [read_event(document, now_ns)]
    if not isinstance(document, list):
        _refuse("events", "must be a list of objects")
    _check_count(len(document))
    return [read_event(one, now_ns, where=f"events[{place}]") for place, one in enumerate(document)]


def _json(text: bytes, where: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, f"{where} is no JSON: {exc}") from exc


def _check_count(count: int) -> None:
    if count > EVENTS_MOST:
        raise PharosError(
            Kind.TOO_LARGE, f"{count} events are more than {EVENTS_MOST}", hint="send several requests"
        )


def read_event(document: Any, now_ns: int, where: str = "event") -> RunEvent:
    """Return the event that a JSON object is; one without a time happened at `now_ns`.

    Raises PharosError(INVALID) that names the field at fault.
    """
    one = _Object(document, where)
    step = one.get("step", _step)
    kind = one.required("kind", _kind)
    event = RunEvent(
        run_id=one.required("run_id", _run_id),
        kind=kind,
        time_ns=_time_ns(one, now_ns),
        id=one.get("id", _event_id) or "",
        workflow=one.text("workflow"),
        state=one.get("state", _state),
        attempt=one.get("attempt", _attempt) or 1,
        step=step,
        parent=one.get("parent", _optional(_RUN_ID_LONGEST)) or "",
        owner=one.text("owner"),
        version=one.text("version"),
        engine=one.text("engine"),
        node=one.text("node"),
        service=one.text("service"),
        trace_id=one.get("trace_id", _digits(32)) or "",
        span_id=one.get("span_id", _digits(16)) or "",
        inputs=one.get("inputs", _inputs) or {},
        input_size=one.get("input_size", _amount),
        progress=one.get("progress", _ratio),
        message=one.get("message", _optional(_MESSAGE_LONGEST)) or "",
        error=one.get("error", _optional(_ERROR_LONGEST)) or "",
        cost=one.get("cost", _amount),
        cost_unit=one.text("cost_unit"),
        resources=one.get("resources", _resources) or {},
        validation=one.get("validation", _layers) or (),
        deadline_ns=_deadline_ns(one),
        heartbeat_every_ms=one.get("heartbeat_every_ms", _duration_ms),
        schedule=one.get("schedule", _schedule),
        attributes=one.get("attributes", _attributes) or {},
    )
    one.check_nothing_else()
    return _checked(event, where)


def _checked(event: RunEvent, where: str) -> RunEvent:
    if event.kind is not EventKind.END:
        if event.state is not None:
            _refuse(f"{where}.state", f"goes with the kind end, not with {event.kind}")
        return event
    if event.state is None:
        return replace(event, state=State.SUCCEEDED)
    ends = OVER if event.step is None else STEP_OVER
    if event.state not in ends:
        _refuse(f"{where}.state", f"must be one of {', '.join(ends)}")
    return event


class _Object:
    """A JSON object of which fields are taken one by one; null is as good as left out."""

    def __init__(self, document: Any, where: str) -> None:
        if not isinstance(document, dict):
            _refuse(where, "must be an object")
        self._left: dict[str, Any] = dict(document)
        self._names: list[str] = []
        self.where = where

    def get(self, name: str, read: Callable[[str, Any], Any]) -> Any:
        """Return what `read` makes of a field; None for one that is not there."""
        self._names.append(name)
        value = self._left.pop(name, None)
        return None if value is None else read(f"{self.where}.{name}", value)

    def text(self, name: str) -> str:
        """Return a short text, empty where there is none."""
        found: str = self.get(name, _short) or ""
        return found

    def required(self, name: str, read: Callable[[str, Any], Any]) -> Any:
        """Return what `read` makes of a field that must be there."""
        found = self.get(name, read)
        if found is None:
            _refuse(f"{self.where}.{name}", "is missing")
        return found

    def check_nothing_else(self) -> None:
        """Raise PharosError(INVALID) where a field was not asked for."""
        if self._left:
            known = ", ".join(sorted(self._names))
            _refuse(self.where, f"there is no field {min(self._left)[:80]!r}; there are {known}")


def _refuse(where: str, why: str) -> NoReturn:
    raise PharosError(Kind.INVALID, f"{where}: {why}")


def _text(where: str, value: Any, longest: int) -> str:
    if not isinstance(value, str):
        _refuse(where, "must be a text")
    if len(value) > longest:
        _refuse(where, f"has more than {longest} characters")
    if "\0" in value:
        _refuse(where, "must not hold the character NUL")
    return value


def _named(longest: int) -> Callable[[str, Any], str]:
    def read(where: str, value: Any) -> str:
        text = _text(where, value, longest)
        if not text.strip():
            _refuse(where, "must not be empty")
        return text

    return read


def _optional(longest: int) -> Callable[[str, Any], str]:
    return lambda where, value: _text(where, value, longest)


_short: Final = _optional(_NAME_LONGEST)


def _run_id(where: str, value: Any) -> str:
    text = _named(_RUN_ID_LONGEST)(where, value)
    # It stands in addresses, where these would be taken for something else.
    if not text.isprintable() or any(part in _NO_PARTS for part in text.split("/")):
        _refuse(where, "must be printable, with no part between slashes that is empty, . or ..")
    return text


def _event_id(where: str, value: Any) -> str:
    text = _text(where, value, _NAME_LONGEST)
    if text.startswith(OURS):
        _refuse(where, f"must not begin with {OURS}, which Pharos' own do")
    return text


def _kind(where: str, value: Any) -> EventKind:
    if not isinstance(value, str) or value not in EventKind._value2member_map_:
        _refuse(where, f"must be one of {', '.join(EventKind)}")
    return EventKind(value)


def _state(where: str, value: Any) -> State:
    if not isinstance(value, str) or value not in STEP_OVER:
        _refuse(where, f"must be one of {', '.join(STEP_OVER)}")
    return State(value)


def _whole(where: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        _refuse(where, f"must be a whole number from {least} to {most}")
    return value


def _attempt(where: str, value: Any) -> int:
    return _whole(where, value, 1, _ATTEMPTS_MOST)


def _duration_ms(where: str, value: Any) -> int:
    return _whole(where, value, 1, _LAST_MS)


def _number(where: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        _refuse(where, "must be a number")
    return float(value)


def _amount(where: str, value: Any) -> float:
    number = _number(where, value)
    if number < 0:
        _refuse(where, "must not be below 0")
    return number


def _ratio(where: str, value: Any) -> float:
    number = _number(where, value)
    if not 0 <= number <= 1:
        _refuse(where, "must be a ratio from 0 to 1")
    return number


def _digits(count: int) -> Callable[[str, Any], str]:
    def read(where: str, value: Any) -> str:
        text = _text(where, value, count).lower()
        if text and (len(text) != count or not _HEX.issuperset(text)):
            _refuse(where, f"must have {count} hexadecimal digits")
        return text

    return read


def _time_ns(one: _Object, now_ns: int) -> int:
    at_ms = one.get("time_ms", lambda where, value: _whole(where, value, 0, _LAST_MS))
    text = one.get("time", _rfc3339_ns)
    if at_ms is not None and text is not None:
        _refuse(f"{one.where}.time", "time_ms is there already; leave one of them out")
    told_ns: int = at_ms * _NS_IN_MS if at_ms is not None else now_ns if text is None else text
    return min(told_ns, now_ns + _AHEAD_NS)


def _rfc3339_ns(where: str, value: Any) -> int:
    try:
        return max(parse_rfc3339(_text(where, value, 64)).ns, 0)
    except PharosError as exc:
        if exc.message.startswith(where):
            raise
        raise PharosError(Kind.INVALID, f"{where}: must be a time as RFC 3339 writes it") from exc


def _deadline_ns(one: _Object) -> int | None:
    at_ms: int | None = one.get("deadline_ms", lambda where, value: _whole(where, value, 0, _LAST_MS))
    return None if at_ms is None else at_ms * _NS_IN_MS


def _step(where: str, value: Any) -> StepRef:
    one = _Object(value, where)
    step = StepRef(
        id=one.required("id", _named(_NAME_LONGEST)),
        name=one.text("name"),
        attempt=one.get("attempt", _attempt) or 1,
        depends_on=one.get("depends_on", _edges) or (),
    )
    one.check_nothing_else()
    return step


def _edges(where: str, value: Any) -> tuple[str, ...]:
    _check_list(where, value, _EDGES_MOST)
    read = _named(_NAME_LONGEST)
    return tuple(dict.fromkeys(read(f"{where}[{place}]", one) for place, one in enumerate(value)))


def _check_list(where: str, value: Any, most: int) -> None:
    if not isinstance(value, list):
        _refuse(where, "must be a list")
    if len(value) > most:
        _refuse(where, f"has more than {most} entries")


def _inputs(where: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        _refuse(where, "must be an object")
    if len(orjson.dumps(value)) > _INPUTS_BYTES:
        _refuse(where, f"has more than {_INPUTS_BYTES} bytes as JSON")
    return value


def _pairs(where: str, value: Any) -> Iterable[tuple[str, Any]]:
    if not isinstance(value, dict):
        _refuse(where, "must be an object")
    if len(value) > _PAIRS_MOST:
        _refuse(where, f"has more than {_PAIRS_MOST} entries")
    for key in value:
        if not key or len(key) > _NAME_LONGEST or "\0" in key:
            _refuse(where, f"the name {key[:80]!r} must have 1 to {_NAME_LONGEST} characters")
    found: Iterable[tuple[str, Any]] = value.items()
    return found


def _resources(where: str, value: Any) -> dict[str, float]:
    return {key: _number(f"{where}.{key[:80]}", one) for key, one in _pairs(where, value)}


def _attributes(where: str, value: Any) -> dict[str, Any]:
    return {key: _attribute(f"{where}.{key[:80]}", one) for key, one in _pairs(where, value)}


def _attribute(where: str, value: Any) -> Any:
    if isinstance(value, str):
        return _text(where, value, _MESSAGE_LONGEST)
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    _refuse(where, "must be a text, a number, true or false")


def _layers(where: str, value: Any) -> tuple[Layer, ...]:
    _check_list(where, value, _LAYERS_MOST)
    return tuple(_layer(f"{where}[{place}]", one) for place, one in enumerate(value))


def _layer(where: str, value: Any) -> Layer:
    one = _Object(value, where)
    layer = Layer(
        name=one.required("name", _named(_NAME_LONGEST)),
        success=one.required("success", _truth),
        duration_ms=one.get("duration_ms", _amount),
        cache_hit=one.get("cache_hit", _truth),
    )
    one.check_nothing_else()
    return layer


def _truth(where: str, value: Any) -> bool:
    if not isinstance(value, bool):
        _refuse(where, "must be true or false")
    return value


def _schedule(where: str, value: Any) -> Schedule:
    one = _Object(value, where)
    schedule = Schedule(
        every_ms=one.get("every_ms", _duration_ms) or 0,
        cron=one.text("cron"),
        timezone=one.text("timezone"),
    )
    one.check_nothing_else()
    check_schedule(schedule, where)
    return schedule


def read_call(document: Any, call: str, now_ns: int, run_id: str = "") -> RunEvent:
    """Return the event of a call that says one thing: start, step, progress, heartbeat or end.

    Its object has no `kind`; that of a step says in `step.state` whether it runs or how it ended. `run_id` is
    taken where the object names none. Raises PharosError(INVALID) that names the field at fault.
    """
    if not isinstance(document, dict):
        _refuse("the body", "must be an object")
    if "kind" in document:
        _refuse("kind", "is said by the address")
    given = dict(document)
    if run_id and given.get("run_id") is None:
        given["run_id"] = run_id
    if call != "step":
        return read_event({**given, "kind": call}, now_ns, where="body")
    step = given.get("step")
    if not isinstance(step, dict):
        _refuse("body.step", "must be an object")
    state = step.get("state", "running")
    given["step"] = {name: value for name, value in step.items() if name != "state"}
    if state in _STEP_KINDS:
        return read_event({**given, "kind": _STEP_KINDS[state]}, now_ns, where="body")
    if not isinstance(state, str) or state not in STEP_OVER:
        _refuse("body.step.state", f"must be one of {', '.join((*_STEP_KINDS, *STEP_OVER))}")
    return read_event({**given, "kind": "end", "state": state}, now_ns, where="body")


_STEP_KINDS: Final = {"pending": "queue", "running": "start", "paused": "pause"}


def stored_event(document: Mapping[str, Any], time_ns: int) -> RunEvent:
    """Return the event that `event_json` wrote, which was checked before; its time to the nanosecond."""
    given: dict[str, Any] = {name: document[name] for name in (*_PLAIN, *_NUMBERS) if name in document}
    if "state" in document:
        given["state"] = State(document["state"])
    if "deadline_ms" in document:
        given["deadline_ns"] = document["deadline_ms"] * _NS_IN_MS
    if "step" in document:
        step = document["step"]
        edges = tuple(step.get("depends_on", ()))
        given["step"] = StepRef(step["id"], step.get("name", ""), step.get("attempt", 1), edges)
    if "validation" in document:
        given["validation"] = tuple(Layer(**one) for one in document["validation"])
    if "schedule" in document:
        given["schedule"] = Schedule(**document["schedule"])
    return RunEvent(
        document["run_id"],
        EventKind(document["kind"]),
        time_ns,
        attempt=document.get("attempt", 1),
        **given,
    )


_PLAIN: Final = (
    "id",
    "workflow",
    "parent",
    "owner",
    "version",
    "engine",
    "node",
    "service",
    "trace_id",
    "span_id",
    "inputs",
    "message",
    "error",
    "cost_unit",
    "resources",
    "attributes",
)
_NUMBERS: Final = ("input_size", "progress", "cost", "heartbeat_every_ms")


def event_json(event: RunEvent) -> dict[str, Any]:
    """Return an event as `read_event` reads it, without what it does not say; time in milliseconds."""
    found: dict[str, Any] = {
        "run_id": event.run_id,
        "kind": event.kind.value,
        "time_ms": event.time_ns // _NS_IN_MS,
    }
    found |= {name: value for name in _PLAIN if (value := getattr(event, name))}
    found |= {name: value for name in _NUMBERS if (value := getattr(event, name)) is not None}
    if event.state is not None:
        found["state"] = event.state.value
    if event.attempt != 1:
        found["attempt"] = event.attempt
    if event.deadline_ns is not None:
        found["deadline_ms"] = event.deadline_ns // _NS_IN_MS
    if event.step is not None:
        found["step"] = _step_json(event.step)
    if event.validation:
        found["validation"] = [_layer_json(one) for one in event.validation]
    if event.schedule is not None:
        found["schedule"] = schedule_json(event.schedule)
    return found


def _step_json(step: StepRef) -> dict[str, Any]:
    found: dict[str, Any] = {"id": step.id}
    if step.name:
        found["name"] = step.name
    if step.attempt != 1:
        found["attempt"] = step.attempt
    if step.depends_on:
        found["depends_on"] = list(step.depends_on)
    return found


def _layer_json(layer: Layer) -> dict[str, Any]:
    found: dict[str, Any] = {"name": layer.name, "success": layer.success}
    if layer.duration_ms is not None:
        found["duration_ms"] = layer.duration_ms
    if layer.cache_hit is not None:
        found["cache_hit"] = layer.cache_hit
    return found


def schedule_json(schedule: Schedule) -> dict[str, Any]:
    """Return a schedule as `read_event` reads it."""
    if schedule.every_ms:
        return {"every_ms": schedule.every_ms}
    found: dict[str, Any] = {"cron": schedule.cron}
    return found | ({"timezone": schedule.timezone} if schedule.timezone else {})
