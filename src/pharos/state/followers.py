"""How far those who follow the timeline have come: the number of the last step that each has acted upon.

It is moved in the transaction that acts, so that a step is acted upon once, whenever the process ends.
"""

from __future__ import annotations

from typing import Final

from sqlalchemy import BigInteger, Column, Table, select

from pharos.state.tables import METADATA, Words
from pharos.state.unit import Unit, Writing

followers: Final = Table(
    "followers",
    METADATA,
    Column("name", Words, primary_key=True),
    Column("number", BigInteger, nullable=False),
)


def place_of(unit: Unit, name: str) -> int | None:
    """Return the number of the last step that a follower has acted upon; None for one that is new."""
    found = unit.row(select(followers.c.number).where(followers.c.name == name))
    return None if found is None else int(found[0])


def move(unit: Writing, name: str, number: int) -> None:
    """Note that a follower has acted upon all steps up to a number."""
    unit.put(followers, [{"name": name, "number": number}], lambda new: {"number": new["number"]})


def begin(unit: Writing, name: str) -> int:
    """Return a follower's place; one that is new begins before all that there is.

    The timeline is as old as its followers, and what happens before one looks for the first time is owed too.
    """
    found = place_of(unit, name)
    if found is None:
        found = -1
        move(unit, name, found)
    return found
