"""Events of runs at random, for tests that shuffle, double and lose them."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from pharos.runs.events import EventKind, Layer, RunEvent, State, StepRef

_NS = 1_000_000
TIMES = st.integers(0, 40).map(lambda tick: (1_700_000_000_000 + tick * 1000) * _NS)
_WORDS = st.sampled_from(["", "", "a", "b"])
_ENDS = st.sampled_from([State.SUCCEEDED, State.FAILED, State.ABORTED, State.TIMED_OUT])


@st.composite
def events(draw: st.DrawFn, run_id: str = "r") -> RunEvent:
    """Return an event of a run, often at the same time as others."""
    kind = draw(st.sampled_from(EventKind))
    step = draw(
        st.none()
        | st.builds(
            StepRef,
            id=st.sampled_from("xyz"),
            name=_WORDS,
            attempt=st.integers(1, 3),
            depends_on=st.sampled_from([(), ("x",), ("x", "y")]),
        )
    )
    told: dict[str, Any] = {
        "workflow": draw(_WORDS),
        "owner": draw(_WORDS),
        "version": draw(_WORDS),
        "node": draw(_WORDS),
        "error": draw(_WORDS),
        "progress": draw(st.none() | st.sampled_from([0.0, 0.5, 1.0])),
        "cost": draw(st.none() | st.sampled_from([1.0, 2.5])),
        "resources": draw(st.dictionaries(st.sampled_from(["cpu", "memory"]), st.floats(0, 1), max_size=2)),
        "attributes": draw(st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2)),
        "validation": draw(st.lists(st.builds(Layer, st.sampled_from("qp"), st.booleans()), max_size=2)),
    }
    told["validation"] = tuple(told["validation"])
    return RunEvent(
        run_id,
        kind,
        draw(TIMES),
        state=draw(_ENDS) if kind is EventKind.END else None,
        attempt=draw(st.integers(1, 2)),
        step=step,
        **told,
    )
