"""What is scraped and how: the records that a prometheus.yml becomes, every default filled in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Final

from msgspec import Struct, field

from pharos.http_options import HttpOptions
from pharos.ingest.otlp.promotion import NOTHING_PROMOTED, Promotion
from pharos.relabel import Rule, relabel

SCRAPE_PROTOCOLS: Final = {
    "PrometheusProto": "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
    "encoding=delimited",
    "PrometheusText1.0.0": "text/plain;version=1.0.0",
    "PrometheusText0.0.4": "text/plain;version=0.0.4",
    "OpenMetricsText0.0.1": "application/openmetrics-text;version=0.0.1",
    "OpenMetricsText1.0.0": "application/openmetrics-text;version=1.0.0",
}
DEFAULT_PROTOCOLS: Final = (
    "OpenMetricsText1.0.0",
    "OpenMetricsText0.0.1",
    "PrometheusText1.0.0",
    "PrometheusText0.0.4",
)
ESCAPING_SCHEMES: Final = ("allow-utf-8", "underscores", "dots", "values")


class Notice(Struct, frozen=True):
    """Something accepted but not served here."""

    file: str
    line: int
    section: str
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.section}: {self.text}"


class TargetGroup(Struct, frozen=True):
    """Addresses with labels in common; `source` tells groups apart."""

    source: str
    targets: tuple[str, ...]
    labels: tuple[tuple[str, str], ...] = ()


class FileDiscovery(Struct, frozen=True):
    """One file_sd_config: absolute paths, with one `*` at most."""

    files: tuple[str, ...]


class HttpDiscovery(Struct, frozen=True):
    """One http_sd_config: an address that answers with target groups."""

    url: str
    refresh_ms: int = 60_000
    http: HttpOptions = field(default_factory=HttpOptions)


class DnsDiscovery(Struct, frozen=True):
    """One name of a dns_sd_config: targets that its records say."""

    name: str
    record: str
    """The type of the records."""
    port: int
    """Of targets whose records tell none."""
    refresh_ms: int


class Selector(Struct, frozen=True):
    """Which objects of a role are asked for, by labels and by fields, as the API of a cluster has it."""

    role: str
    label: str = ""
    field: str = ""


class Attached(Struct, frozen=True):
    """What targets carry of objects of a cluster that they are not made of."""

    nodes: bool = False
    """Labels and annotations of the nodes that they run on."""
    namespaces: bool = False


NOTHING_ATTACHED: Final = Attached()


class KubernetesDiscovery(Struct, frozen=True):
    """One kubernetes_sd_config: targets that objects of a cluster stand for."""

    role: str
    server: str
    """The address of the cluster's API."""
    http: HttpOptions = field(default_factory=HttpOptions)
    namespaces: tuple[str, ...] = ()
    """None are all of them."""
    selectors: tuple[Selector, ...] = ()
    attached: Attached = NOTHING_ATTACHED


class Limits(Struct, frozen=True):
    """What a page may hold; 0 is no limit. Lengths are in bytes, labels are counted after relabelling."""

    sample_limit: int = 0
    target_limit: int = 0
    label_limit: int = 0
    label_name_length_limit: int = 0
    label_value_length_limit: int = 0
    body_size_limit: int = 0
    keep_dropped_targets: int = 0


@dataclass(frozen=True, slots=True)
class JobConfig:
    """One scrape_config with every default filled in. Times are in ms. `line` is no part of its identity."""

    job_name: str
    scrape_interval_ms: int = 60_000
    scrape_timeout_ms: int = 10_000
    metrics_path: str = "/metrics"
    scheme: str = "http"
    params: tuple[tuple[str, tuple[str, ...]], ...] = ()
    honor_labels: bool = False
    honor_timestamps: bool = True
    track_timestamps_staleness: bool = False
    scrape_protocols: tuple[str, ...] = DEFAULT_PROTOCOLS
    fallback_scrape_protocol: str = ""
    scrape_native_histograms: bool = False
    always_scrape_classic_histograms: bool = False
    enable_compression: bool = True
    extra_scrape_metrics: bool = False
    legacy_names: bool = False
    escaping: str = "allow-utf-8"
    limits: Limits = dataclasses.field(default_factory=Limits)
    http: HttpOptions = dataclasses.field(default_factory=HttpOptions)
    relabel_rules: tuple[Rule, ...] = ()
    metric_relabel_rules: tuple[Rule, ...] = ()
    static_groups: tuple[TargetGroup, ...] = ()
    file_discoveries: tuple[FileDiscovery, ...] = ()
    http_discoveries: tuple[HttpDiscovery, ...] = ()
    dns_discoveries: tuple[DnsDiscovery, ...] = ()
    clusters: tuple[KubernetesDiscovery, ...] = ()
    line: int = dataclasses.field(default=0, compare=False)


_PORTS: Final = {"http": "80", "https": "443"}


class AlertmanagerConfig(Struct, frozen=True):
    """Some Alertmanagers that are told in the same way."""

    scheme: str = "http"
    path_prefix: str = ""
    timeout_ms: int = 10_000
    http: HttpOptions = field(default_factory=HttpOptions)
    relabel_rules: tuple[Rule, ...] = ()
    """Of what is found, as of scraped targets: a label `__address__` says where it is."""
    alert_rules: tuple[Rule, ...] = ()
    """Of the alerts that are sent there."""
    static_groups: tuple[TargetGroup, ...] = ()
    file_discoveries: tuple[FileDiscovery, ...] = ()
    http_discoveries: tuple[HttpDiscovery, ...] = ()

    def urls(self, found: tuple[dict[str, str], ...]) -> tuple[list[str], list[str]]:
        """Return (where alerts are posted, what relabelling dropped) of the labels of addresses."""
        active: list[str] = []
        dropped: list[str] = []
        path = "/".join(["", *filter(None, self.path_prefix.split("/")), "api", "v2", "alerts"])
        for labels in found:
            own = {"__scheme__": self.scheme, "__alerts_path__": path, **labels}
            kept = relabel(own, self.relabel_rules)
            (dropped if kept is None else active).append(_url(own if kept is None else kept))
        return active, dropped


def _url(labels: dict[str, str]) -> str:
    scheme, address = labels.get("__scheme__", "http"), labels.get("__address__", "")
    if ":" not in address.rpartition("]")[2]:
        address = f"{address}:{_PORTS.get(scheme, '80')}"
    return f"{scheme}://{address}{labels.get('__alerts_path__', '')}"


class AlertingSection(Struct, frozen=True):
    """All of the section."""

    alertmanagers: tuple[AlertmanagerConfig, ...] = ()
    alert_rules: tuple[Rule, ...] = ()
    """Of all alerts, wherever they are sent."""


class ScrapeConfig(Struct, frozen=True):
    """A whole prometheus.yml; rule_files are absolute patterns for whoever evaluates rules."""

    jobs: tuple[JobConfig, ...] = ()
    notices: tuple[Notice, ...] = ()
    external_labels: tuple[tuple[str, str], ...] = ()
    evaluation_interval_ms: int = 60_000
    rule_query_offset_ms: int = 0
    rule_files: tuple[str, ...] = ()
    alerting: AlertingSection = AlertingSection()
    otlp: Promotion = NOTHING_PROMOTED
