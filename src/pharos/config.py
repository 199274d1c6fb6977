"""Settings: one document (pharos.yml), gathered into frozen records."""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Final, Self, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from pharos.access import TENANT_ALPHABET, is_tenant
from pharos.document import (
    FAULTS_MAX,
    FaultsError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Value,
    did_you_mean,
    load_document,
)
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.limits import LIMIT_FIELDS, LimitTable, TenantLimits
from pharos.named_file import read_named
from pharos.secret import Secret

STATE_FILE: Final = "state.db"
"""Of the data folder: what people say, where no PostgreSQL is named."""
_FILE_MAX_BYTES: Final = 1 << 20
_HOUR_MS: Final = 3_600_000
_DURATION_AT_MOST_MS: Final = 50 * 365 * 24 * _HOUR_MS
"""Farther than that from now the store's times end."""
_SIZE_AT_MOST_BYTES: Final = 1 << 50


def _fault_text(message: str) -> PydanticCustomError:
    """Return a fault that pydantic gathers with the place of its setting."""
    return PydanticCustomError("setting", "{message}", {"message": message})


def _duration_ms(value: object) -> object:
    if not isinstance(value, str | int):
        raise _fault_text(f"not a duration: {_shown(value)} (write it as 30s, 5m or 1h30m)")
    try:
        found = parse_duration(str(value))
    except PharosError as exc:
        raise _fault_text(str(exc)) from exc
    if found > _DURATION_AT_MOST_MS:
        raise _fault_text(f"must be at most {format_duration(_DURATION_AT_MOST_MS)}, is {value}")
    return found


_WHOLE: Final = re.compile(r"-?[0-9]{1,19}\Z")
_SIZES: Final = {"B": 1, "KB": 1 << 10, "MB": 1 << 20, "GB": 1 << 30, "TB": 1 << 40}


