"""The shop: five services that call each other, second by second, as spans, log lines and counters.

Nothing here reads a clock or the system's chance: the same seconds and the same seed make the same shop.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Final

from msgspec import Struct, field

from pharos.demo.story import Moment, moment_at
from pharos.ingest.events.requests import EventRequest, Pairs, log_record, resource_of, scope_of, span

SERVICES: Final = ("frontend", "catalog", "cart", "checkout", "payments")
MOST_PER_S: Final = 8
"""So many visits a second at most."""
BOUNDS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
_NS: Final = 1_000_000_000
_MS: Final = 1_000_000
_SERVER: Final = 2
_CLIENT: Final = 3
_ERROR: Final = 2
_INFO: Final = (9, "INFO")
_WARN: Final = (13, "WARN")
_FAULT: Final = (17, "ERROR")
_POOL: Final = 20
_SCOPE: Final = scope_of("shop")


class Call(Struct, frozen=True):
    """A piece of work of a service, and what it calls for it one after the other."""

    service: str
    name: str
    own_ms: float
    calls: tuple[Call, ...] = ()


_QUERY: Final = Call("catalog", "SELECT products", 4.0)
_PRODUCT: Final = Call("catalog", "GET /products/{id}", 3.0, (_QUERY,))
_LIST: Final = Call("catalog", "GET /products", 6.0, (_QUERY, _QUERY))
_CART: Final = Call("cart", "GET /cart", 2.0)
_ADD: Final = Call("cart", "POST /cart/items", 3.0)
_PAY: Final = Call("payments", "POST /payments", 12.0, (Call("payments", "authorise card", 35.0),))
_CHECK_OUT: Final = Call("checkout", "POST /orders", 8.0, (_CART, _PRODUCT, _PAY))
VISITS: Final[tuple[tuple[Call, int], ...]] = (
    (Call("frontend", "GET /", 5.0, (_LIST,)), 45),
    (Call("frontend", "GET /product/{id}", 4.0, (_PRODUCT, _CART)), 30),
    (Call("frontend", "POST /cart", 4.0, (_ADD,)), 13),
    (Call("frontend", "POST /checkout", 6.0, (_CHECK_OUT,)), 12),
)
"""What visitors do, and how often of a hundred times."""


class Latency(Struct):
    """How long requests of one route took, as a histogram with counts up to each bound."""

    buckets: list[int] = field(default_factory=lambda: [0] * (len(BOUNDS_S) + 1))
    sum_s: float = 0.0

    def add(self, seconds: float) -> None:
        """Count a request."""
        self.sum_s += seconds
        for place, bound in enumerate(BOUNDS_S):
            if seconds <= bound:
                self.buckets[place] += 1
        self.buckets[-1] += 1


class Totals(Struct):
    """What is counted from the shop's begin on."""

    requests: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """By service, route and status."""
    latencies: dict[tuple[str, str], Latency] = field(default_factory=dict)
    orders: int = 0
    revenue_cents: int = 0
    waiting: float = 0.0
    """Who waits for a connection of payments' pool."""


class Told(Struct):
    """What a second or several brought: requests of logs and spans, as a sender would send them."""

    logs: EventRequest = field(default_factory=EventRequest)
    spans: EventRequest = field(default_factory=EventRequest)


class _Visit(Struct, frozen=True):
    """What the spans of one visit have in common."""

    trace_id: bytes
    moment: Moment
    told: Told


