"""Units of work: what one transaction reads, or changes and commits as a whole."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from random import Random
from typing import Any, Final, TypeAlias

from msgspec import Struct
from sqlalchemy import Connection, Executable, Row, Table, func, insert, select, update

from pharos.errors import Kind, PharosError
from pharos.state.tables import Family, require_storable

Found: TypeAlias = "Row[*tuple[Any, ...]]"
"""A row, of as many columns as were asked for."""


class Author(Struct, frozen=True):
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


_SIZE: Final = ("page_count", "page_size")
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

    def database_bytes(self) -> int:
        """Return how large the database is, with what is free in it."""
        if self._connection.dialect.name == "postgresql":
            return int(self.rows(select(func.pg_database_size(func.current_database())))[0][0])
        pages, page_bytes = (
            self._connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _SIZE
        )
        return int(pages * page_bytes)


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

    def insert_all(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows, any number of them, all with the same columns."""
        if rows:
            self._connection.execute(insert(table), [dict(row) for row in rows])

    def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert whole rows, any number of them; each takes the place of one with its key."""
        if not rows:
            return
        keys = [str(column.name) for column in table.primary_key]
        # That of the connection, which is loaded; the other one would be for nothing.
        name = f"sqlalchemy.dialects.{self._connection.dialect.name}"
        dialect: Any = importlib.import_module(name)  # noqa: TID251 - a dialect of SQLAlchemy
        statement = dialect.insert(table)
        others = {name: statement.excluded[name] for name in rows[0] if name not in keys}
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=keys, set_=others), [dict(row) for row in rows]
        )

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
