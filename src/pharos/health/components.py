"""The health of a system, of what its checks say: component by component, with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from pharos.health.check import AnyCheck, Component
from pharos.health.standing import Standing, State

SYSTEM: Final = ""
"""The name of all components together; checks without a component are its own."""


class Health(StrEnum):
    """How a component is, the worst last but for `unknown`."""

    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    MAINTENANCE = "maintenance"
    DEGRADED = "degraded"
    DOWN = "down"


_RANKS: Final = {one: rank for rank, one in enumerate(Health)}


class Looked(Struct, frozen=True):
    """A check and how it stands."""

    check: AnyCheck
    standing: Standing
    maintenance: str = ""
    """The maintenance window that it is in; empty for none."""


class Reason(Struct, frozen=True):
    """Why a component is not healthy."""

    check: str
    health: Health
    text: str


class ComponentHealth(Struct, frozen=True):
    """How a component is."""

    name: str
    title: str
    part_of: str
    health: Health
    since_ms: int
    """When the last check that matters for it changed; 0 where none did."""
    reasons: tuple[Reason, ...]
    checks: tuple[str, ...]
    parts: tuple[str, ...]


def health_of(looked: Looked) -> Health:
    """Return what a check alone says of its component."""
    if looked.maintenance:
        return Health.MAINTENANCE
    match looked.standing.state:
        case State.UP:
            return Health.HEALTHY
        case State.DOWN:
            return Health.DEGRADED if looked.check.severity == "warning" else Health.DOWN
        case _:
            return Health.UNKNOWN


def worst(found: Iterable[Health]) -> Health:
    """Return the worst; unknown where nothing is known."""
    return max(found, key=_RANKS.__getitem__, default=Health.UNKNOWN)


class _Node(Struct):
    component: Component
    checks: list[Looked] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)


def component_health(
    components: Mapping[str, Component], checks: Sequence[Looked]
) -> dict[str, ComponentHealth]:
    """Return how all components are, by name; `SYSTEM` is how all of them are together.

    What a check or a component names without its being declared is there, too, with nothing but its name.
    """
    nodes = _nodes(components, checks)
    settled: dict[str, ComponentHealth] = {}
    for name in nodes:
        _settle(name, nodes, settled, frozenset())
    found = {name: settled[name] for name in nodes}
    roots = [name for name, node in nodes.items() if not node.component.part_of]
    # What is a part of itself by way of others is below no root.
    below = {name for root in roots for name in _below(root, nodes)}
    roots += [name for name in nodes if name not in below]
    alone = _Node(Component.model_construct(name=SYSTEM, title="", part_of="", severity="critical", match={}))
    alone.checks = [one for one in checks if not _owners(one, components)]
    alone.parts = roots
    found[SYSTEM] = _judged(alone, found, components)
    return found


def _owners(looked: Looked, components: Mapping[str, Component]) -> list[str]:
    """Return the components that a check is of: the one that it names, and those that its labels fit."""
    labels = looked.check.labels
    by_label = [
        name
        for name, one in components.items()
        if one.match and all(labels.get(key) == value for key, value in one.match.items())
    ]
    return list(dict.fromkeys([*([looked.check.component] if looked.check.component else []), *by_label]))


def _nodes(components: Mapping[str, Component], checks: Sequence[Looked]) -> dict[str, _Node]:
    nodes = {name: _Node(one) for name, one in components.items()}

    def node(name: str) -> _Node:
        if name not in nodes:
            nodes[name] = _Node(Component(name=name))
        return nodes[name]

    for one in checks:
        for owner in _owners(one, components):
            node(owner).checks.append(one)
    for name in list(nodes):
        above = nodes[name].component.part_of
        if above:
            node(above).parts.append(name)
    return nodes


def _below(root: str, nodes: Mapping[str, _Node]) -> set[str]:
    """Return a component and all that are a part of it, by way of others too."""
    seen, waiting = set[str](), [root]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += nodes[name].parts
    return seen


def _settle(
    name: str, nodes: Mapping[str, _Node], found: dict[str, ComponentHealth], within: frozenset[str]
) -> None:
    """Judge a component after its parts; what is a part of itself by way of others is cut there."""
    if name in found or name in within:
        return
    for part in nodes[name].parts:
        _settle(part, nodes, found, within | {name})
    found[name] = _judged(nodes[name], found, {key: one.component for key, one in nodes.items()})


def _judged(
    node: _Node, found: Mapping[str, ComponentHealth], components: Mapping[str, Component]
) -> ComponentHealth:
    verdicts = [(health_of(one), one) for one in node.checks]
    parts = [found[part] for part in node.parts if part in found]
    of_parts = [_as_part(one, components.get(one.name)) for one in parts]
    health = worst([*(verdict for verdict, _ in verdicts), *of_parts])
    reasons = [
        Reason(one.check.name, verdict, one.maintenance or one.standing.reason)
        for verdict, one in verdicts
        if verdict is not Health.HEALTHY
    ]
    reasons += [reason for part in parts for reason in part.reasons]
    reasons.sort(key=lambda one: -_RANKS[one.health])
    since_ms = max(
        [
            *(one.standing.since_ms for verdict, one in verdicts if verdict is health),
            *(part.since_ms for part, verdict in zip(parts, of_parts, strict=True) if verdict is health),
        ],
        default=0,
    )
    one = node.component
    names = tuple(check.check.name for check in node.checks)
    return ComponentHealth(
        one.name, one.title, one.part_of, health, since_ms, tuple(reasons), names, tuple(node.parts)
    )


def _as_part(one: ComponentHealth, component: Component | None) -> Health:
    if one.health is Health.DOWN and component is not None and component.severity == "warning":
        return Health.DEGRADED
    return one.health
