"""What Jaeger calls a service that has no proper name.

The substitutes are those of Jaeger 2 (its sanitizers of service and span names).
"""

from __future__ import annotations

from typing import Final

from pharos.query.events.rows import Origin, ValueKind

UNKNOWN: Final = "unknown_service"
"""What the store calls what nothing names."""
MISSING: Final = "missing-service-name"
EMPTY: Final = "empty-service-name"
WRONG_TYPE: Final = "service-name-wrong-type"
EMPTY_SPAN: Final = "empty-span-name"
SUBSTITUTES: Final = (MISSING, EMPTY, WRONG_TYPE)
_KEY: Final = "service.name"


def service_of(origin: Origin) -> str:
    """Return the service's name, or Jaeger's word for why there is none."""
    found = next(((value, kind) for key, value, kind in origin.resource if key == _KEY), None)
    if found is not None and found[0] and found[1] is ValueKind.TEXT:
        return found[0]
    if origin.service not in {"", UNKNOWN} and (found is None or found[1] is ValueKind.TEXT):
        # Another of its labels names it.
        return origin.service
    if found is None:
        return MISSING
    return EMPTY if found[1] is ValueKind.TEXT else WRONG_TYPE
