"""Which span called which, as columns of the engine that callers and callees are joined by.

A span is called by its parent. With Zipkin's senders client and server of a call may share an id: then the
server's span is the parent of what names that id, and it is itself called by the client's. Beside others, it
names the client's parent as its own, which is a span of the client's service: only where there is none is the
client looked for.
"""

from __future__ import annotations

from typing import Final

from pharos.engine import sql
from pharos.engine.sql import Condition, Statement

SERVER: Final = 2
_CLIENT: Final = 3
_NO_SPAN: Final = bytes(8)
SPAN_HASH: Final = "cityHash64(trace_id, span_id)"
JOINED: Final = ("t", "s", "own")
_BEGINS: Final = sql.both(sql.same_bytes("parent_id", _NO_SPAN), sql.equal("kind", SERVER))
CALLEE: Final = f"{_BEGINS.text} AS own, {sql.chosen(_BEGINS, 'span_id', 'parent_id')} AS s"
"""Of a callee: whether its caller would have its own id, and the caller's id."""


def caller_of(servers: Statement) -> str:
    """Return the column `own` of callers; `servers` are the hashes of servers' spans."""
    return sql.both(sql.equal("kind", _CLIENT), sql.within(SPAN_HASH, servers)).text


def is_called() -> Condition:
    """Return that a span may have a caller."""
    return sql.either((sql.negated(sql.same_bytes("parent_id", _NO_SPAN)), sql.equal("kind", SERVER)))
