"""Documents of other systems, read field by field with the name of the one at fault."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.gotext.times import parse_rfc3339

_NS_IN_MS: Final = 1_000_000
_LAST_MS: Final = ((1 << 63) - 1) // _NS_IN_MS
_LONGEST: Final = 200
DOCUMENTS_MOST: Final = 5_000


def refuse(where: str, why: str) -> NoReturn:
    """Raise PharosError(INVALID) that names a field."""
    raise PharosError(Kind.INVALID, f"{where}: {why}")


def documents(found: Any, wrapper: str) -> list[Fields]:
    """Return the objects that a body is: one, a list, or a list under the name `wrapper`.

    Raises PharosError: INVALID, TOO_LARGE.
    """
    if isinstance(found, dict) and isinstance(found.get(wrapper), list):
        found = found[wrapper]
    if isinstance(found, dict):
        return [Fields(found, "body")]
    if not isinstance(found, list):
        refuse("the body", "must be an object or a list of objects")
    if len(found) > DOCUMENTS_MOST:
        raise PharosError(
            Kind.TOO_LARGE,
            f"{len(found)} objects are more than {DOCUMENTS_MOST}",
            hint="send several requests",
        )
    for place, one in enumerate(found):
        if not isinstance(one, dict):
            refuse(f"[{place}]", "must be an object")
    return [Fields(one, f"[{place}]") for place, one in enumerate(found)]


class Fields(Struct, frozen=True):
    """An object whose fields are read by type; those that nobody asks for are passed over."""

    found: Mapping[str, Any]
    where: str

    def at(self, name: str) -> str:
        """Return how a fault calls a field."""
        return f"{self.where}.{name}"

    def text(self, name: str, *, longest: int = _LONGEST) -> str:
        """Return a text, empty where there is none."""
        value = self.found.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            refuse(self.at(name), "must be a text")
        if len(value) > longest or "\0" in value:
            refuse(self.at(name), f"must have at most {longest} characters, none of them NUL")
        return value

    def needed(self, name: str) -> str:
        """Return a text that must be there."""
        text = self.text(name)
        if not text.strip():
            refuse(self.at(name), "is missing")
        return text

    def number(self, name: str) -> float | None:
        """Return a number, None where there is none."""
        value = self.found.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            refuse(self.at(name), "must be a number")
        return float(value)

    def count(self, name: str) -> int | None:
        """Return a whole number of 0 or more, None where there is none."""
        number = self.number(name)
        if number is None:
            return None
        if number < 0 or number != int(number):
            refuse(self.at(name), "must be a whole number, 0 or more")
        return int(number)

    def truth(self, name: str) -> bool | None:
        """Return whether something is so, None where nothing says."""
        value = self.found.get(name)
        if value is not None and not isinstance(value, bool):
            refuse(self.at(name), "must be true or false")
        return value

    def inner(self, name: str) -> Fields:
        """Return an object within, an empty one where there is none."""
        value = self.found.get(name)
        if value is None:
            value = {}
        if not isinstance(value, dict):
            refuse(self.at(name), "must be an object")
        return Fields(value, self.at(name))

    def time_ns(self, name: str) -> int | None:
        """Return a time that is written in milliseconds or as RFC 3339, None where there is none."""
        value = self.found.get(name)
        if value is None:
            return None
        if isinstance(value, str):
            try:
                return max(parse_rfc3339(value[:64]).ns, 0)
            except PharosError as exc:
                raise PharosError(Kind.INVALID, f"{self.at(name)}: must be a time") from exc
        number = self.number(name)
        if number is None or not 0 <= number <= _LAST_MS:
            refuse(self.at(name), "must be a time in milliseconds")
        return int(number * _NS_IN_MS)
