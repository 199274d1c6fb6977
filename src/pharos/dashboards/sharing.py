"""Links to dashboards: what is asked when one is opened, and what a snapshot keeps."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import orjson

from pharos.access import Grant, Scope, granted, reading, upkeep
from pharos.dashboards.answer.asked import EVERYTHING
from pharos.dashboards.reading import Json, items, mapping, text
from pharos.errors import Kind, PharosError
from pharos.state.dashboard_shares import Share

KINDS: Final = ("live", "snapshot")
_READS: Final = ("dashboards.view", "metrics.view", "logs.view", "traces.view", "alerts.view")
"""What whoever opens a link may do, of what its maker could."""
_MOST_BYTES: Final = 16 << 20
_PACKED_MOST_BYTES: Final = 6 << 20
_OF_READER: Final = ("include", "width_px", "panels", "collapsed", "tab", "refresh_variables")
"""What of a question is the reader's to say."""


def asked_by_maker(said: Mapping[str, Any], scope: Scope, *, free_range: bool) -> str:
    """Return as text what is asked whenever the link is opened, and what may be read then."""
    kept = {name: said[name] for name in ("from", "to", "timezone", "variables", "custom") if said.get(name)}
    may = [name for name in _READS if name in scope.permissions]
    return json.dumps({**kept, "free_range": free_range, "may": may})


def asked_by_reader(share: Share, said: Mapping[str, Any]) -> Json:
    """Return what is asked when a link is opened: variables are its maker's, times too unless they are free.

    A reader's own variables would open other data than the maker chose to show.
    """
    kept = mapping(json.loads(share.asked))
    asked = {name: value for name, value in kept.items() if name not in {"free_range", "may"}}
    asked.update({name: said[name] for name in _OF_READER if said.get(name) is not None})
    if kept.get("free_range") is True:
        asked.update({name: said[name] for name in ("from", "to", "timezone") if said.get(name)})
    return asked


def has_free_range(share: Share) -> bool:
    """Return whether who opens a link chooses the times."""
    return mapping(json.loads(share.asked)).get("free_range") is True


def scope_of_maker(share: Share, maker: Grant | None) -> Scope:
    """Return as whom the dashboard of a link is opened: as who made it, with what they may by now.

    `maker` is None for those of whom nothing is kept here: what they could then goes on to count.
    """
    if maker is None:
        return upkeep(share.tenant_id)
    return granted(share.tenant_id, maker)


def scope_of_link(share: Share, maker: Grant | None) -> Scope:
    """Return as whom a public link is answered: nobody who is known.

    What its maker could read when it was made, and may by now, can be read.
    """
    may = items(mapping(json.loads(share.asked)).get("may"))
    now = scope_of_maker(share, maker).permissions
    return reading(share.tenant_id, [name for name in _READS if name in may and name in now])


async def packed(lines: AsyncIterator[bytes]) -> str:
    """Return lines as a snapshot keeps them. Raises PharosError(TOO_LARGE) for too many."""
    held: list[bytes] = []
    size = 0
    async for line in lines:
        held.append(line)
        size += len(line)
        if size > _MOST_BYTES:
            raise PharosError(
                Kind.TOO_LARGE,
                f"the snapshot would hold more than {_MOST_BYTES >> 20} MB",
                hint="choose a shorter time, or fewer values of variables",
            )
    found = zlib.compress(b"".join(held), 6)
    if len(found) > _PACKED_MOST_BYTES:
        raise PharosError(Kind.TOO_LARGE, f"the snapshot is larger than {_PACKED_MOST_BYTES >> 20} MB")
    return base64.b85encode(found).decode()


def unpacked(share: Share, said: Mapping[str, Any]) -> list[bytes]:
    """Return the lines of a snapshot that are asked for."""
    lines = zlib.decompress(base64.b85decode(share.answer)).splitlines(keepends=True)
    include = said.get("include")
    wanted = EVERYTHING if include is None else frozenset(include)
    panels: Sequence[str] | None = said.get("panels")
    return [line for line in lines if _is_wanted(orjson.loads(line), wanted, panels)]


def _is_wanted(line: Json, wanted: frozenset[str], panels: Sequence[str] | None) -> bool:
    kind = text(line.get("kind"))
    if kind == "panel":
        return "panels" in wanted and (panels is None or line.get("panel") in panels)
    return kind in {"range", "end"} or kind in wanted
