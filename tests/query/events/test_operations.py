"""What services do: read once, then only what came since; forgotten when it is gone."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field

import pytest

from pharos.access import Scope, upkeep
from pharos.engine import sql
from pharos.engine.changes import Changes
from pharos.engine.embedded.store import EmbeddedEngine
from pharos.ingest.events.batch import SpanSignal
from pharos.ingest.events.requests import EventRequest, resource_of, span
from pharos.query.events.operations import Operation
from pharos.query.events.spans import SpanStore
from pharos.search.window import Window

_S = 10**9
_DAY_S = 86_400
_MIDNIGHT_S = 1_768_435_200
_TODAY = Window(_MIDNIGHT_S * _S, (_MIDNIGHT_S + 3_600) * _S)
_TOKENS = itertools.count()


@dataclass
class Served:
    """A tenant whose spans come in, and who is asked about them."""

    engine: EmbeddedEngine
    scope: Scope
    changes: Changes = field(default_factory=Changes)
    store: SpanStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = SpanStore(self.changes)

    def come(self, at_s: int, service: str, name: str, *, began_s: int | None = None, kind: int = 2) -> None:
        """Take a span in, at a time from midnight."""
        start_ns = (_MIDNIGHT_S + (at_s if began_s is None else began_s)) * _S
        request = EventRequest()
        made = span(name, trace_id=b"t" * 16, span_id=b"s" * 8, kind=kind, start_ns=start_ns, end_ns=start_ns)
        request.add(resource_of([("service.name", service)]), made)
        batch = (signal := SpanSignal()).begin()
        signal.decode(batch, self.scope.tenant, request.body(), (_MIDNIGHT_S + at_s) * _S)
        batch.insert(self.engine, f"operations-{next(_TOKENS)}")
        batch.note(self.changes)

    def operations(self, window: Window = _TODAY, service: str | None = None) -> list[tuple[str, str, int]]:
        """Return what is known of them."""
        found = self.engine.run_blocking(lambda one: self.store.operations(one, self.scope, window, service))
        assert all(isinstance(one, Operation) for one in found)
        return [(one.service, one.name, one.kind) for one in found]


@pytest.fixture
def served(engine: EmbeddedEngine) -> Served:
    return Served(engine, upkeep(f"operating{next(_TOKENS)}"))


def test_what_came_since_is_added_to_what_is_known(served: Served) -> None:
    assert served.operations() == []
    served.come(1_000, "cart", "GET")
    assert served.operations() == [("cart", "GET", 2)]
    served.come(1_001, "cart", "GET", kind=3)
    served.come(1_002, "front", "GET")
    assert served.operations() == [("cart", "GET", 2), ("cart", "GET", 3), ("front", "GET", 2)]
    assert served.operations(service="front") == [("front", "GET", 2)]


def test_a_span_that_is_stored_later_than_another_that_came_after_it_is_known(served: Served) -> None:
    served.come(1_000, "cart", "GET")
    assert served.operations() == [("cart", "GET", 2)]
    served.come(900, "cart", "PUT")
    assert served.operations() == [("cart", "GET", 2), ("cart", "PUT", 2)]


def test_days_that_are_not_asked_for_do_not_count(served: Served) -> None:
    served.come(1_000, "cart", "GET")
    served.come(1_000, "cart", "old", began_s=-1_000)
    assert served.operations() == [("cart", "GET", 2)]
    yesterday = Window(_TODAY.start_ns - _DAY_S * _S, _TODAY.start_ns - 1)
    assert served.operations(yesterday) == [("cart", "old", 2)]


def test_what_a_tenant_deleted_is_forgotten(served: Served) -> None:
    served.come(1_000, "cart", "GET")
    assert served.operations() == [("cart", "GET", 2)]
    served.engine.control(lambda one: one.execute(sql.delete(served.scope, "spans").text))
    served.changes.note_rewritten(served.scope.tenant)
    assert served.operations() == []
