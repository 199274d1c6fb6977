"""Fields that are looked over and not used: of sections and discoveries that are accepted but not served.

What Prometheus refuses there is refused, so that a file that Pharos takes is one that Prometheus takes.
Fields that are not known here are left alone: newer versions have more of them, and none has a meaning for
Pharos.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct, field

from pharos.document import Fields, Value
from pharos.errors import Kind, PharosError
from pharos.http_section import read_http

Check: TypeAlias = Callable[["LookedOver"], str]
"""Returns what is wrong with a section, empty for nothing."""

AUTHORIZATIONS: Final = ("basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file")


class LookedOver:
    """The fields of one section, by name."""

    def __init__(self, value: Value, what: str) -> None:
        self.fields = Fields(value, what)
        self._given = {name: inner for name, _, inner in self.fields.left() if not inner.is_null()}

    def text(self, name: str, default: str = "") -> str:
        """Return a field as text."""
        given = self._given.get(name)
        return default if given is None else given.text()

    def has(self, *names: str) -> list[str]:
        """Return which of some fields are there and not empty."""
        return [name for name in names if name in self._given and not _is_empty(self._given[name])]

    def value(self, name: str) -> Value | None:
        """Return a field if it is there."""
        return self._given.get(name)

    def check_types(self, readers: Mapping[str, Callable[[Value], object]]) -> None:
        """Raise PharosError(INVALID) for a field that its reader does not take."""
        for name, reader in readers.items():
            given = self._given.get(name)
            if given is not None:
                reader(given)

    def items(self, name: str) -> list[Value]:
        """Return the elements of a list."""
        given = self._given.get(name)
        return [] if given is None else given.items()


def _is_empty(value: Value) -> bool:
    return value.plain(shows_secrets=True) in ("", [], {})


class Form(Struct, frozen=True):
    """What is known of a section."""

    name: str
    checks: tuple[Check, ...] = ()
    fields: Mapping[str, Callable[[Value], object]] = field(default_factory=dict)
    """Those whose type is looked at."""
    has_http: bool = True
    """Whether it has the fields of an HTTP client."""


def look_over(form: Form, value: Value, base_dir: Path) -> None:
    """Raise PharosError(INVALID), with the line, for what Prometheus refuses of a section."""
    if value.is_null():
        raise value.fault(f"empty or null {form.name} section")
    section = LookedOver(value, form.name)
    section.check_types(form.fields)
    for check in form.checks:
        wrong = check(section)
        if wrong:
            raise value.fault(f"{form.name}: {wrong}")
    if form.has_http:
        _look_over_http(section.fields, base_dir)


def _look_over_http(fields: Fields, base_dir: Path) -> None:
    source = fields.value.source
    known = len(source.faults)
    try:
        read_http(fields, base_dir, notes=True)
    except PharosError as exc:
        # What Pharos could not do it need not do here.
        if exc.kind is not Kind.UNSUPPORTED:
            raise
    source.faults[known:] = [exc for exc in source.faults[known:] if exc.kind is not Kind.UNSUPPORTED]


# What checks are made of.


def needs(*names: str) -> Check:
    """Each of the fields must be there."""

    def check(section: LookedOver) -> str:
        missing = [name for name in names if not section.has(name)]
        return f"{missing[0]} is missing" if missing else ""

    return check


def is_one_of(name: str, *words: str, default: str = "") -> Check:
    """The field must be one of some words; where `default` is empty it must be there."""

    def check(section: LookedOver) -> str:
        found = section.text(name, default) or default
        if found in words:
            return ""
        return f"{name} must be one of {', '.join(filter(None, words))}" + (
            f", got {found!r}" if found else ""
        )

    return check


def at_most_one_of(*names: str) -> Check:
    """The fields exclude each other."""

    def check(section: LookedOver) -> str:
        found = section.has(*names)
        return f"at most one of {' & '.join(names)} may be written" if len(found) > 1 else ""

    return check


def excludes(name: str, *others: str) -> Check:
    """A field excludes some others."""

    def check(section: LookedOver) -> str:
        found = section.has(*others) if section.has(name) else []
        return f"at most one of {name} & {found[0]} may be written" if found else ""

    return check


def is_url(name: str) -> Check:
    """A field must be a URL with a scheme and a host."""

    def check(section: LookedOver) -> str:
        parts = _split(section.text(name))
        is_good = parts is not None and parts[0] and parts[1]
        return "" if is_good else f"{name} must be a URL such as http://host:1234"

    return check


def is_readable_url(name: str) -> Check:
    """A field must be readable as a URL, relative or empty ones too."""

    def check(section: LookedOver) -> str:
        return f"{name}: it is no URL" if _split(section.text(name)) is None else ""

    return check


def _split(text: str) -> tuple[str, str] | None:
    """Return (scheme, host and port) of a URL; None for what is none."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    return None if text.startswith(":") else (parts.scheme, parts.netloc)


def each_begins(name: str, prefix: str) -> Check:
    """All elements of a list must begin so."""

    def check(section: LookedOver) -> str:
        wrong = [one.text() for one in section.items(name) if not one.text().startswith(prefix)]
        return f"{name} must begin with {prefix!r}, got {wrong[0]!r}" if wrong else ""

    return check


# What fields are of.


def section_of(**fields: Callable[[Value], object]) -> Callable[[Value], None]:
    """Return what looks over a section whose fields are of these types."""

    def read(value: Value) -> None:
        LookedOver(value, value.path).check_types(fields)

    return read
