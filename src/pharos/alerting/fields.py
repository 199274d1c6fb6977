"""How a section of alertmanager.yml is declared, a line a field, and read: typed, defaulted, each fault at
its line.

What is written as nothing (`title:`) is the field's zero, as Go's reading has it, and not its default.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeAlias
from urllib.parse import urlsplit

from msgspec import Struct

from pharos.document import HIDDEN, HIDDEN_URL, Fields, Value
from pharos.errors import PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.http_options import HttpOptions, SecretText
from pharos.http_section import join, read_http, read_tls
from pharos.secret import Secret

Values: TypeAlias = dict[str, Any]
"""A section's fields by name."""
Check: TypeAlias = Callable[[Values], str]
"""Returns what is wrong with a section, empty for nothing."""

_URL_UNFIT: Final = re.compile(r"^ |[\x00-\x1f\x7f]")
_ESCAPE_UNFIT: Final = re.compile(r"%(?![0-9a-fA-F]{2})")
_PORT: Final = re.compile(r"(?::[0-9]*)?")
_MOST_SIGNED: Final = 2**63 - 1
_MOST_UNSIGNED: Final = 2**64 - 1
_DECIMAL: Final = re.compile(r"[-+]?[0-9]{1,20}(?=[.eE])(?:\.[0-9]{0,20})?(?:[eE][-+]?[0-9]{1,2})?")
_BARE: Final = re.compile(r"[-+]?[0-9]{1,18}")
_NANOSECONDS: Final = 1_000_000


class Field(Struct, frozen=True):
    """How one field is read."""

    read: Callable[[Value, Path], Any]
    default: Any = None
    """What it is where it is not written."""
    zero: Any = None
    """What it is where nothing is written."""
    has_file: bool = False
    """Whether `NAME_file` says it too."""
    file_wins: bool = False
    """Whether both may be there, of which the file counts."""


class Section(Struct, frozen=True):
    """A mapping with known fields."""

    name: str
    fields: Mapping[str, Field]
    checks: tuple[Check, ...] = ()


def read_section(section: Section, value: Value, base_dir: Path) -> Values:
    """Return the fields of a mapping; what is wrong with it is noted.

    Raises PharosError(INVALID) where it is no mapping or fails one of the section's checks.
    """
    source = value.source
    before = len(source.faults)
    fields = Fields(value, section.name)
    values: Values = {}
    for name, how in section.fields.items():
        values[name] = _field(fields, name, how, base_dir)
        if how.has_file:
            inline = values[name]
            values[name] = source.attempt(partial(_or_file, fields, name, inline, how, base_dir), inline)
    fields.done()
    if len(source.faults) == before:
        for check in section.checks:
            message = check(values)
            if message:
                raise value.fault(f"{section.name}: {message}")
    return values


def _field(fields: Fields, name: str, how: Field, base_dir: Path) -> Any:
    given = fields.take_set(name)
    if given is None:
        return how.default
    if given.is_null():
        return how.zero
    return given.source.attempt(lambda: how.read(given, base_dir), how.default)


def _or_file(fields: Fields, name: str, inline: SecretText, how: Field, base_dir: Path) -> SecretText:
    path = fields.take(f"{name}_file")
    if path is None or not path.text():
        return inline
    if inline and not how.file_wins:
        raise path.fault(f"at most one of {name} & {name}_file must be configured")
    return SecretText(path=join(base_dir, path.text()))


# What fields are of.


def text(default: str = "") -> Field:
    """Text, mostly a template."""
    return Field(lambda value, _: value.text(), default, "")


def flag(*, default: bool = False) -> Field:
    """True or false."""
    return Field(lambda value, _: value.boolean(), default, zero=False)


def whole() -> Field:
    """A number of things, not negative."""
    return Field(lambda value, _: _whole(value, 0, _MOST_UNSIGNED), 0, 0)


def integer() -> Field:
    """A whole number."""
    return Field(lambda value, _: _whole(value, -_MOST_SIGNED - 1, _MOST_SIGNED), 0, 0)


def decimal() -> Field:
    """A number."""
    return Field(lambda value, _: value.number(), 0.0, 0.0)


def choice() -> Field:
    """True, false or nothing said."""
    return Field(lambda value, _: value.boolean())


def duration(default_ms: int = 0) -> Field:
    """Milliseconds, written as Prometheus writes durations."""
    return Field(lambda value, _: value.duration_ms(), default_ms, 0)


def go_duration(default_ms: int = 0, *, may_be_bare: bool = True) -> Field:
    """Milliseconds, written as Go writes durations; a bare number, where it may be, is nanoseconds."""
    return Field(lambda value, _: _go_duration(value, may_be_bare=may_be_bare), default_ms, 0)


def address(default: str = "") -> Field:
    """An http or https URL, as text."""
    return Field(lambda value, _: _url(value, value.text()), default, "")


def secret(*, file_wins: bool = False) -> Field:
    """A secret, inline or in a file, as SecretText; where both may be there, the file counts."""
    return Field(
        lambda value, _: SecretText(value.secret()),
        SecretText(),
        SecretText(),
        has_file=True,
        file_wins=file_wins,
    )


def inline_secret() -> Field:
    """A secret that has no file."""
    return Field(lambda value, _: SecretText(value.secret()), SecretText(), SecretText())


def secrets() -> Field:
    """A list of secrets, as SecretText each."""
    return Field(lambda value, _: tuple(value.each(lambda one: SecretText(one.secret()))), (), ())