def _size_bytes(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _not_a_size(value)
    found = int(value) if _WHOLE.match(str(value)) else _read_size(str(value))
    if not 0 <= found <= _SIZE_AT_MOST_BYTES:
        raise _fault_text(f"must be between 0 and {_spelled(_SIZE_AT_MOST_BYTES)}, is {value}")
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
    return _fault_text(f"not a size: {_shown(value)} (write it as 512MB or 2GB)")


def _spelled(size: int) -> str:
    """Return a size in the largest unit that divides it."""
    unit = max((unit for unit in _SIZES if size % _SIZES[unit] == 0), key=_SIZES.__getitem__)
    return f"{size // _SIZES[unit]}{unit}"


def _least(spelled: str, least: int, *, or_zero: str = "") -> AfterValidator:
    """Refuse less than `least`; with `or_zero`, which says what a zero means, a zero is taken too."""

    def check(value: int) -> int:
        if value < least and not (or_zero and value == 0):
            also = f", or 0, which {or_zero}" if or_zero else ""
            raise _fault_text(f"must be at least {spelled}{also}")
        return value

    return AfterValidator(check)


def _at_least_ms(text: str, *, or_zero: str = "") -> AfterValidator:
    return _least(text, parse_duration(text), or_zero=or_zero)


def _at_least_bytes(text: str, *, or_zero: str = "") -> AfterValidator:
    return _least(text, _read_size(text), or_zero=or_zero)


def _address(value: str) -> str:
    try:
        split_address(value)
    except PharosError as exc:
        raise _fault_text(str(exc)) from exc
    return value


def _state_address(value: SecretStr | None) -> SecretStr | None:
    # Not shown: there may be a password in it.
    if value is not None and not value.get_secret_value().startswith(("postgresql://", "postgres://")):
        raise _fault_text("must be written as postgresql://user:password@host:5432/database")
    return value


DurationMs = Annotated[int, BeforeValidator(_duration_ms)]
SizeBytes = Annotated[int, BeforeValidator(_size_bytes)]
Address = Annotated[str, AfterValidator(_address)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Retention(_Section):
    """How long each kind of telemetry is kept; 0 keeps it for ever."""

    metrics: Annotated[DurationMs, _at_least_ms("1h", or_zero="keeps them for ever")] = Field(
        default=30 * 86_400_000, description="How long samples are kept, 1h to 50y."
    )


class Ingest(_Section):
    """What is accepted."""

    max_sample_age: DurationMs = Field(
        default=7 * 86_400_000, description="Older samples are refused; 0 accepts any age."
    )
    min_free_disk: SizeBytes = Field(
        default=512 << 20, description="Below this much free disk nothing is accepted."
    )
    max_pending: Annotated[SizeBytes, _at_least_bytes("32MB")] = Field(
        default=192 << 20,
        description="Accepted but not yet stored samples in memory before senders must wait, 32MB at least.",
    )
    max_body: Annotated[SizeBytes, _at_least_bytes("64KB")] = Field(
        default=32 << 20, description="The largest request body, packed, 64KB at least."
    )
    max_receiving: Annotated[SizeBytes, _at_least_bytes("1MB")] = Field(
        default=128 << 20,
        description="Memory for request bodies, of all connections, that come in or are not yet dealt with,"
        " before senders must wait, 1MB at least; those up to 1 MB may take a quarter more.",
    )
    receive_timeout: DurationMs = Field(
        default=120_000,
        gt=0,
        description="The longest until a request's body is there in whole; the longest until its headers are,"
        " or without a byte of the body, is a quarter of it; an answer waits half of it to be read on.",
    )


class Promql(_Section):
    """How queries are answered."""

    experimental: bool = Field(
        default=False,
        description="Drop metric names late too, which changes answers of stable queries; all other"
        " experimental functions and modifiers are always on.",
    )
    lookback: Annotated[DurationMs, _at_least_ms("1s")] = Field(
        default=300_000, description="How far an instant selector looks back, 1s at least."
    )
    timeout: Annotated[DurationMs, _at_least_ms("100ms")] = Field(
        default=120_000, description="The longest a query may take, 100ms at least."
    )
    max_samples: int = Field(default=50_000_000, gt=0, description="Samples that a query may load.")
    max_series: int = Field(
        default=1_000_000, ge=0, description="Series that a query may select; 0 is any number."
    )
    max_memory: Annotated[SizeBytes, _at_least_bytes("1MB", or_zero="is any amount")] = Field(
        default=2 << 30,
        description="Memory for the samples and intermediate results of one query; 0 is any amount.",
    )
    max_sending: Annotated[SizeBytes, _at_least_bytes("1MB")] = Field(
        default=128 << 20,
        description="Memory for answers that their clients have not read yet, of all connections, before"
        " further large ones are refused, 1MB at least; those up to 1 MB may take a quarter more.",
    )
    cache: SizeBytes = Field(
        default=256 << 20, description="Memory for decoded samples, so that queries read only what is new."
    )
    label_cache: SizeBytes = Field(
        default=512 << 20,
        description="Memory for the labels of series that were asked for: about 200 bytes a series.",
    )
    max_per_tenant: int = Field(
        default=0,
        ge=0,
        description="Queries of one tenant evaluated at once; 0 is as many as engine.query_threads.",
    )
    slow_query: DurationMs = Field(
        default=10_000, description="Slower queries are logged with their plan; 0 logs none."
    )
    max_steps: int = Field(
        default=11_000, gt=0, description="Points per series that a range query may return."
    )


class Engine(_Section):
    """The embedded store's share of the machine."""

    memory: Annotated[SizeBytes, _at_least_bytes("256MB")] = Field(
        default=4 << 30, description="Memory of the embedded store, 256MB at least."
    )
    query_threads: int = Field(default=4, gt=0, le=64, description="Queries that run at once.")


class RoleRule(_Section):
    """Who gets a role, by what an issuer says of them."""

    role: str = Field(description="The role that is given.")
    when: dict[str, str] = Field(
        default_factory=dict, description="Claims and the value that each must have, or have among others."
    )
    tenant: str | None = Field(default=None, description="The tenant in which it is given.")
    tenant_claim: str = Field(default="", description="The claim that names the tenant, or several.")
    everywhere: bool = Field(default=False, description="Give it on the whole server.")

    @model_validator(mode="after")
    def _has_one_place(self) -> Self:
        if (self.tenant is not None) + bool(self.tenant_claim) + self.everywhere != 1:
            raise _fault_text("says where: one of tenant, tenant_claim and everywhere")
        return self


class IssuerSettings(_Section):
    """An outside issuer whose signed tokens are taken."""

    issuer: str = Field(description="What its tokens name in `iss`, letter by letter.")
    audience: tuple[str, ...] = Field(min_length=1, description="One of these must stand in `aud`.")
    jwks_url: str = Field(default="", description="Where its keys are; found by discovery if left out.")
    algorithms: tuple[str, ...] = Field(
        default=("RS256", "PS256", "ES256", "Ed25519"), min_length=1, description="Signatures that are taken."
    )
    leeway: DurationMs = Field(default=60_000, le=600_000, description="How far its clock may be off.")
    longest: DurationMs = Field(default=86_400_000, description="A token good for longer is not taken.")
    name_claims: tuple[str, ...] = Field(
        default=("preferred_username", "email", "name"), description="Where a name for people is looked for."
    )
    rules: tuple[RoleRule, ...] = Field(default=(), description="Who gets which role; see [rules](#rules).")


class ProviderSettings(_Section):
    """An identity provider at which people sign in (OpenID Connect)."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = Field(description="In its addresses.")
    issuer: str = Field(description="Its address, letter by letter as its tokens name it.")
    client_id: str = Field(description="What this server is called there.")
    client_secret_file: Path | None = Field(default=None, description="The file with the client's secret.")
    label: str = Field(default="", description="What the button says.")
    scopes: tuple[str, ...] = Field(default=("openid", "profile", "email"), description="What is asked for.")
    algorithms: tuple[str, ...] = Field(
        default=("RS256", "PS256", "ES256", "Ed25519"), min_length=1, description="Signatures that are taken."
    )
    name_claims: tuple[str, ...] = Field(
        default=("preferred_username", "email", "name"), description="Where a name for people is looked for."
    )
    rules: tuple[RoleRule, ...] = Field(default=(), description="Who gets which role; see [rules](#rules).")


class Sessions(_Section):
    """How long a browser stays signed in."""

    idle: Annotated[DurationMs, _at_least_ms("1m")] = Field(
        default=24 * _HOUR_MS, description="A session that nobody uses ends after it, 1m at least."
    )
    longest: Annotated[DurationMs, _at_least_ms("1m")] = Field(
        default=30 * 24 * _HOUR_MS, description="Every session ends after it, 1m at least."
    )


class Tls(_Section):
    """Serving over TLS; the files are read again when they change."""

    cert: Path | None = Field(default=None, description="The certificate and those above it, as PEM.")
    key: Path | None = Field(default=None, description="Its private key, as PEM.")
    client_ca: Path | None = Field(
        default=None, description="Clients must show a certificate that one of these authorities signed."
    )

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.cert is None) != (self.key is None) or (self.client_ca is not None and self.cert is None):
            raise _fault_text("cert and key belong together, and client_ca needs both")
        return self


_Limit = Annotated[int, Field(ge=0, le=1 << 53)]


class Limits(_Section):
    """What every tenant may do, unless its own limits say otherwise; 0 is no limit."""

    ingest_rate: _Limit = Field(default=0, description="Samples a second that are taken.")
    ingest_burst: _Limit = Field(
        default=0, description="Samples that are taken at once; 0 is ten seconds of the rate."
    )
    max_series: _Limit = Field(
        default=0, description="Active series: those with a sample in the last one to two hours."
    )
    max_label_names: _Limit = Field(default=0, description="Labels of a series, its metric's name included.")
    max_label_name_length: _Limit = Field(default=0, description="Bytes of a label's name.")
    max_label_value_length: _Limit = Field(default=0, description="Bytes of a label's value.")
    max_queries: _Limit = Field(
        default=0, description="Queries evaluated at once; 0 is as promql.max_per_tenant says."
    )
    max_query_samples: _Limit = Field(
        default=0, description="Samples that a query may load, if fewer than promql.max_samples."
    )
    max_query_series: _Limit = Field(
        default=0, description="Series that a query may select, if fewer than promql.max_series."
    )
    max_query_range: DurationMs = Field(
        default=0, description="The longest from the start of a range query to its end."
    )
    max_query_lookback: DurationMs = Field(default=0, description="Older samples are not seen by queries.")
    retention: Annotated[DurationMs, _at_least_ms("1h", or_zero="is as retention.metrics")] = Field(
        default=0,
        description="Older samples are not seen, and deleted within some hours; 0 is as retention.metrics.",
    )


class Tenant(_Section):
    """A tenant that the settings name."""

    name: str = Field(default="", max_length=200, description="What it is called on pages.")
    limits: Limits = Field(default=Limits(), description="Those of the section limits that are its own.")


def _tenant(value: str) -> str:
    if not is_tenant(value):
        raise _fault_text(f"not a tenant: {_shown(value)} ({TENANT_ALPHABET})")
    return value


class Settings(_Section):
    """Everything that pharos.yml may say."""

    data: Path = Field(default=Path("pharos-data"), description="The folder that holds everything.")
    listen: Address = Field(
        default="127.0.0.1:8080", description="Address and port of UI and APIs; port 0 takes a free one."
    )
    insecure: bool = Field(
        default=False,
        description="While there is no user, let everybody do everything, also from beyond loopback.",
    )
    url: str = Field(
        default="",
        pattern=r"^(https?://[^/?#\s]+)?$",
        description="How people reach this server, such as https://metrics.example.com behind a proxy.",
    )
    anonymous: str = Field(
        default="",
        description="The role of who does not sign in, in the tenant `default`; nothing gives none.",
    )
    hosts: tuple[str, ...] = Field(
        default=(),
        description="Names beside those of loopback by which this server may be reached, and whose pages may"
        " change something, such as [metrics.example.com] behind a proxy.",
    )
    state: Annotated[SecretStr | None, AfterValidator(_state_address)] = Field(
        default=None,
        description="The PostgreSQL that keeps what people say: users, tenants, who changed what. Written as"
        " `postgresql://user:password@host:5432/database`; without it, it is `state.db` in the folder.",
    )
    max_connections: int = Field(
        default=2048,
        gt=0,
        description="Connections that clients may have open, idle ones too; one more is answered 503.",
    )
    prometheus: Path | None = Field(default=None, description="A prometheus.yml whose targets are scraped.")
    admin_api: bool = Field(
        default=False,
        description="Answer requests to delete series and take snapshots where nobody says who asks.",
    )
    self_scrape_interval: Annotated[DurationMs, _at_least_ms("100ms")] = Field(
        default=2_000, description="How often Pharos and its host are scraped, 100ms at least."
    )
    create_tenants: bool | None = Field(
        default=None,
        description="Whether a write to a tenant that does not exist makes it; if not said, only where nobody"
        " is asked who they are.",
    )
    tenants: dict[Annotated[str, AfterValidator(_tenant)], Tenant] = Field(
        default={},
        description="Tenants by their ids, each with a `name` and `limits` of its own, such as"
        " {team-a: {name: Team A, limits: {ingest_rate: 50000}}}.",
    )
    retention: Retention = Retention()
    limits: Limits = Limits()
    ingest: Ingest = Ingest()
    promql: Promql = Promql()
    engine: Engine = Engine()
    sessions: Sessions = Sessions()
    tls: Tls = Tls()
    issuers: tuple[IssuerSettings, ...] = Field(
        default=(), description="Outside issuers whose signed tokens (JWT) are taken."
    )
    providers: tuple[ProviderSettings, ...] = Field(
        default=(), description="Identity providers at which people sign in (OpenID Connect)."
    )

    @property
    def state_address(self) -> Path | Secret:
        """Where people's state is kept: a file, or the address of a PostgreSQL."""
        return self.data / STATE_FILE if self.state is None else Secret(self.state.get_secret_value())

    @property
    def environment(self) -> dict[str, str]:
        """The process's environment, for what a configuration file may refer to."""
        return process_environment()


def process_environment() -> dict[str, str]:
    """Return the variables of the environment that the process was started in."""
    return dict(os.environ)  # noqa: TID251 - here it comes in


def limit_table(settings: Settings) -> LimitTable:
    """Return the limits that the settings give to everybody, and to the tenants that they name."""
    return LimitTable(
        TenantLimits(**_limits(settings.limits, Limits.model_fields)),
        {
            tenant: _limits(one.limits, one.limits.model_fields_set)
            for tenant, one in settings.tenants.items()
        },
    )


def _limits(section: Limits, names: Iterable[str]) -> dict[str, int]:
    return {LIMIT_FIELDS[name]: getattr(section, name) for name in names}


def load_settings(path: Path | None, overrides: dict[str, Any]) -> Settings:
    """Return the settings of the file at `path` (None: defaults) with `overrides` (None values: not given).

    Raises PharosError that names file, line and key of every fault, up to 100, one a line, sorted by line.
    """
    root = None if path is None else load_document(read_named(path, _FILE_MAX_BYTES), str(path))
    document = {} if root is None else _plain(root)
    if path is not None:
        _place_paths(document, path.parent)
    document.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return Settings.model_validate(document)
    except ValidationError as exc:
        # Not all of them: each is looked for in the document, which may have a hundred thousand.
        told = sorted(_placed(root, error) for error in exc.errors()[:FAULTS_MAX])
        faults = [PharosError(Kind.INVALID, message) for _, message in told]
        if exc.error_count() > FAULTS_MAX:
            faults.append(PharosError(Kind.INVALID, f"{path or 'settings'}: and more"))
        raise FaultsError(tuple(faults)) from exc


def _place_paths(document: dict[str, Any], folder: Path) -> None:
    """Let every path of a file count from that file, wherever Pharos is started."""
    places: list[tuple[Any, tuple[str, ...]]] = [
        (document, ("data", "prometheus")),
        (document.get("tls"), ("cert", "key", "client_ca")),
    ]
    providers = document.get("providers")
    places += [(one, ("client_secret_file",)) for one in (providers if isinstance(providers, list) else ())]
    for section, keys in places:
        for key in keys if isinstance(section, dict) else ():
            if isinstance(section.get(key), str):
                section[key] = str(folder / section[key])


def check_prometheus(path: Path | None, settings: Settings) -> None:
    """Raise PharosError(INVALID) that names file and line when the settings' prometheus.yml cannot be read.

    `path` is the file that the settings came from, None when there was none.
    """
    if settings.prometheus is None:
        return
    try:
        read_named(settings.prometheus)
    except PharosError as exc:
        where = "settings"
        if path is not None:
            for name, line, value in load_document(read_named(path, _FILE_MAX_BYTES), str(path)).pairs():
                if name == "prometheus" and path.parent / value.text() == settings.prometheus:
                    where = f"{path}:{line}"
        raise PharosError(exc.kind, f"{where}: prometheus: {exc}") from exc


def _plain(root: Value) -> dict[str, Any]:
    """Return a document's mapping as lists, mappings and texts, of which the settings make what they are.

    Raises PharosError(INVALID) for another document, and for a key that is there twice.
    """
    if root.is_null():
        return {}
    if not isinstance(root.node, Mapping):
        raise root.fault("a mapping of settings is expected")
    return {name: _plain_value(value) for name, _, value in root.pairs()}


def _plain_value(value: Value) -> Any:
    if isinstance(value.node, Mapping):
        return _plain(value)
    if isinstance(value.node, Sequence):
        return [_plain_value(one) for one in value.items()]
    return None if value.is_null() else value.text()


def _placed(root: Value | None, error: Any) -> tuple[int, str]:
    """Return (line, message) of a fault."""
    keys = tuple(map(str, error["loc"]))
    line, name = 0, "settings"
    if root is not None:
        line = _line(root.node, keys)
        name = f"{root.source.name}:{line}" if line else root.source.name
    return line, f"{name}: {'.'.join(keys)}: {_sentence(keys, error)}"


def _line(node: Node, keys: tuple[str, ...]) -> int:
    """Return the line of a setting, as far as the document has it; 0 if it has nothing of it."""
    line = 0
    for key in keys:
        if isinstance(node, Sequence) and key.isdecimal():
            node = node.items[int(key)]
            line = node.line
        elif isinstance(node, Mapping):
            pairs = zip(node.nodes[::2], node.nodes[1::2], strict=True)
            found = [pair for pair in pairs if isinstance(pair[0], Scalar) and pair[0].text == key]
            if not found:
                break
            line, node = found[0][0].line, found[0][1]
    return line


_EXPECTED: Final = {
    "bool": "expected true or false",
    "int": "expected a whole number",
    "string": "expected text",
    "path": "expected text",
    "tuple": "expected a list",
    "model": "expected a mapping",
    "dict": "expected a mapping",
}
_MISFITS: Final = {
    "missing": "it is missing",
    "too_short": "must not be empty",
    "string_pattern_mismatch": "not written as it must be",
}
_BOUNDS: Final = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than_equal": ("le", "must be at most"),
}


def _sentence(keys: tuple[str, ...], error: Any) -> str:
    """Return what is wrong in our own words: pydantic's are for programmers."""
    kind = error["type"]
    if kind == "setting":
        return str(error["msg"])
    if kind == "extra_forbidden":
        return f"there is no such setting{did_you_mean(keys[-1], _section_of(keys).model_fields)}"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        return f"{words} {error['ctx'][bound]}, is {_shown(error['input'])}"
    if kind in _MISFITS:
        return f"{_MISFITS[kind]}, got {_shown(error['input'])}" if kind != "missing" else _MISFITS[kind]
    expected = _EXPECTED.get(kind.partition("_")[0], "not understood")
    return f"{expected}, got {_shown(error['input'])}"


def _section_of(keys: tuple[str, ...]) -> Any:
    """Return the section that a setting stands in."""
    section: Any = Settings
    for key in keys[:-1]:
        if get_origin(section) is dict:
            section = get_args(section)[1]
        elif get_origin(section) is tuple:
            section = get_args(section)[0]
        else:
            section = section.model_fields[key].annotation
    return section


def _shown(value: object) -> str:
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
