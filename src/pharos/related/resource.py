"""What a piece of telemetry is about, read off the attributes or the labels that it carries.

OpenTelemetry's resource attributes, Prometheus' labels and the labels of Loki's senders name the same few
things differently: `service.name`, `service_name`, `job`. What one signal says of itself is found in another
by these names (OpenTelemetry, Prometheus and OpenMetrics Compatibility, section Resource Attributes).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from pharos.labels import Labels, Matcher, MatchOp
from pharos.query.events.lower import sanitised
from pharos.query.events.rows import Origin


class Reason(StrEnum):
    """Why one thing is told beside another; the strongest first."""

    TRACE = "same trace"
    EXEMPLAR = "exemplar"
    """An exemplar of the series names the trace."""
    LINK = "linked span"
    POD = "same pod"
    INSTANCE = "same instance"
    SERVICE = "same service"
    HOST = "same host"
    FAILED = "failed"
    """The trace has spans that failed."""
    SLOW = "slow"
    """The trace has one of the longest spans of its time."""
    TIME = "same time"


BONDS: Final = (Reason.POD, Reason.INSTANCE, Reason.SERVICE, Reason.HOST)
"""What of a resource two things may have in common, the closest first."""

_NAMESPACE: Final = "namespace"
_NAMES: Final[Mapping[Reason, tuple[str, ...]]] = {
    Reason.POD: ("pod", "k8s_pod_name", "pod_name"),
    Reason.INSTANCE: ("instance", "service_instance_id"),
    Reason.SERVICE: ("job", "service_name", "service", "app"),
    Reason.HOST: ("host", "host_name", "hostname", "nodename", "node", "k8s_node_name"),
}
"""Labels, and attributes with underscores for their dots, that say it; the likeliest first."""
_NAMESPACES: Final = frozenset({"namespace", "k8s_namespace_name"})
_BOND_OF: Final = {name: bond for bond, names in _NAMES.items() for name in names}
_PORT: Final = re.compile(r"(.+):\d{1,5}")
_NO_HOST: Final = frozenset({"localhost", "127.0.0.1", "::1", "[::1]", "0.0.0.0"})  # noqa: S104 - compared with
_UNKNOWN: Final = "unknown_service"


class Resource(Struct, frozen=True):
    """What something is about: a pod, an instance, a service, a host, each where it is known."""

    by_bond: Mapping[Reason, frozenset[str]] = field(default_factory=dict)
    namespaces: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.by_bond)

    def values(self, bond: Reason) -> frozenset[str]:
        """Return what it is called; none where that is not known."""
        return self.by_bond.get(bond, frozenset())

    def bond(self, other: Resource) -> Reason | None:
        """Return the closest that both have in common; None for nothing.

        What is in another namespace is another pod and another service, even of the same name.
        """
        apart = self.namespaces and other.namespaces and not self.namespaces & other.namespaces
        for bond in BONDS:
            if apart and bond in {Reason.POD, Reason.SERVICE}:
                continue
            if self.values(bond) & other.values(bond):
                return bond
        return None

    def matchers(self, bond: Reason) -> list[Matcher]:
        """Return for each label that may say so the matcher of the series that are about the same.

        A job is `namespace/name` where a service has a namespace; an instance may be a host with a port.
        """
        names = sorted(self.values(bond))
        if not names:
            return []
        either = "|".join(map(re.escape, names))
        found = [
            Matcher(label, MatchOp.EQUAL, names[0])
            if len(names) == 1
            else Matcher(label, MatchOp.REGEX, either)
            for label in _NAMES[bond]
        ]
        if bond is Reason.SERVICE:
            found.append(Matcher("job", MatchOp.REGEX, f".*/({either})"))
        if bond is Reason.HOST:
            found.append(Matcher("instance", MatchOp.REGEX, f"({either}):[0-9]+"))
        return found

    def labels(self) -> Labels:
        """Return what it is about, by the plainest names, one value each."""
        found = {bond: min(names) for bond, names in self.by_bond.items()}
        pairs = {_SHOWN[bond]: found[bond] for bond in BONDS if bond in found}
        if self.namespaces:
            pairs[_NAMESPACE] = min(self.namespaces)
        return tuple(pairs.items())


_SHOWN: Final = {
    Reason.POD: "pod",
    Reason.INSTANCE: "instance",
    Reason.SERVICE: "service",
    Reason.HOST: "host",
}


def resource_of(pairs: Iterable[tuple[str, str]]) -> Resource:
    """Return what attributes or labels say that something is about."""
    by_bond: dict[Reason, set[str]] = {}
    namespaces: set[str] = set()
    for name, value in pairs:
        plain = sanitised(name)
        if plain in _NAMESPACES:
            namespaces.add(value)
        bond = _BOND_OF.get(plain)
        if bond is None or not value or value == _UNKNOWN:
            continue
        by_bond.setdefault(bond, set()).add(value)
        if plain == "job" and "/" in value:
            by_bond[bond].add(value.rpartition("/")[2])
        if plain == "instance" and (host := _host_of(value)):
            by_bond.setdefault(Reason.HOST, set()).add(host)
    return Resource({bond: frozenset(names) for bond, names in by_bond.items()}, frozenset(namespaces))


def _host_of(instance: str) -> str:
    """Return the host of an instance with a port; empty for a name that every host has, and for none."""
    found = _PORT.fullmatch(instance)
    return "" if found is None or found[1] in _NO_HOST else found[1]


def resource_of_origin(origin: Origin) -> Resource:
    """Return what the lines or spans of an origin are about."""
    pairs = [(key, value) for key, value, _ in origin.resource]
    return resource_of([("service.name", origin.service), *pairs])


def bonded(resource: Resource, origins: Iterable[Origin]) -> list[tuple[Reason, tuple[int, ...]]]:
    """Return the origins that are about the same, by what they have in common, the closest first."""
    found: dict[Reason, list[int]] = {}
    for origin in origins:
        bond = resource.bond(resource_of_origin(origin))
        if bond is not None:
            found.setdefault(bond, []).append(origin.id)
    return [(bond, tuple(found[bond])) for bond in BONDS if bond in found]