class Shop:
    """The shop from a second on."""

    def __init__(self, chance: Random, began_s: int) -> None:
        self._chance = chance
        self._began_s = began_s
        self.totals = Totals()

    def moment(self, second: int) -> Moment:
        """Return how it stands with payments at a second."""
        return moment_at(second, self._began_s)

    def live(self, second: int, told: Told) -> None:
        """Have a second of the shop happen."""
        moment = self.moment(second)
        # More by day than by night, where a day has as many minutes as ours has hours.
        wave = 0.6 + 0.4 * math.sin(second / 1440 * 2 * math.pi)
        visits = min(MOST_PER_S, 1 + int(self._chance.random() * 5 * wave))
        self.totals.waiting += (45 * moment.strain - self.totals.waiting) / 5
        for _ in range(visits):
            start_ns = second * _NS + self._chance.randrange(_NS)
            call = self._chance.choices([one for one, _ in VISITS], [weight for _, weight in VISITS])[0]
            visit = _Visit(self._chance.randbytes(16), moment, told)
            self._happen(visit, call, b"", start_ns)

    def _happen(self, visit: _Visit, call: Call, parent_id: bytes, start_ns: int) -> tuple[int, bool]:
        """Have a call happen; return when it ended, and whether it failed."""
        span_id = self._chance.randbytes(8)
        at_ns = start_ns + self._took_ns(call, visit.moment) // 2
        failed = False
        for one in call.calls:
            at_ns, has_failed = self._called(visit, call, one, span_id, at_ns)
            failed = failed or has_failed
            if failed:
                break
        failed = failed or self._fails(call, visit.moment)
        end_ns = at_ns + self._took_ns(call, visit.moment) // 2
        status = "500" if failed else "200"
        attributes: Pairs = [("http.route", call.name), ("http.response.status_code", int(status))]
        resource = self._resource(call.service, visit.moment)
        made = span(
            call.name,
            trace_id=visit.trace_id,
            span_id=span_id,
            parent_id=parent_id,
            kind=_SERVER,
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=attributes,
            status=_ERROR if failed else 0,
        )
        visit.told.spans.add(resource, made, _SCOPE)
        self._count(call, status, (end_ns - start_ns) / _NS)
        self._say(visit, call, resource, span_id, end_ns, failed)
        return end_ns, failed

    def _called(
        self, visit: _Visit, caller: Call, call: Call, parent_id: bytes, start_ns: int
    ) -> tuple[int, bool]:
        """Have a call happen, with a span of who calls where that is another service."""
        if call.service == caller.service:
            return self._happen(visit, call, parent_id, start_ns)
        span_id = self._chance.randbytes(8)
        end_ns, failed = self._happen(visit, call, span_id, start_ns + 300_000)
        end_ns += 300_000
        made = span(
            call.name,
            trace_id=visit.trace_id,
            span_id=span_id,
            parent_id=parent_id,
            kind=_CLIENT,
            start_ns=start_ns,
            end_ns=end_ns,
            attributes=[("peer.service", call.service)],
            status=_ERROR if failed else 0,
        )
        visit.told.spans.add(self._resource(caller.service, visit.moment), made, _SCOPE)
        return end_ns, failed

    def _took_ns(self, call: Call, moment: Moment) -> int:
        took_ms = call.own_ms * self._chance.lognormvariate(0, 0.35)
        if call.service == "payments" and moment.is_broken:
            took_ms += 450 * moment.strain * self._chance.random()
        return int(took_ms * _MS)

    def _fails(self, call: Call, moment: Moment) -> bool:
        if call.name == "authorise card":
            return self._chance.random() < 0.45 * moment.strain
        return self._chance.random() < 0.0008

    def _count(self, call: Call, status: str, seconds: float) -> None:
        self.totals.requests[call.service, call.name, status] += 1
        self.totals.latencies.setdefault((call.service, call.name), Latency()).add(seconds)
        if call.name == "POST /orders" and status == "200":
            self.totals.orders += 1
            self.totals.revenue_cents += self._chance.randrange(900, 12_000)

    def _say(
        self, visit: _Visit, call: Call, resource: bytes, span_id: bytes, at_ns: int, failed: bool
    ) -> None:
        """Write what the service logs of a call."""
        for (severity, word), body, attributes in self._lines(call, visit.moment, failed):
            record = log_record(
                body,
                ts_ns=at_ns,
                severity=severity,
                severity_text=word,
                attributes=attributes,
                trace_id=visit.trace_id,
                span_id=span_id,
            )
            visit.told.logs.add(resource, record, _SCOPE)

    def _lines(
        self, call: Call, moment: Moment, failed: bool
    ) -> Sequence[tuple[tuple[int, str], str, Pairs]]:
        pick = self._chance.randrange
        if call.service == "frontend":
            said = f"{call.name} {500 if failed else 200}"
            return [(_FAULT if failed else _INFO, said, [("visitor", f"v{pick(4000)}")])]
        if call.name == "authorise card" and failed:
            waiting = 1 + int(self.totals.waiting)
            said = f"no connection to the bank within 500 ms: {_POOL} of {_POOL} in use, {waiting} wait"
            return [(_FAULT, said, [("pool", "bank"), ("release", moment.version)])]
        if call.name == "POST /orders":
            order = f"o-{pick(10**6):06d}"
            said = f"order {order} could not be paid" if failed else f"order {order} was placed"
            return [(_FAULT if failed else _INFO, said, [("order", order)])]
        if call.name == "POST /cart/items" and pick(20) == 0:
            return [(_WARN, f"product {pick(300)} has {pick(4)} left", [("product", str(pick(300)))])]
        return []

    @staticmethod
    def _resource(service: str, moment: Moment) -> bytes:
        version = moment.version if service == "payments" else "3.2.0"
        return resource_of(
            [
                ("service.name", service),
                ("service.namespace", "shop"),
                ("service.version", version),
                ("service.instance.id", f"{service}-1"),
                ("host.name", f"{service}-1"),
            ]
        )

    def pool_in_use(self) -> int:
        """Return how many connections payments has in use."""
        return min(_POOL, 3 + int(self.totals.waiting))
