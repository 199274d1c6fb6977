"""Checks as they are declared: a kind, what is expected, how often it is looked at."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Self, TypeAlias

import orjson
import re2
from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError, model_validator
from yarl import URL

from pharos.alerting.oncall.schedule import Part
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import parse_duration
from pharos.runs.events import Schedule
from pharos.runs.schedule import check_schedule

HIDDEN: Final = "<secret>"
"""What is shown instead of a secret; sent back, it means the one that is there."""
NAME: Final = r"^[a-z0-9][a-z0-9._-]{0,62}$"
_LEAST_MS: Final = 1_000
_MOST_MS: Final = 24 * 3_600_000
_LONGEST_MS: Final = 366 * 86_400_000
_OWN_LABELS: Final = frozenset({"__name__", "check", "type", "component", "severity", "job", "instance"})
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,62}")
_STATUS: Final = re.compile(r"[1-5]xx|[1-5][0-9]{2}(-[1-5][0-9]{2})?")
_HEADER: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,100}")


def _duration(least_ms: int, most_ms: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        if not isinstance(value, str):
            raise ValueError("a duration such as 15s is expected")  # noqa: TRY004 - pydantic's own error
        try:
            found = parse_duration(value)
        except PharosError as exc:
            raise ValueError(str(exc)) from exc
        if not least_ms <= found <= most_ms:
            raise ValueError(f"must be from {least_ms / 1000:g}s to {most_ms / 1000:g}s, is {value}")
        return found

    return read


def _pattern(text: str) -> str:
    try:
        re2.compile(text)
    except re2.error as exc:
        raise ValueError(f"not a regular expression (RE2): {text[:80]!r}") from exc
    return text


def _host(text: str) -> str:
    if not text.isprintable() or set(text) & set(" /@?#[]"):
        raise ValueError(f"a name or an address of a host is expected, got {text[:80]!r}")
    return text


def _url(schemes: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        try:
            url = URL(text)
        except ValueError as exc:
            raise ValueError(f"not an address: {exc}") from exc
        if url.scheme not in schemes or not url.host:
            raise ValueError(f"an address that begins with {' or '.join(f'{one}://' for one in schemes)}")
        if url.user or url.password:
            raise ValueError("no user and password in the address: write basic_auth")
        return text

    return read


def _statuses(value: Any) -> Any:
    given = [value] if isinstance(value, str | int) else value
    found = [str(one) for one in given] if isinstance(given, list | tuple) else given
    for one in found if isinstance(found, list) else ():
        if not _STATUS.fullmatch(one):
            raise ValueError(f"a status is 200, 2xx or 200-299, not {one[:20]!r}")
    return found


def _labels(given: Mapping[str, str]) -> Mapping[str, str]:
    for name in given:
        if not _LABEL.fullmatch(name) or name in _OWN_LABELS:
            raise ValueError(f"{name[:60]!r} is no label that a check can have")
    return given


def _headers(given: Mapping[str, str]) -> Mapping[str, str]:
    for name, value in given.items():
        if not _HEADER.fullmatch(name) or not value.isprintable():
            raise ValueError(f"{name[:60]!r} is no header that can be sent")
    return given


Name = Annotated[str, Field(pattern=NAME)]
Text = Annotated[str, Field(max_length=2000)]
Pattern = Annotated[str, Field(max_length=1000), AfterValidator(_pattern)]
HostName = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)]
Port = Annotated[int, Field(ge=1, le=65535)]
Interval = Annotated[int, BeforeValidator(_duration(_LEAST_MS, _MOST_MS))]
Latency = Annotated[int, BeforeValidator(_duration(1, _MOST_MS))]
Period = Annotated[int, BeforeValidator(_duration(1_000, _LONGEST_MS))]
Statuses = Annotated[tuple[str, ...], BeforeValidator(_statuses), Field(min_length=1, max_length=20)]
Labels = Annotated[Mapping[str, Annotated[str, Field(max_length=200)]], AfterValidator(_labels)]
Headers = Annotated[Mapping[str, Annotated[str, Field(max_length=4000)]], AfterValidator(_headers)]
Days = Annotated[int, Field(ge=0, le=10_000)]


class Check(Part):
    """What all kinds of checks have."""

    name: Name
    title: str = Field(default="", max_length=120)
    component: Annotated[str, Field(pattern=rf"{NAME}|^$")] = ""
    """Of the system: what it says is a part of that one's health."""
    labels: Labels = Field(default={}, max_length=20)
    """Of its series and alerts."""
    severity: Literal["critical", "warning"] = "critical"
    """`critical`: without it the component is down; `warning`: it is degraded."""
    interval_ms: Interval = Field(default=30_000, alias="interval")
    timeout_ms: Interval = Field(default=10_000, alias="timeout")
    retries: int = Field(default=0, ge=0, le=5)
    """So often a look that fails is taken again at once, before it counts."""
    fail_after: int = Field(default=2, ge=1, le=100)
    """So many looks in a row must fail until it is down."""
    recover_after: int = Field(default=1, ge=1, le=100)
    """So many must succeed until it is up again."""
    depends_on: Annotated[tuple[Name, ...], Field(max_length=20)] = ()
    """Other checks: while one of them is down, it is not known what a failure of this one means."""
    enabled: bool = True

    @model_validator(mode="after")
    def _is_alone(self) -> Self:
        if self.name in self.depends_on:
            raise ValueError("a check cannot depend on itself")
        return self


