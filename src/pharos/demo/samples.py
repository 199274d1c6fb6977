"""The shop's counters as samples: what a scrape of its five services would have found."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from pharos.demo.shop import BOUNDS_S, SERVICES, Shop
from pharos.ingest.remote_write.messages import encode_labels, encode_metadata, encode_sample

EVERY_S: Final = 5
_METADATA: Final = (
    ("shop_requests", "counter", "Requests by route and status.", ""),
    ("shop_request_duration_seconds", "histogram", "How long requests took.", "seconds"),
    ("shop_orders", "counter", "Orders that were paid.", ""),
    ("shop_revenue_euros", "counter", "What orders brought in.", "euros"),
    ("shop_pool_connections", "gauge", "Connections to the bank that are in use.", ""),
    ("shop_pool_waiting", "gauge", "Payments that wait for a connection to the bank.", ""),
)
_MEMORY_BYTES: Final = {
    "frontend": 180e6,
    "catalog": 320e6,
    "cart": 90e6,
    "checkout": 140e6,
    "payments": 210e6,
}


def write_request(shop: Shop, second: int) -> bytes:
    """Return a WriteRequest with a sample of each of the shop's series at a second."""
    parts = [
        encode_sample(encode_labels(tuple(sorted(labels.items()))), _bits(value), second * 1000)
        for labels, value in _samples(shop, second)
    ]
    return b"".join((*parts, *(encode_metadata(*one) for one in _METADATA)))


def _bits(value: float) -> int:
    found: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return found


def _samples(shop: Shop, second: int) -> Iterator[tuple[dict[str, str], float]]:
    totals = shop.totals
    for (service, route, status), count in sorted(totals.requests.items()):
        yield {**_of("shop_requests_total", service), "route": route, "status": status}, count
    for (service, route), latency in sorted(totals.latencies.items()):
        labels = {**_of("shop_request_duration_seconds", service), "route": route}
        for bound, count in zip((*map(str, BOUNDS_S), "+Inf"), latency.buckets, strict=True):
            yield {**labels, "__name__": f"{labels['__name__']}_bucket", "le": bound}, count
        yield {**labels, "__name__": f"{labels['__name__']}_sum"}, latency.sum_s
        yield {**labels, "__name__": f"{labels['__name__']}_count"}, latency.buckets[-1]
    yield _of("shop_orders_total", "checkout"), totals.orders
    yield _of("shop_revenue_euros_total", "checkout"), totals.revenue_cents / 100
    yield _of("shop_pool_connections", "payments"), shop.pool_in_use()
    yield _of("shop_pool_waiting", "payments"), int(totals.waiting)
    yield from _of_processes(shop, second)


def _of_processes(shop: Shop, second: int) -> Iterator[tuple[dict[str, str], float]]:
    moment = shop.moment(second)
    for service in SERVICES:
        is_payments = service == "payments"
        yield _of("up", service), 1
        leaked = 40e6 * moment.strain if is_payments else 0.0
        yield _of("process_resident_memory_bytes", service), _MEMORY_BYTES[service] + leaked
        began = moment.released_s if is_payments else second // 86_400 * 86_400
        yield _of("process_start_time_seconds", service), began
        version = moment.version if is_payments else "3.2.0"
        yield {**_of("shop_build_info", service), "version": version}, 1


def _of(name: str, service: str) -> dict[str, str]:
    return {"__name__": name, "job": "shop", "service": service, "instance": f"{service}-1"}
