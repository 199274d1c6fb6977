"""Units of work: what one transaction reads, or changes and commits as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final, TypeAlias

from sqlalchemy import Connection, Executable, Row, Table, insert, update

from pharos.errors import Kind, PharosError
from pharos.state.tables import Family, require_storable

Found: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row, of as many columns as were asked for."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who changes something, as the audit log will say it. Raises PharosError(INVALID) for unfit text."""

    who: str
    """`user:ID`, `token:ID`, or `pharos` for what Pharos does by itself."""
    name: str = ""
    """What they were called at the time."""
    reason: str = ""
    request_id: str = ""

    def __post_init__(self) -> None:
        for text in (self.who, self.name, self.reason, self.request_id):
            require_storable(text)


PHAROS: Final = Author("pharos")
"""Of what Pharos does by itself."""


class Unit:
    """What a transaction reads: one state of everything, however long it takes."""

    def __init__(self, connection: Connection, now_ms: int, chance: Random) -> None:
        self._connection = connection
        self._chance = chance
        self.now_ms = now_ms
        """When the transaction began."""

    def rows(self, statement: Executable) -> Sequence[Found]:
        """Return all rows that a statement finds."""
        return self._connection.execute(statement).all()

    def stream(self, statement: Executable) -> Iterator[Found]:
        """Yield the rows that a statement finds, a thousand in memory at a time."""
        yield from self._connection.execute(statement, execution_options={"yield_per": 1000})

    def row(self, statement: Executable) -> Found | None:
        """Return the first row that a statement finds, None without any."""
        return self._connection.execute(statement).first()

    def the_row(self, statement: Executable, what: str) -> Found:
        """Return the first row that a statement finds. Raises PharosError(MISSING) that names `what`."""
        found = self.row(statement)
        if found is None:
            raise PharosError(Kind.MISSING, f"there is no {what}")
        return found


class Writing(Unit):
    """What a transaction changes too; nobody else in the world changes anything meanwhile."""

    def __init__(
        self, connection: Connection, now_ms: int, chance: Random, author: Author, head: tuple[int, str]
    ) -> None:
        super().__init__(connection, now_ms, chance)
        self.author = author
        self.head = head
        """Number and hash of the newest entry of the audit log."""
        self.families: set[Family] = set()
        """What was changed."""
        self.is_decided = False
        """Whether enough people approved what is being changed."""

    def new_id(self) -> str:
        """Return an identifier that was never given to anything."""
        return f"{self._chance.getrandbits(96):024x}"

    def changed(self, family: Family) -> None:
        """Note that those who watch the family are to be told, once all is committed."""
        self.families.add(family)

    def execute(self, statement: Executable) -> int:
        """Execute a statement that changes rows; return how many it changed."""
        return self._connection.execute(statement).rowcount

    def attempt(self, fn: Callable[[Writing], None]) -> None:
        """Call a function with the unit; when it raises, what it did is undone, and nothing else."""
        head, families = self.head, set(self.families)
        try:
            with self._connection.begin_nested():
                fn(self)
        except BaseException:
            self.head, self.families = head, families
            raise

    def put(
        self,
        table: Table,
        rows: Iterable[Mapping[str, Any]],
        replace: Callable[[Mapping[str, Any]], Mapping[str, Any]],
    ) -> None:
        """Insert rows; where a row has the key already, set in it what `replace` returns of the new one."""
        # Nobody else writes meanwhile: what is not there to be changed is not put there by others either.
        for row in rows:
            same = [key == row[key.name] for key in table.primary_key]
            if not self.execute(update(table).where(*same).values(dict(replace(row)))):
                self.execute(insert(table).values(dict(row)))
