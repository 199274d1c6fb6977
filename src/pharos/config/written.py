"""How values are written in settings: durations, sizes, addresses, names; what is said of others."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import re2
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    SecretStr,
)
from pydantic_core import PydanticCustomError

from pharos.access import TENANT_ALPHABET, is_tenant
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration

FILE_PARSERS: Final = ("text", "json", "docker", "cri", "java", "python", "go", "ruby")
"""By which the lines of files are read and joined."""
HOUR_MS: Final = 3_600_000
_DURATION_AT_MOST_MS: Final = 50 * 365 * 24 * HOUR_MS
"""Farther than that from now the store's times end."""
_SIZE_AT_MOST_BYTES: Final = 1 << 50


def fault_text(message: str) -> PydanticCustomError:
    """Return a fault that pydantic gathers with the place of its setting."""
    return PydanticCustomError("setting", "{message}", {"message": message})


def _duration_ms(value: object) -> object:
    if not isinstance(value, str | int):
        raise fault_text(f"not a duration: {shown(value)} (write it as 30s, 5m or 1h30m)")
    try:
        found = parse_duration(str(value))
    except PharosError as exc:
        raise fault_text(str(exc)) from exc
    if found > _DURATION_AT_MOST_MS:
        raise fault_text(f"must be at most {format_duration(_DURATION_AT_MOST_MS)}, is {value}")
    return found


_WHOLE: Final = re.compile(r"-?[0-9]{1,19}\Z")
_SIZES: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def _size_bytes(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _not_a_size(value)
    found = int(value) if _WHOLE.match(str(value)) else _read_size(str(value))
    if not 0 <= found <= _SIZE_AT_MOST_BYTES:
        raise fault_text(f"must be between 0 and {_spelled(_SIZE_AT_MOST_BYTES)}, is {value}")
    return found


def _read_size(value: str) -> int:
    text = value.strip().upper()
    for unit in sorted(_SIZES, key=len, reverse=True):
        if text.endswith(unit):
            try:
                return int(float(text[: -len(unit)]) * _SIZES[unit])
            except (ValueError, OverflowError):
                break
    raise _not_a_size(value)


def _not_a_size(value: object) -> PydanticCustomError:
    return fault_text(f"not a size: {shown(value)} (write it as 512MB or 2GB)")


def _spelled(size: int) -> str:
    """Return a size in the largest unit that divides it."""
    unit = max((unit for unit in _SIZES if size % _SIZES[unit] == 0), key=_SIZES.__getitem__)
    return f"{size // _SIZES[unit]}{unit}"


def _least(spelled: str, least: int, *, or_zero: str = "") -> AfterValidator:
    """Refuse less than `least`; with `or_zero`, which says what a zero means, a zero is taken too."""

    def check(value: int) -> int:
        if value < least and not (or_zero and value == 0):
            also = f", or 0, which {or_zero}" if or_zero else ""
            raise fault_text(f"must be at least {spelled}{also}")
        return value

    return AfterValidator(check)


def at_least_ms(text: str, *, or_zero: str = "") -> AfterValidator:
    """Return what refuses shorter durations; `or_zero` says what a zero means, which is taken then."""
    return _least(text, parse_duration(text), or_zero=or_zero)


def at_least_bytes(text: str, *, or_zero: str = "") -> AfterValidator:
    """Return what refuses smaller sizes; `or_zero` says what a zero means, which is taken then."""
    return _least(text, _read_size(text), or_zero=or_zero)


def _address(value: str) -> str:
    try:
        split_address(value)
    except PharosError as exc:
        raise fault_text(str(exc)) from exc
    return value


def _own_port(value: str) -> str:
    return value if value in {"auto", "off"} else _address(value)


def _network(value: str) -> str:
    try:
        ipaddress.ip_network(value)
    except ValueError as exc:
        raise fault_text(f"not an address or a network: {shown(value)} (as 10.0.0.7 or 10.0.0.0/8)") from exc
    return value


def _state_address(value: SecretStr | None) -> SecretStr | None:
    # Not shown: there may be a password in it.
    if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise fault_text("must be written as postgresql://user:password@host:5432/database")
    return value


def _tenant(value: str) -> str:
    if not is_tenant(value):
        raise fault_text(f"not a tenant: {shown(value)} ({TENANT_ALPHABET})")
    return value


def _zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError) as exc:
        raise fault_text(f"not a time zone: {shown(value)} (as UTC or Europe/Berlin)") from exc
    return value


def _parser(value: str) -> str:
    unknown = [one for one in value.split("+") if one not in FILE_PARSERS]
    if unknown:
        raise fault_text(f"{shown(unknown[0])} is none of {', '.join(FILE_PARSERS)}")
    return value


def _pattern(value: str) -> str:
    try:
        re2.compile(value)
    except re2.error as exc:
        raise fault_text(f"not a regular expression: {shown(value)}") from exc
    return value


DurationMs = Annotated[int, BeforeValidator(_duration_ms)]
SizeBytes = Annotated[int, BeforeValidator(_size_bytes)]
Address = Annotated[str, AfterValidator(_address)]
Network = Annotated[str, AfterValidator(_network)]
TenantName = Annotated[str, AfterValidator(_tenant)]
ZoneName = Annotated[str, AfterValidator(_zone)]
FileParser = Annotated[str, AfterValidator(_parser)]
Pattern = Annotated[str, AfterValidator(_pattern)]
StateAddress = Annotated[SecretStr | None, AfterValidator(_state_address)]
OwnPort = Annotated[str, AfterValidator(_own_port)]
"""An address, or `auto` or `off`."""


class Section(BaseModel):
    """Settings that belong together; one that is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def shown(value: object) -> str:
    """Return a value for a message."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return repr(str(value)[:100])


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def split_address(listen: str) -> tuple[str, int]:
    """Return host and port of `host:port`, `:port` or `[v6]:port`.

    Raises PharosError(INVALID) for anything else.
    """
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65_535:
        raise PharosError(Kind.INVALID, f"not an address: {listen!r}", hint="write it as 127.0.0.1:8080")
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - what ":8080" means everywhere