def secret_address(*, may_be_template: bool = False) -> Field:
    """An http or https URL that is a secret, inline or in a file, as SecretText."""

    def read(value: Value, _: Path) -> SecretText:
        found = value.secret().reveal()
        if may_be_template:
            # Older readers of our own configuration know no secret here.
            value.source.keep_secret(value.node, HIDDEN_URL)
        if found != HIDDEN and not (may_be_template and ("{{" in found or not found)):
            _url(value, found)
        return SecretText(Secret(found))

    return Field(read, SecretText(), SecretText(), has_file=True)


def plain_address_or_file() -> Field:
    """An http or https URL, inline or in a file, as SecretText."""
    return Field(
        lambda value, _: SecretText(Secret(_url(value, value.text()))),
        SecretText(),
        SecretText(),
        has_file=True,
    )


def host_port() -> Field:
    """`host:port` as text."""
    return Field(_host_port, "", "")


def texts() -> Field:
    """A list of texts."""
    return Field(lambda value, _: value.texts(), (), ())


def group() -> Field:
    """A mapping of texts."""
    return Field(lambda value, _: value.group(), {}, {})


def anything() -> Field:
    """Whatever is written, as plain values."""
    return Field(lambda value, _: value.plain())


def mapping_of_anything() -> Field:
    """A mapping with whatever is written."""
    return Field(lambda value, _: value.mapping(Value.plain), {}, {})


def one(section: Section) -> Field:
    """A section; None where there is none."""
    return Field(lambda value, base_dir: read_section(section, value, base_dir))


def many(section: Section) -> Field:
    """A list of sections."""
    return Field(
        lambda value, base_dir: tuple(value.each(lambda element: read_section(section, element, base_dir))),
        (),
        (),
    )


def http() -> Field:
    """An http_config as HttpOptions; None where there is none."""

    def read(value: Value, base_dir: Path) -> HttpOptions:
        fields = Fields(value, "http_config")
        found = fields.attempt(lambda inner: read_http(inner, base_dir, notes=True), HttpOptions())
        fields.done()
        return found

    return Field(read)


def tls() -> Field:
    """A tls_config as TlsOptions; None where there is none."""
    return Field(lambda value, base_dir: read_tls(value, base_dir, notes=True))


def always(section: Section) -> Field:
    """A section that is there with its defaults where it is not written."""
    default = {name: how.default for name, how in section.fields.items()}
    return Field(lambda value, base_dir: read_section(section, value, base_dir), default, default)


def template(name: str) -> Field:
    """Text that is one of the default templates where it is not written."""
    return text(f'{{{{ template "{name}" . }}}}')


# Checks.


def needs(name: str, message: str = "") -> Check:
    """Refuses a section without a field."""
    return lambda values: "" if values[name] else message or f"{name} is missing"


def needs_secret(name: str) -> Check:
    """Refuses a section without a secret, inline or in a file."""
    return needs(name, f"one of {name} or {name}_file must be configured")


def is_one_of(name: str, *words: str) -> Check:
    """Refuses a word that is none of those."""
    return lambda values: (
        "" if values[name] in words else f"{name}: {values[name]!r} is none of {', '.join(map(repr, words))}"
    )


def _whole(value: Value, least: int, most: int) -> int:
    """Return a number without what is behind its point, as Go's reader of YAML has it."""
    if not value.is_quoted() and _DECIMAL.fullmatch(value.text()):
        number = int(float(value.text()))
    else:
        number = value.integer()
    if not least <= number <= most:
        raise value.fault(f"{value.path}: expected a whole number, got {value.text()!r}")
    return number


def _go_duration(value: Value, *, may_be_bare: bool) -> int:
    written = value.text()
    if may_be_bare and _BARE.fullmatch(written):
        return int(written) // _NANOSECONDS
    try:
        return parse_go_duration(written) // _NANOSECONDS
    except PharosError as exc:
        raise value.fault(f"{value.path}: {exc}") from exc


def _url(value: Value, written: str) -> str:
    """Return a URL that Go reads too; a fault does not repeat it, since it may be a secret."""
    try:
        parts = urlsplit(written)
        user, at, host = parts.netloc.rpartition("@")
    except ValueError:
        raise value.fault(f"{value.path}: it is no URL") from None
    if parts.scheme not in {"http", "https"}:
        raise value.fault(f"{value.path}: a URL must begin with http:// or https://")
    if not host:
        raise value.fault(f"{value.path}: the URL has no host")
    port = host.rpartition("]")[2] if host.startswith("[") else host[len(host.partition(":")[0]) :]
    is_odd = " " in host or _URL_UNFIT.search(written)
    if is_odd or _ESCAPE_UNFIT.search(parts.path + user + at + parts.fragment) or not _PORT.fullmatch(port):
        raise value.fault(f"{value.path}: it is no URL")
    return written


def _host_port(value: Value, _: Path) -> str:
    written = value.text()
    if not written:
        return ""
    host, colon, port = written.rpartition(":")
    is_bracketed = host.startswith("[") and host.endswith("]")
    inner = host[1:-1] if is_bracketed else host
    is_odd = any(char in inner + port for char in "[]") or (":" in inner and not is_bracketed)
    if not colon or not port or is_odd:
        raise value.fault(
            f"{value.path}: {written!r} is no host with its port; write it as mail.example.org:587"
        )
    return written
