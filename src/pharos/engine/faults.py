"""The engine's error codes, translated to kinds (ClickHouse src/Common/ErrorCodes.cpp)."""

from __future__ import annotations

import re
from typing import Final

from pharos.errors import Kind, PharosError

_CODE: Final = re.compile(r"Code: (\d+)\.")
_KINDS: Final = {
    159: (Kind.TIMEOUT, "the query took longer than its time limit"),
    160: (Kind.TIMEOUT, "the query was estimated to take longer than its time limit"),
    158: (Kind.LIMITED, "the query would read more rows than its limit"),
    241: (Kind.LIMITED, "the query needs more memory than its limit"),
    243: (Kind.UNAVAILABLE, "there is no space left on the disk of the store"),
    307: (Kind.LIMITED, "the query would read more bytes than its limit"),
    394: (Kind.CANCELLED, "the query was cancelled"),
    396: (Kind.LIMITED, "the query's result is larger than its limit"),
    167: (Kind.LIMITED, "the question is nested too deeply"),
    168: (Kind.LIMITED, "the question has too many matchers"),
    306: (Kind.LIMITED, "the question is nested too deeply"),
    60: (Kind.UNAVAILABLE, "the store is being mended"),
    218: (Kind.UNAVAILABLE, "the store is being mended"),
    202: (Kind.UNAVAILABLE, "too many queries run at once"),
    252: (Kind.UNAVAILABLE, "the store has too many parts to merge"),
    76: (Kind.UNAVAILABLE, "the store cannot open a file"),
    75: (Kind.UNAVAILABLE, "the store cannot write to a file"),
}
_MEDIUM: Final = frozenset({74, 77, 87, 88, 172, 204, 214, 294, 400, 424, 458, 531, 566, 586, 641})
"""What the operating system refuses of files: reading, closing, syncing, making, linking and so on."""
_FOLDER_REFUSED: Final = re.compile(r"Code: 1001\..*filesystem error")
"""The same of folders, which the engine has from its library."""
_DAMAGED: Final = frozenset({33, 40, 246})
"""Files that are too short, or not what they were."""
_PART: Final = re.compile(r"from part \S*/([^/\s]+)/ in table (\S+)")
_TRANSIENT: Final = frozenset({Kind.UNAVAILABLE, Kind.LIMITED, Kind.TIMEOUT, Kind.CANCELLED})


def engine_error(text: str) -> PharosError:
    """Return the PharosError for an engine's error text; an unknown code is a BUG that keeps the text."""
    found = _CODE.search(text)
    if found and (known := _KINDS.get(int(found[1]))):
        kind, message = known
        return PharosError(kind, message, retry_after_s=1.0 if kind is Kind.UNAVAILABLE else None)
    if (found and int(found[1]) in _MEDIUM) or _FOLDER_REFUSED.search(text):
        return PharosError(
            Kind.UNAVAILABLE,
            f"the store's disk does not do what it should: {text.strip()[:300]}",
            retry_after_s=1.0,
        )
    return PharosError(Kind.BUG, f"the engine refused a statement: {text.strip()[:500]}")


def reading_error(text: str) -> PharosError:
    """Return the PharosError for the error text of a query, which may have met a damaged part."""
    found = _CODE.search(text)
    if found and int(found[1]) in _DAMAGED:
        part = _PART.search(text)
        which = f"part {part[1]} of table {part[2]}" if part else text.strip()[:200]
        return PharosError(
            Kind.UNAVAILABLE,
            f"a part of the store is damaged: {which}",
            hint="mended at once if the disk was full; else its medium is failing, and a backup is needed",
        )
    return engine_error(text)


def is_transient(error: PharosError) -> bool:
    """Return whether the same work may succeed later, unchanged."""
    return error.kind in _TRANSIENT
