"""Checks of health that changed in a time or were down through it, and what ties them to something."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from pharos.labels import Labels
from pharos.related.resource import BONDS, Reason, Resource, resource_of
from pharos.state.health import ChangeRow

_DOWN: Final = "down"


class Checked(Struct, frozen=True):
    """What a check says of what it looks at."""

    title: str
    labels: Labels
    """Its own: who says by them what it is about, and it is something else, is not told of."""
    component: str = ""
    host: str = ""


class RelatedCheck(Struct, frozen=True):
    """A check that changed then, or was down all the time."""

    name: str
    title: str
    at_ms: int
    was: str
    became: str
    text: str
    reason: Reason


def checks_in(
    changes: Sequence[ChangeRow],
    known: Mapping[str, Checked],
    resource: Resource,
    start_ms: int,
    end_ms: int,
) -> list[RelatedCheck]:
    """Return what happened to checks in a time, of changes before its end, the newest first.

    What is tied to the resource most closely comes first; of one check each change is told.
    """
    found = [one for row in _then(changes, start_ms, end_ms) if (one := _told(row, known, resource))]
    return sorted(
        found, key=lambda one: (BONDS.index(one.reason) if one.reason in BONDS else len(BONDS), -one.at_ms)
    )


def _then(changes: Sequence[ChangeRow], start_ms: int, end_ms: int) -> Iterator[ChangeRow]:
    """Yield changes of a time; of checks that did not change in it, the last one before, if it was down."""
    before: set[str] = set()
    changed: set[str] = set()
    for row in changes:
        if row.at_ms >= end_ms:
            continue
        if row.at_ms >= start_ms:
            changed.add(row.name)
            yield row
        elif row.name not in before:
            before.add(row.name)
            if row.name not in changed and row.became == _DOWN:
                yield row


def _told(row: ChangeRow, known: Mapping[str, Checked], resource: Resource) -> RelatedCheck | None:
    check = known.get(row.name)
    if check is None:
        # It is not looked at any more.
        return None
    about = resource_of(check.labels)
    bond = resource.bond(about) or resource.bond(
        resource_of([("service", check.component), ("host", check.host)])
    )
    if bond is None and about and resource:
        return None
    return RelatedCheck(
        row.name, check.title or row.name, row.at_ms, row.was, row.became, row.reason, bond or Reason.TIME
    )
