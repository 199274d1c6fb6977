"""What a client wants to see of what it subscribed to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from pharos.live.refusal import Code, RefusedError

_KEYS: Final = ("severity", "metrics", "labels", "daoSubnet")
_MOST: Final = 100
"""Values of one filter."""
_LONGEST: Final = 1_000


class Filters(Struct, frozen=True):
    """Conditions that all must hold; equal ones share what is made for them."""

    severities: frozenset[str] = frozenset()
    """Of alerts; none lets all through, as with the others."""
    metrics: frozenset[str] = frozenset()
    labels: tuple[tuple[str, frozenset[str]], ...] = ()
    """Names with the values that are let through, by name."""

    def take_alert(self, severity: str, labels: Mapping[str, str]) -> bool:
        """Return whether an alert is let through."""
        return (not self.severities or severity in self.severities) and self.take_labels(labels)

    def take_labels(self, labels: Mapping[str, str]) -> bool:
        """Return whether something with these labels is let through."""
        return all(labels.get(name, "") in values for name, values in self.labels)

    def take_series(self, name: str, labels: Mapping[str, str]) -> bool:
        """Return whether a series is let through; one without a name is of no metric."""
        return (not self.metrics or not name or name in self.metrics) and self.take_labels(labels)


ALL: Final = Filters()


def read_filters(document: Any, tenant: str) -> Filters:
    """Return the filters of a message, in the tenant of its connection.

    Raises RefusedError: bad_filter that names what is wrong, forbidden for another tenant's name.
    """
    if not isinstance(document, dict):
        raise RefusedError(
            Code.BAD_FILTER, "filters must be an object", hint=f"with keys of {', '.join(_KEYS)}"
        )
    for key in document:
        if key not in _KEYS:
            raise RefusedError(
                Code.BAD_FILTER, f"there is no filter {key[:100]!r}", hint=f"one of {', '.join(_KEYS)}"
            )
    subnet = document.get("daoSubnet")
    if subnet is not None and not isinstance(subnet, str):
        raise RefusedError(Code.BAD_FILTER, "daoSubnet must be text")
    if subnet is not None and subnet != tenant:
        raise RefusedError(
            Code.FORBIDDEN,
            f"this connection sees the DAO subnet {tenant}, not {subnet[:100]!r}",
            hint="connect with credentials of the other one",
        )
    labels = document.get("labels")
    if labels is not None and not isinstance(labels, dict):
        raise RefusedError(
            Code.BAD_FILTER, "labels must be an object: a name, and its value or a list of values"
        )
    return Filters(
        _texts("severity", document.get("severity")),
        _texts("metrics", document.get("metrics")),
        tuple(sorted((name, _values(name, value)) for name, value in _few("labels", (labels or {}).items()))),
    )


def _values(name: str, value: Any) -> frozenset[str]:
    found = _texts(f"labels.{name[:100]}", [value] if isinstance(value, str) else value)
    if not found:
        raise RefusedError(Code.BAD_FILTER, f"labels.{name[:100]} names no value")
    return found


def _texts(key: str, value: Any) -> frozenset[str]:
    if value is None:
        return frozenset()
    if not isinstance(value, list) or not all(isinstance(one, str) and len(one) <= _LONGEST for one in value):
        raise RefusedError(Code.BAD_FILTER, f"{key} must be a list of texts")
    return frozenset(_few(key, value))


def _few(key: str, values: Iterable[Any]) -> list[Any]:
    found = list(values)
    if len(found) > _MOST:
        raise RefusedError(Code.BAD_FILTER, f"{key} has {len(found)} values, {_MOST} are the most")
    return found
