"""The tree by which alerts find their receivers (Alertmanager's dispatch/route.go).

An alert enters at the root. Where children match, they decide, the first alone unless it says `continue`;
where none does, the route itself takes it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct, field

from pharos.alerting.matchers import Matchers, matches_all
from pharos.gotext.quoting import quote
from pharos.labels import Labels, labels_of


class Route(Struct, frozen=True, eq=False):
    """One node, with what it inherits filled in. Times are milliseconds."""

    receiver: str
    group_by: tuple[str, ...] = ()
    """Sorted. Labels of the same values are told together."""
    group_by_all: bool = False
    """Each alert is a group of its own."""
    group_wait_ms: int = 30_000
    group_interval_ms: int = 300_000
    repeat_interval_ms: int = 14_400_000
    mute_intervals: tuple[str, ...] = ()
    active_intervals: tuple[str, ...] = ()
    """Empty for always."""
    matchers: Matchers = ()
    """Its own, sorted; those of the routes above hold too."""
    continues: bool = False
    """Whether siblings after it are asked too."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Templates that messages are given (`routeLabels`), those of the routes above too."""
    routes: tuple[Route, ...] = ()
    key: str = "{}"
    """Of all matchers from the root on: `{}/{severity="page"}`. Not always one route's alone."""
    id: str = "{}"
    """The key with places among siblings: one route's alone, as long as none is put before it."""
    line: int = 0
    """Where it stands in its file."""

    def match(self, labels: Mapping[str, str]) -> list[Route]:
        """Return the routes that an alert with these labels takes, in the order of the file."""
        if not matches_all(self.matchers, labels):
            return []
        found: list[Route] = []
        for route in self.routes:
            below = route.match(labels)
            found += below
            if below and not route.continues:
                break
        return found or [self]

    def walk(self) -> Iterator[Route]:
        """Yield it and all below it, in the order of the file."""
        yield self
        for route in self.routes:
            yield from route.walk()

    def group_labels(self, labels: Mapping[str, str]) -> Labels:
        """Return what an alert's group is told apart by; a label that the alert has not is left out."""
        if self.group_by_all:
            return labels_of(labels)
        return labels_of((name, labels[name]) for name in self.group_by if name in labels)

    def group_key(self, group_labels: Labels) -> str:
        """Return what a group is called: `{}/{severity="page"}:{alertname="Down"}`."""
        return f"{self.key}:{{{', '.join(f'{name}={quote(value)}' for name, value in group_labels)}}}"


def path_to(root: Route, wanted: Route) -> tuple[Route, ...]:
    """Return the routes from the root down to one of its tree, both included."""
    return next(iter(_paths(root, (root,), wanted)), ())


def _paths(route: Route, path: tuple[Route, ...], wanted: Route) -> Iterable[tuple[Route, ...]]:
    if route is wanted:
        yield path
        return
    for child in route.routes:
        yield from _paths(child, (*path, child), wanted)
