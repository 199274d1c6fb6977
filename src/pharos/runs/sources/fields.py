"""Documents of other people's formats, read field by field: what is wrong is named with its place."""

from __future__ import annotations

import hashlib
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import orjson
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import parse_rfc3339_ns

DOCUMENTS_MOST: Final = 10_000
"""In one body."""
NAME_MOST: Final = 200
"""Characters of a workflow's name, or of a step's id."""
RUN_ID_MOST: Final = 300
MESSAGE_MOST: Final = 4_000
ERROR_MOST: Final = 16_000
_INPUTS_MOST_BYTES: Final = 16 << 10
_ATTRIBUTE_MOST: Final = 4_000
_EDGES_MOST: Final = 200
_WHOLE: Final = re.compile(r"-?[0-9]{1,18}\Z", re.ASCII)
_TIME_NS: Final = range(7_258_118_400 * 10**9)
"""1970 to 2200."""


def _refused(where: str, what: str) -> PharosError:
    return PharosError(Kind.INVALID, f"{where}: {what}")


class Fields(Struct, frozen=True):
    """A JSON object, and where it stands."""

    where: str
    values: Mapping[str, Any]

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def _at(self, name: str) -> str:
        return f"{self.where}.{name}"

    def inner(self, *names: str) -> Fields:
        """Return an object within; an empty one where there is none. Raises PharosError(INVALID)."""
        found = self
        for name in names:
            value = found.values.get(name)
            if value is None:
                value = {}
            if not isinstance(value, dict):
                raise _refused(found._at(name), "must be an object")
            found = Fields(found._at(name), value)
        return found

    def text(self, *names: str) -> str:
        """Return the first of these fields that holds a text or a whole number; empty without any.

        Raises PharosError(INVALID) for one that holds something else.
        """
        for name in names:
            value = self.values.get(name)
            if value is None or value == "":
                continue
            if isinstance(value, int) and not isinstance(value, bool):
                value = str(value)
            if not isinstance(value, str):
                raise _refused(self._at(name), "must be a text")
            return cleaned(value)
        return ""

    def needed(self, *names: str) -> str:
        """Return what `text` does. Raises PharosError(INVALID) where it is missing or empty."""
        found = self.text(*names)
        if not found:
            raise _refused(self._at(names[0]), "is missing")
        return found

    def whole(self, name: str) -> int | None:
        """Return a whole number, or the text of one; None without any. Raises PharosError(INVALID)."""
        value = self.values.get(name)
        if value is None or value == "":
            return None
        if isinstance(value, str) and _WHOLE.match(value):
            value = int(value)
        if not isinstance(value, int) or isinstance(value, bool):
            raise _refused(self._at(name), "must be a whole number")
        return value

    def time_ns(self, *names: str) -> int | None:
        """Return the first of these times of RFC 3339, a zone left out being UTC; None without any.

        Raises PharosError(INVALID).
        """
        for name in names:
            value = self.values.get(name)
            if value is None or value == "":
                continue
            if not isinstance(value, str):
                raise _refused(self._at(name), "must be a time such as 2026-11-30T12:00:00Z")
            return read_time_ns(value, self._at(name))
        return None

    def items(self, name: str) -> list[Any]:
        """Return a list; an empty one where there is none. Raises PharosError(INVALID)."""
        value = self.values.get(name)
        if value is None:
            return []
        if not isinstance(value, list):
            raise _refused(self._at(name), "must be a list")
        return value

    def objects(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list. Raises PharosError(INVALID)."""
        for number, value in enumerate(self.items(name)):
            if not isinstance(value, dict):
                raise _refused(f"{self._at(name)}[{number}]", "must be an object")
            yield Fields(f"{self._at(name)}[{number}]", value)

    def refuse(self, name: str, what: str) -> PharosError:
        """Return the error that says what is wrong with a field."""
        return _refused(self._at(name), what)


def read_documents(body: bytes, what: str = "event") -> list[Fields]:
    """Return the objects of a body: one, a list of them, or one a line.

    Raises PharosError: INVALID for what is no JSON, TOO_LARGE for too many.
    """
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        found = _lines(body, exc)
    documents = found if isinstance(found, list) else [found]
    if len(documents) > DOCUMENTS_MOST:
        raise PharosError(
            Kind.TOO_LARGE, f"{len(documents)} documents in one body", hint=f"send {DOCUMENTS_MOST} at most"
        )
    for number, document in enumerate(documents):
        if not isinstance(document, dict):
            raise _refused(f"{what}[{number}]", "must be an object")
    is_one = not isinstance(found, list)
    return [Fields(what if is_one else f"{what}[{n}]", one) for n, one in enumerate(documents)]


def _lines(body: bytes, fault: orjson.JSONDecodeError) -> list[Any]:
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) < 2:
        raise PharosError(Kind.INVALID, f"the body is no JSON: {fault}") from fault
    found = []
    for number, line in enumerate(lines, 1):
        try:
            found.append(orjson.loads(line))
        except orjson.JSONDecodeError as exc:
            raise PharosError(Kind.INVALID, f"line {number} of the body is no JSON: {exc}") from exc
    return found


def read_time_ns(text: str, where: str) -> int:
    """Return the nanoseconds of a time of RFC 3339. Raises PharosError(INVALID)."""
    plain = text.strip().replace(" ", "T", 1)
    has_zone = plain[-1:] in {"Z", "z"} or "+" in plain[10:] or "-" in plain[10:]
    try:
        found = parse_rfc3339_ns(plain.upper() if has_zone else f"{plain}Z")
    except PharosError as exc:
        raise _refused(where, f"{text[:60]!r} is no time such as 2026-11-30T12:00:00Z") from exc
    if found not in _TIME_NS:
        raise _refused(where, "a time from 1970 to 2200")
    return found


def read_seconds(text: str) -> float | None:
    """Return the seconds of a duration as protobuf's JSON has it (`3.5s`); None for none, or for nothing."""
    try:
        found = float(text.removesuffix("s"))
    except ValueError:
        return None
    return found if text.endswith("s") and math.isfinite(found) and found > 0 else None


def cleaned(text: str) -> str:
    """Return a text without what cannot be kept: NUL, and halves of characters."""
    return text.replace("\0", "").encode(errors="replace").decode()


def fit(text: str, most: int) -> str:
    """Return a text of at most so many characters; one that is cut ends with a hash, so that it stays unlike
    others."""
    if len(text) <= most:
        return text
    return f"{text[: most - 17]}~{hashlib.blake2s(text.encode(), digest_size=8).hexdigest()}"


def run_id_of(text: str) -> str:
    """Return a text as the id of a run: what cannot stand in an address is replaced."""
    letters = (letter if letter.isprintable() else "_" for letter in fit(text, RUN_ID_MOST))
    plain = "".join(letters).strip()
    if any(part in {"", ".", ".."} for part in plain.split("/")):
        plain = plain.replace("/", "_")
    return f"_{plain}" if plain in {".", ".."} else plain


def cut(text: str, most: int) -> str:
    """Return the beginning of a text."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def attributes_of(**given: Any) -> dict[str, str | int | float | bool]:
    """Return attributes, those without a value left out; a double underscore in a name stands for a dot."""
    return {
        name.replace("__", "."): cut(value, _ATTRIBUTE_MOST) if isinstance(value, str) else value
        for name, value in given.items()
        if value is not None and value != ""
    }


def inputs_of(value: Any) -> Mapping[str, Any]:
    """Return inputs, where they are an object and not too large; else nothing."""
    if not isinstance(value, dict):
        return {}
    try:
        is_fit = len(orjson.dumps(value)) <= _INPUTS_MOST_BYTES
    except orjson.JSONEncodeError:
        # It holds others deeper than can be written again.
        return {}
    return value if is_fit else {}


def edges_of(names: Iterable[str]) -> tuple[str, ...]:
    """Return ids of steps, each once."""
    return tuple(dict.fromkeys(fit(name, NAME_MOST) for name in names if name.strip()))[:_EDGES_MOST]
