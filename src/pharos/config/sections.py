"""All settings: frozen sections, each field with what is said of it in the documentation."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    model_validator,
)

from pharos.config.anomalies import Anomalies
from pharos.config.dashboards import DashboardSettings
from pharos.config.doors import FileSource, Forward, Otlp, Syslog, Tls
from pharos.config.health import HealthSettings
from pharos.config.retention import Retention
from pharos.config.sampling import SamplingSettings
from pharos.config.written import (
    HOUR_MS,
    Address,
    DurationMs,
    Network,
    Section,
    SizeBytes,
    StateAddress,
    TenantName,
    at_least_bytes,
    at_least_ms,
    fault_text,
    is_loopback,
    split_address,
)
from pharos.limits import LIMIT_FIELDS, LimitTable, TenantLimits
from pharos.secret import Secret

STATE_FILE: Final = "state.db"
"""Of the data folder: what people say, where no PostgreSQL is named."""


class Ingest(Section):
    """What is accepted."""

    max_sample_age: DurationMs = Field(
        default=7 * 86_400_000, description="Older samples are refused; 0 accepts any age."
    )
    min_free_disk: SizeBytes = Field(
        default=512 << 20, description="Below this much free disk nothing is accepted."
    )
    max_pending: Annotated[SizeBytes, at_least_bytes("32MB")] = Field(
        default=192 << 20,
        description="Accepted but not yet stored samples in memory before senders must wait, 32MB at least.",
    )
    max_body: Annotated[SizeBytes, at_least_bytes("64KB")] = Field(
        default=32 << 20, description="The largest request body, packed, 64KB at least."
    )
    max_receiving: Annotated[SizeBytes, at_least_bytes("1MB")] = Field(
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


class Promql(Section):
    """How queries are answered."""

    experimental: bool = Field(
        default=False,
        description="Drop metric names late too, which changes answers of stable queries; all other"
        " experimental functions and modifiers are always on.",
    )
    lookback: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=300_000, description="How far an instant selector looks back, 1s at least."
    )
    timeout: Annotated[DurationMs, at_least_ms("100ms")] = Field(
        default=120_000, description="The longest a query may take, 100ms at least."
    )
    max_samples: int = Field(default=50_000_000, gt=0, description="Samples that a query may load.")
    max_series: int = Field(
        default=1_000_000, ge=0, description="Series that a query may select; 0 is any number."
    )
    max_memory: Annotated[SizeBytes, at_least_bytes("1MB", or_zero="is any amount")] = Field(
        default=2 << 30,
        description="Memory for the samples and intermediate results of one query; 0 is any amount.",
    )
    max_sending: Annotated[SizeBytes, at_least_bytes("1MB")] = Field(
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


class Engine(Section):
    """The embedded store's share of the machine."""

    memory: Annotated[SizeBytes, at_least_bytes("256MB")] = Field(
        default=4 << 30, description="Memory of the embedded store, 256MB at least."
    )
    query_threads: int = Field(default=4, gt=0, le=64, description="Queries that run at once.")


class Evaluation(Section):
    """How rules are evaluated."""

    interval: Annotated[DurationMs, at_least_ms("100ms", or_zero="is a minute")] = Field(
        default=0,
        description="How often groups that do not say are evaluated; 0 is as prometheus.yml says, or 1m.",
    )
    resend: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=60_000, description="How often a firing alert is told of again, 1s at least."
    )
    unknown: dict[str, str] | None = Field(
        default=None,
        description="Labels of the alert `RuleUnknown`, which fires for a rule that fails or finds no data"
        " where there was some, such as {severity: warning}; without them nobody is told.",
    )
    unknown_after: DurationMs = Field(
        default=300_000, description="How long a rule's answer must not be known before `RuleUnknown` fires."
    )


class Live(Section):
    """The live feed, at `/ws`."""

    listen: Address | None = Field(
        default=None,
        description="An address at which only the feed is answered, at `/` too, such as 127.0.0.1:9090.",
    )
    update_interval: Annotated[DurationMs, at_least_ms("100ms")] = Field(
        default=5_000, description="How often streams are sent that do not say, 100ms at least."
    )
    heartbeat: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=30_000,
        description="How often clients say that they are there; after two without a sign they are let go, 1s"
        " at least.",
    )
    max_clients: int = Field(
        default=1_000,
        gt=0,
        description="Clients at once; one more is answered 503. All count among `max_connections` too.",
    )
    compression: bool = Field(
        default=True, description="Compress messages for clients that offer it (permessage-deflate)."
    )