class BasicAuth(Part):
    """A name and a password."""

    username: str = Field(default="", max_length=500)
    password: str = Field(default="", max_length=500)


class JsonAssertion(Part):
    """What must stand at a place of a JSON document."""

    path: str = Field(min_length=1, max_length=500)
    """Such as `$.checks[0].status`."""
    equals: str | int | bool | None = None
    matches: Pattern | None = None
    """Without either it must be there."""


class HttpCheck(Check):
    """Asks an address and looks at the answer."""

    type: Literal["http"]
    url: Annotated[str, Field(max_length=2000), AfterValidator(_url(("http", "https")))]
    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    headers: Headers = Field(default={}, max_length=50)
    body: str = Field(default="", max_length=20_000)
    basic_auth: BasicAuth | None = None
    bearer_token: str = Field(default="", max_length=4000)
    follow_redirects: bool = True
    status: Statuses = ("2xx",)
    body_contains: tuple[Text, ...] = Field(default=(), max_length=20)
    body_lacks: tuple[Text, ...] = Field(default=(), max_length=20)
    body_matches: Pattern | None = None
    json_: tuple[JsonAssertion, ...] = Field(default=(), max_length=20, alias="json")
    header_matches: Mapping[str, Pattern] = Field(default={}, max_length=20)
    max_latency_ms: Latency | None = Field(default=None, alias="max_latency")
    certificate_days: Days = 0
    """Of https: so many days the certificate must last."""
    insecure_skip_verify: bool = False


class TcpCheck(Check):
    """Connects to a port."""

    type: Literal["tcp"]
    host: HostName
    port: Port
    send: Text = ""
    expect: Text = ""
    """What must come; after what is sent, if anything is."""


class TlsCheck(Check):
    """Looks at a certificate: its chain, its name, and how long it lasts."""

    type: Literal["tls"]
    host: HostName
    port: Port = 443
    server_name: str = Field(default="", max_length=253)
    days_left: Days = 14


class DnsCheck(Check):
    """Asks for a name."""

    type: Literal["dns"]
    query: HostName
    record: Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA"] = "A"
    server: str = Field(default="", max_length=253)
    """Whom to ask, an address; the system's own otherwise."""
    port: Port = 53
    expect: tuple[Text, ...] = Field(default=(), max_length=20)
    """Each must be among the answers; without any, one answer is enough."""


class IcmpCheck(Check):
    """Pings a host."""

    type: Literal["icmp"]
    host: HostName
    count: int = Field(default=1, ge=1, le=10)


class GrpcCheck(Check):
    """Asks a server for its health by `grpc.health.v1.Health/Check`."""

    type: Literal["grpc"]
    host: HostName
    port: Port
    service: str = Field(default="", max_length=200)
    tls: bool = False


class WebSocketCheck(Check):
    """Opens a WebSocket, may say something and wait for an answer."""

    type: Literal["websocket"]
    url: Annotated[str, Field(max_length=2000), AfterValidator(_url(("ws", "wss")))]
    headers: Headers = Field(default={}, max_length=50)
    send: Text = ""
    expect: Text = ""


class HeartbeatCheck(Check):
    """Something that must give a sign of life: a job that ran, a device that is there."""

    type: Literal["heartbeat"]
    every_ms: Period | None = Field(default=None, alias="every")
    """So often at least; instead of `cron`."""
    cron: str = Field(default="", max_length=200)
    """At the times of five fields of cron."""
    timezone: str = Field(default="", max_length=100)
    """Of `cron`; UTC where it is empty."""
    grace_ms: Period = Field(default=60_000, alias="grace")
    """So much later it may be."""
    longest_ms: Period | None = Field(default=None, alias="longest")
    """So long it may take from a start to the end, where starts are told."""
    fail_after: int = Field(default=1, ge=1, le=100)
    interval_ms: Interval = Field(default=5_000, alias="interval")

    @model_validator(mode="after")
    def _has_schedule(self) -> Self:
        if (self.every_ms is None) == (not self.cron):
            raise ValueError("either every or cron must say when it is heard of: 1d, or '0 3 * * *'")
        try:
            check_schedule(self.schedule, "check")
        except PharosError as exc:
            raise ValueError(exc.message) from exc
        return self

    @property
    def schedule(self) -> Schedule:
        """When it has to be heard of."""
        return Schedule(self.every_ms or 0, self.cron, self.timezone)


