"""Alertmanager's functions of templates."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import unquote_plus

from pharos.errors import PharosError
from pharos.gotemplate import Function, Value
from pharos.gotemplate.builtins import fault
from pharos.gotemplate.json import to_json
from pharos.gotemplate.library import SHARED
from pharos.gotemplate.moments import TIME, Duration, Time
from pharos.gotemplate.values import ANY, LIST, TEXT, TEXTS, Budget, Items, SafeUrl, Table, decoded, encoded
from pharos.gotext.quoting import quote
from pharos.gotext.times import ZERO, Moment, format_time, load_zone, parse_time

_WORD: Final = re.compile(r"\w+(?:['’.:·](?=[^\W\d_])\w+)*")
_BAD_PERCENT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_SPACES: Final = "\t\n\v\f\r \x85\xa0\u1680\u2028\u2029\u202f\u205f\u3000" + "".join(
    map(chr, range(0x2000, 0x200B))
)


def _title(text: str) -> str:
    """Return a text in which the first letter of each word is a capital, and all others are small."""
    return _WORD.sub(lambda found: _capitalized(found[0]), text)


def _capitalized(word: str) -> str:
    first = next((at for at, char in enumerate(word) if char.isupper() or char.islower()), None)
    if first is None:
        return word
    # a letter stands in front of the rest, for those that are written otherwise at the end of a word
    return word[:first] + word[first].title() + ("a" + word[first + 1 :]).lower()[1:]


def _join(budget: Budget, separator: str, texts: Items | None) -> str:
    found = [str(one) for one in texts.items] if texts else []
    budget.make(sum(map(len, found)) + len(separator) * len(found))
    return separator.join(found)


def _url_unescape(text: str) -> str:
    bad = _BAD_PERCENT.search(text)
    if bad:
        fault_text = text[bad.start() : bad.start() + 3]
        raise fault(f"invalid URL escape {quote(fault_text)}")
    return unquote_plus(text, errors="surrogateescape")


def _date(layout: str, time: Time) -> str:
    return format_time(layout, time.moment)


def _zoned(name: str, time: Time) -> Time:
    return Time(Moment(time.moment.ns, load_zone(name)))


def _to_date(layout: str, text: str) -> Time:
    """Return the time that a text writes; the year 1 where it does not."""
    try:
        return Time(parse_time(layout, text))
    except PharosError:
        return Time(ZERO)


def _encode(budget: Budget, text: str) -> str:
    budget.make(2 * len(text))
    return base64.urlsafe_b64encode(encoded(text)).decode()


def _decode(text: str) -> str:
    raw = encoded(text.replace("\r", "").replace("\n", ""))
    if b"+" in raw or b"/" in raw:
        raise fault(f"illegal base64 data: {quote(text[:100])}")
    try:
        return decoded(base64.b64decode(raw, altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        raise fault(f"illegal base64 data: {quote(text[:100])}") from None


def _append(budget: Budget, items: Items | None, *more: Value) -> Items:
    before = items.items if items else ()
    budget.step(len(before) // 8)
    return Items((*before, *more))


def _dict(*pairs: Value) -> Table:
    if len(pairs) % 2:
        raise fault("dict requires even number of arguments")
    entries: dict[str, Value] = {}
    for key, value in zip(pairs[::2], pairs[1::2], strict=True):
        if not isinstance(key, str):
            raise fault("dict keys must be strings")
        entries[str(key)] = value
    return Table(entries)


FUNCTIONS: Final[Mapping[str, Function]] = {
    **SHARED,
    "title": Function(_title, (TEXT,)),
    "trimSpace": Function(lambda text: text.strip(_SPACES), (TEXT,)),
    "join": Function(_join, (TEXT, TEXTS), spends=True),
    "safeUrl": Function(SafeUrl, (TEXT,)),
    "urlUnescape": Function(_url_unescape, (TEXT,)),
    "stringSlice": Function(lambda *texts: Items(texts, "string"), (), TEXT),
    "date": Function(_date, (TEXT, TIME)),
    "tz": Function(_zoned, (TEXT, TIME)),
    "toDate": Function(_to_date, (TEXT, TEXT)),
    "mustToDate": Function(lambda layout, text: Time(parse_time(layout, text)), (TEXT, TEXT)),
    "toJson": Function(to_json, (ANY,), spends=True),
    "base64encode": Function(_encode, (TEXT,), spends=True),
    "base64decode": Function(_decode, (TEXT,)),
    "list": Function(lambda *items: Items(items), (), ANY),
    "append": Function(_append, (LIST,), ANY, spends=True),
    "dict": Function(_dict, (), ANY),
}


def at_time(now_ms: int) -> dict[str, Function]:
    """Return the functions that depend on when a template is run."""
    now = Time(Moment(now_ms * 1_000_000))
    return {
        "now": Function(lambda: now),
        "since": Function(lambda time: Duration(now.moment.ns - time.moment.ns), (TIME,)),
    }