class SpanMetrics(Section):
    """Metrics that are made of spans."""

    interval: Annotated[DurationMs, at_least_ms("1s", or_zero="makes none")] = Field(
        default=0,
        description="How often rate, errors and durations of spans are written as series"
        " (`traces_spanmetrics_*`, `traces_service_graph_*`), such as 15s; 0 writes none.",
    )
    late: Annotated[DurationMs, at_least_ms("1m")] = Field(
        default=6 * 3_600_000,
        description="How long before it comes in a span may have begun to be counted, 1m at least.",
    )


class OnCall(Section):
    """Who looks after alerts."""

    files: tuple[str, ...] = Field(
        default=(),
        description="Files of schedules, escalation policies and actions, by patterns such as oncall/*.yml.",
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="By which Slack signs what its buttons send; without it they do nothing."
    )
    slack_signing_secret_file: Path | None = Field(default=None, description="A file that holds it.")
    pagerduty_signing_secret: SecretStr | None = Field(
        default=None, description="By which PagerDuty signs its webhooks; without it they are refused."
    )
    pagerduty_signing_secret_file: Path | None = Field(default=None, description="A file that holds it.")
    timeline_keep: Annotated[DurationMs, at_least_ms("1h", or_zero="keeps it for ever")] = Field(
        default=90 * 86_400_000, description="How long it is kept what happened to alerts, 1h at least."
    )


class ClusterSettings(Section):
    """A Kubernetes cluster that actions may patch."""

    server: str = Field(
        pattern=r"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        description="Where its API is, such as https://10.0.0.1:6443, or https://rancher.example.com/k8s/clusters/a.",
    )
    token_file: Path | None = Field(default=None, description="A file that holds a service account's token.")
    ca_file: Path | None = Field(default=None, description="Certificates that its API is signed by.")


class ActionSettings(Section):
    """What automatic responses may do."""

    commands: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default={},
        description="Programs that actions may run, by name, each with its first arguments, such as"
        " {restart: [/usr/bin/systemctl, restart]}; there is no shell.",
    )
    clusters: dict[str, ClusterSettings] = Field(
        default={},
        description="Kubernetes clusters that actions may patch, by name, each with `server`, `token_file`"
        " and `ca_file`.",
    )
    private_addresses: bool = Field(
        default=False,
        description="Whether webhooks of actions and control hooks of workflows may go to private addresses,"
        " loopback too.",
    )


class RoleRule(Section):
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
            raise fault_text("says where: one of tenant, tenant_claim and everywhere")
        return self


class IssuerSettings(Section):
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


class ProviderSettings(Section):
    """An identity provider at which people sign in (OpenID Connect)."""

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,30}$")] = Field(description="In its addresses.")
    issuer: str = Field(description="Its address, letter by letter as its tokens name it.")
    client_id: str = Field(description="What this server is called there.")
    client_secret_file: Path | None = Field(default=None, description="The file with the client's secret.")
    label: str = Field(default="", description="What it is called on the button: Sign in with …")
    scopes: tuple[str, ...] = Field(default=("openid", "profile", "email"), description="What is asked for.")
    algorithms: tuple[str, ...] = Field(
        default=("RS256", "PS256", "ES256", "Ed25519"), min_length=1, description="Signatures that are taken."
    )
    name_claims: tuple[str, ...] = Field(
        default=("preferred_username", "email", "name"), description="Where a name for people is looked for."
    )
    rules: tuple[RoleRule, ...] = Field(default=(), description="Who gets which role; see [rules](#rules).")


class Sessions(Section):
    """How long a browser stays signed in."""

    idle: Annotated[DurationMs, at_least_ms("1m")] = Field(
        default=24 * HOUR_MS,
        description="A session that nobody uses ends after it, 1m at least; an open live page uses it.",
    )
    longest: Annotated[DurationMs, at_least_ms("1m")] = Field(
        default=30 * 24 * HOUR_MS, description="Every session ends after it, 1m at least."
    )