class QueryCheck(Check):
    """Asks what is stored."""

    query: str = Field(min_length=1, max_length=10_000)
    up_when: Literal["empty", "found"] = "empty"
    """`empty`: what is found is what is wrong, as of an alert's expression. `found`: it must be there."""


class PromqlCheck(QueryCheck):
    """Asks metrics."""

    type: Literal["promql"]


class LogqlCheck(QueryCheck):
    """Counts log lines, by a metric query of LogQL."""

    type: Literal["logql"]


class ProcessCheck(Check):
    """Looks for processes on the host of Pharos."""

    type: Literal["process"]
    command_matches: Pattern
    """The command line of a process."""
    at_least: int = Field(default=1, ge=0, le=100_000)
    at_most: int | None = Field(default=None, ge=0, le=100_000)


class DiskCheck(Check):
    """Looks at the space of a disk of the host of Pharos."""

    type: Literal["disk"]
    path: str = Field(min_length=1, max_length=1000)
    min_free_percent: int = Field(default=10, ge=0, le=100)


AnyCheck: TypeAlias = (
    HttpCheck
    | TcpCheck
    | TlsCheck
    | DnsCheck
    | IcmpCheck
    | GrpcCheck
    | WebSocketCheck
    | HeartbeatCheck
    | PromqlCheck
    | LogqlCheck
    | ProcessCheck
    | DiskCheck
)
TYPES: Final = (
    "http",
    "tcp",
    "tls",
    "dns",
    "icmp",
    "grpc",
    "websocket",
    "heartbeat",
    "promql",
    "logql",
    "process",
    "disk",
)
OF_HOST: Final = frozenset({"process", "disk"})
"""What looks at the host of Pharos itself."""


class Component(Part):
    """A part of a system, whose health is that of its checks and of its own parts."""

    name: Name
    title: str = Field(default="", max_length=120)
    part_of: Annotated[str, Field(pattern=rf"{NAME}|^$")] = ""
    severity: Literal["critical", "warning"] = "critical"
    """`warning`: without it what it is a part of is degraded, and not down."""
    match: Mapping[str, Annotated[str, Field(max_length=200)]] = Field(default={}, max_length=20)
    """Checks with these labels are its own too."""

    @model_validator(mode="after")
    def _is_no_part_of_itself(self) -> Self:
        if self.part_of == self.name:
            raise ValueError("a component cannot be a part of itself")
        return self


@lru_cache(1)
def _adapter() -> TypeAdapter[AnyCheck]:
    return TypeAdapter(Annotated[AnyCheck, Field(discriminator="type")])


def read_check(document: Mapping[str, Any], what: str = "check") -> AnyCheck:
    """Return a check of a document. Raises PharosError(INVALID) that names the first field at fault."""
    try:
        return _adapter().validate_json(orjson.dumps(document))
    except (ValidationError, orjson.JSONEncodeError) as exc:
        raise PharosError(Kind.INVALID, f"{what}: {_fault(exc)}") from exc


def read_component(document: Mapping[str, Any], what: str = "component") -> Component:
    """Return a component of a document. Raises PharosError(INVALID) that names the first field at fault."""
    try:
        return Component.model_validate_json(orjson.dumps(document))
    except (ValidationError, orjson.JSONEncodeError) as exc:
        raise PharosError(Kind.INVALID, f"{what}: {_fault(exc)}") from exc


def _fault(error: ValidationError | orjson.JSONEncodeError) -> str:
    """Return the first fault, without what was written: it may be a secret."""
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    place = "".join(
        f"[{part}]" if isinstance(part, int) else f".{part}" for part in first["loc"] if part not in TYPES
    ).removeprefix(".")
    match first["type"]:
        case "extra_forbidden":
            return f"{place}: there is no such field"
        case "missing":
            return f"{place}: it is missing"
        case "union_tag_invalid" | "union_tag_not_found":
            return f"type: one of {', '.join(TYPES)}"
        case "string_pattern_mismatch" if place in {"name", "component", "part_of"} or "depends_on" in place:
            return f"{place}: small letters, digits and . _ - are expected, 63 at most"
    message: str = first["msg"]
    return f"{place or 'the document'}: {message.removeprefix('Value error, ')}"
