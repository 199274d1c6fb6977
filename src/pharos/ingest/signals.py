"""What a signal is to the trip: how its frames become batches, and what can be done with a batch.

`accept`, `loader` and the log know bytes, tokens and batches. What a frame means is in the table of
`Signals`, which the root fills: a kind of frame leads to the signal that decodes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from msgspec import Struct, field

from pharos.access import Scope
from pharos.engine import Engine
from pharos.engine.changes import Changes
from pharos.errors import Kind, PharosError

Plain: TypeAlias = "bytes | memoryview"


class Receipt(Protocol):
    """What became of one frame."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing of the frame is to be stored."""
        ...

    @property
    def points(self) -> int:
        """How many samples, lines or spans are to be stored: what the tenant's rate counts."""
        ...

    @property
    def kept(self) -> tuple[int, Plain] | None:
        """What is to be stored, as a kind of frame in its plain form, where not all that came is.

        None where that is all that came.
        """
        ...

    @property
    def is_cut(self) -> bool:
        """Whether a limit refused some of it."""
        ...

    def count(self, source: str, refused: Mapping[str, int]) -> None:
        """Count in the server's metrics what was taken, and what was not: here, and `refused` before."""
        ...


R = TypeVar("R", bound=Receipt)
R_co = TypeVar("R_co", bound=Receipt, covariant=True)


class Batch(Protocol):
    """What the frames of one signal in one segment decode to."""

    def memory_bytes(self, tenant: str | None = None) -> int:
        """Return roughly what it holds in memory, of all tenants or of one."""
        ...

    def last_span_ms(self) -> tuple[int, int] | None:
        """Return the first and the last time in the frame that was decoded last; None if it has none."""
        ...

    def insert(self, engine: Engine, token: str) -> None:
        """Store it durably; repeating it with the same token adds nothing. Raises as `Engine.load`."""
        ...

    def note(self, changes: Changes) -> None:
        """Say what of it is stored now."""
        ...

    def give_back(self) -> None:
        """Let others have its memory: it is done."""
        ...


class Signal(Protocol[R_co]):
    """Turns frames into batches, knowing what it has seen.

    `unpack` may be called from any thread; the owner serialises all other calls.
    """

    def unpack(self, kind: int, payload: Plain) -> Plain:
        """Return the plain form of a frame's payload. Raises PharosError: INVALID, TOO_LARGE."""
        ...

    def begin(self) -> Batch:
        """Return an empty batch."""
        ...

    def decode(self, into: Any, tenant: str, plain: Plain, recv_ns: int) -> R_co:
        """Add a frame in its plain form to a batch of `begin`: the same rows at whatever time it is done.

        Raises PharosError: INVALID, TOO_LARGE; the batch is then as before.
        """
        ...

    def undo(self, batch: Any) -> None:
        """Take the frame that was decoded last, into this batch, out of it again."""
        ...

    def forget(self) -> None:
        """Forget what was seen: called when a batch was not stored as it was."""
        ...

    def forget_tenant(self, tenant: str) -> None:
        """Forget what was seen of a tenant: called when all it had is deleted."""
        ...

    def active(self) -> Mapping[str, int]:
        """Return by tenant how many series are active; nothing where there are no series."""
        ...

    def fresh(self) -> Signal[R_co]:
        """Return a signal of the same settings that has seen nothing, for what was accepted before."""
        ...


class Submission(Struct, Generic[R], frozen=True):
    """What is handed to the intake: a payload as it came, or in the plain form in which it was made here."""

    scope: Scope
    kind: int
    """Of the frame that it becomes."""
    source: str
    """Who sent it, for the server's metrics."""
    packed: bytes | None = None
    """The frame's payload; None if there is only `plain`."""
    plain: Plain | None = None
    """Its plain form; None if it is to be unpacked."""
    sent_bytes: int = 0
    """How large it was where it came from."""
    refused: Mapping[str, int] = field(default_factory=dict)
    """What of it was refused before it became this, by reason."""
    is_limited: bool = True
    """Whether it counts for the tenant's rate: not what Pharos measures of itself."""
    is_repeatable: bool = True
    """Whether somebody outside holds what it was made from, and sends it again if need be."""


class Signals:
    """The table: which signal decodes a kind of frame."""

    def __init__(self, table: Mapping[int, Signal[Any]]) -> None:
        self._table = dict(table)

    def of(self, kind: int) -> Signal[Any]:
        """Return the signal of a kind. Raises PharosError(INVALID) for one that is not in the table."""
        found = self._table.get(kind)
        if found is None:
            raise PharosError(
                Kind.INVALID, f"frame of unknown kind {kind}", hint="it was written by a newer version"
            )
        return found

    def forget(self) -> None:
        """Have every signal forget what it has seen."""
        for signal in dict.fromkeys(self._table.values()):
            signal.forget()

    def forget_tenant(self, tenant: str) -> None:
        """Have every signal forget what it has seen of a tenant."""
        for signal in dict.fromkeys(self._table.values()):
            signal.forget_tenant(tenant)

    def active(self) -> dict[str, int]:
        """Return by tenant how many series are active."""
        found: dict[str, int] = {}
        for signal in dict.fromkeys(self._table.values()):
            for tenant, count in signal.active().items():
                found[tenant] = found.get(tenant, 0) + count
        return found

    def fresh(self) -> Signals:
        """Return a table of fresh signals; kinds that share one go on sharing."""
        made = {signal: signal.fresh() for signal in dict.fromkeys(self._table.values())}
        return Signals({kind: made[signal] for kind, signal in self._table.items()})