class Heartbeat(Section):
    """Whom this server calls (POST) while all is well, and who raises the alarm when it falls silent."""

    url: SecretStr | None = Field(
        default=None,
        description="The address, of a service for dead men's switches mostly; none calls nobody.",
    )
    url_file: Path | None = Field(default=None, description="The file with the address, instead of it.")
    interval: Annotated[DurationMs, at_least_ms("1s")] = Field(
        default=60_000, description="How often it is called, 1s at least."
    )
    longest_delay: DurationMs = Field(
        default=300_000,
        description="It is not called while a message is owed for longer; 0 lets every delay be. What the "
        "settings of a receiver hold back is not late.",
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.url is not None and self.url_file is not None:
            raise fault_text("url and url_file are two ways to say one thing; leave one out")
        if self.url is not None and not self.url.get_secret_value().startswith(("http://", "https://")):
            raise fault_text("url must begin with http:// or https://")
        return self


_Limit = Annotated[int, Field(ge=0, le=1 << 53)]
_Retention = Annotated[DurationMs, at_least_ms("1h", or_zero="is as for everybody")]


class Limits(Section):
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
    retention: Annotated[DurationMs, at_least_ms("1h", or_zero="is as retention.metrics")] = Field(
        default=0,
        description="Older samples are not seen, and deleted within some hours; 0 is as retention.metrics.",
    )
    retention_logs: _Retention = Field(
        default=0,
        description="Log records that came earlier are deleted, within a fourteenth of it, an hour at least;"
        " 0 is as retention.logs.",
    )
    retention_logs_debug: _Retention = Field(
        default=0, description="The same for the levels trace and debug, if they are kept shorter."
    )
    retention_logs_info: _Retention = Field(
        default=0, description="The same for the level info, if it is kept shorter."
    )
    retention_logs_warn: _Retention = Field(
        default=0, description="The same for the level warn, if it is kept shorter."
    )
    retention_traces: _Retention = Field(
        default=0,
        description="Spans that came earlier are deleted, within a fourteenth of it, an hour at least; 0 is"
        " as retention.traces.",
    )


class Tenant(Section):
    """A tenant that the settings name."""

    name: str = Field(default="", max_length=200, description="What it is called on pages.")
    limits: Limits = Field(default=Limits(), description="Those of the section limits that are its own.")


@dataclass(frozen=True, slots=True)
class _Source:
    """How settings are read again: no part of what they say, so those of other sources may be equal."""

    read: Callable[[], Settings] | None = field(default=None, compare=False)


class Settings(Section):
    """Everything that pharos.yml may say."""

    data: Path = Field(default=Path("pharos-data"), description="The folder that holds everything.")
    listen: Address = Field(
        default="127.0.0.1:8080", description="Address and port of UI and APIs; port 0 takes a free one."
    )
    also_listen: tuple[Address, ...] = Field(
        default=(),
        description="Further addresses at which the same is answered, such as [127.0.0.1:14268,"
        " 127.0.0.1:9411]: where senders of Jaeger and Zipkin look unless they are told.",
    )
    also_listen_grpc: tuple[Address, ...] = Field(
        default=(),
        description="Further addresses at which the same is answered over gRPC as at `otlp.grpc`, such as"
        " [127.0.0.1:14250]: where Jaeger's agents look unless they are told.",
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
    trusted_proxies: tuple[Network, ...] = Field(
        default=(),
        description="Addresses and networks of proxies in front, such as [10.0.0.7, 10.1.0.0/16]: who asks,"
        " and whether over TLS, is what they say in X-Forwarded-For and -Proto, or in Forwarded.",
    )
    state: StateAddress = Field(
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
    rules: tuple[str, ...] = Field(
        default=(),
        description="Rule files as Prometheus reads them, by patterns such as rules/*.yml; those that a"
        " prometheus.yml names are taken too.",
    )
    slos: tuple[str, ...] = Field(
        default=(), description="Objectives of OpenSLO, Sloth or Pyrra, by patterns such as slos/*.yml."
    )
    checks: tuple[str, ...] = Field(
        default=(), description="Files of [checks of health](health.md), by patterns such as checks/*.yml."
    )
    run_alerts: tuple[str, ...] = Field(
        default=(),
        description="Workflows of the tenant `default` of whose [runs](runs.md#alerts) that are late, stuck,"
        " missing, failing or flapping somebody is told; `['*']` are all.",
    )
    rollouts: tuple[str, ...] = Field(
        default=(), description="Files of [rollouts](rollouts.md), by patterns."
    )
    alertmanager: Path | None = Field(
        default=None,
        description="An alertmanager.yml: who is told of which alerts. Without one, nobody is.",
    )
    private_receivers: bool = Field(
        default=False,
        description="Whether receivers that people define over the API may be in private networks; those of"
        " the `alertmanager` file may.",
    )
    admin_api: bool = Field(
        default=False,
        description="Answer requests to delete series and take snapshots where nobody says who asks.",
    )
    self_scrape_interval: Annotated[DurationMs, at_least_ms("100ms")] = Field(
        default=2_000, description="How often Pharos and its host are scraped, 100ms at least."
    )
    self_events: bool = Field(
        default=True,
        description="Whether what Pharos logs, and spans of requests to it (all that fail or are slow, some"
        " of the others), are kept in the tenant `default` as those of the service `pharos`.",
    )
    demo: bool = Field(
        default=False,
        description="Whether a made-up shop runs from the start, in a tenant `demo` of its own: five services"
        " with metrics, logs and traces, and a release that goes wrong every six minutes.",
    )
    create_tenants: bool | None = Field(
        default=None,
        description="Whether a write to a tenant that does not exist makes it; if not said, only where nobody"
        " is asked who they are.",
    )
    tenants: dict[TenantName, Tenant] = Field(
        default={},
        description="Tenants by their ids, each with a `name` and `limits` of its own, such as"
        " {team-a: {name: Team A, limits: {ingest_rate: 50000}}}.",
    )
    retention: Retention = Retention()
    sampling: SamplingSettings = SamplingSettings()
    limits: Limits = Limits()
    ingest: Ingest = Ingest()
    promql: Promql = Promql()
    anomalies: Anomalies = Anomalies()
    engine: Engine = Engine()
    evaluation: Evaluation = Evaluation()
    span_metrics: SpanMetrics = SpanMetrics()
    live: Live = Live()
    dashboards: DashboardSettings = DashboardSettings()
    health: HealthSettings = HealthSettings()
    oncall: OnCall = OnCall()
    actions: ActionSettings = ActionSettings()
    sessions: Sessions = Sessions()
    heartbeat: Heartbeat = Heartbeat()
    tls: Tls = Tls()
    otlp: Otlp = Otlp()
    syslog: Syslog = Syslog()
    forward: Forward = Forward()
    files: tuple[FileSource, ...] = Field(
        default=(), description="Files whose lines are taken as they are written, each with `paths`."
    )
    issuers: tuple[IssuerSettings, ...] = Field(
        default=(), description="Outside issuers whose signed tokens (JWT) are taken."
    )
    providers: tuple[ProviderSettings, ...] = Field(
        default=(), description="Identity providers at which people sign in (OpenID Connect)."
    )

    _source: _Source = PrivateAttr(default_factory=_Source)

    def reread_by(self, read: Callable[[], Settings]) -> None:
        """Say how the file that these settings came from is read again."""
        self._source = _Source(read)

    def reread(self) -> Settings:
        """Return what the file says by now, these settings where there is none. Raises as `load_settings`."""
        return self if self._source.read is None else self._source.read()

    @property
    def addresses(self) -> tuple[str, ...]:
        """Where the server listens, the address that it is known by first."""
        return (self.listen, *self.also_listen)

    @property
    def is_for_loopback(self) -> bool:
        """Whether nobody beyond this machine reaches it."""
        of_feed = () if self.live.listen is None else (self.live.listen,)
        told = (*self.addresses, *of_feed, *self.also_listen_grpc, *self.otlp.addresses)
        return all(is_loopback(split_address(address)[0]) for address in told)

    @property
    def state_address(self) -> Path | Secret:
        """Where people's state is kept: a file, or the address of a PostgreSQL."""
        return self.data / STATE_FILE if self.state is None else Secret(self.state.get_secret_value())

    @property
    def trusted_networks(self) -> tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]:
        """Where the proxies are that are believed."""
        return tuple(ipaddress.ip_network(one) for one in self.trusted_proxies)

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
