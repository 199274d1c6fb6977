"""What Pharos tells of itself: every metric is declared here, once.

The registry is scraped by Pharos in-process and served at `/metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.utils import floatToGoString

# A second series of each counter, which nobody reads.
disable_created_metrics()

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

ALERTMANAGER = "0.28.0"
"""Whose API is spoken to those who know Alertmanager."""
Gauge(
    "alertmanager_build_info",
    "Always 1: the Alertmanager whose API this server speaks, by which dashboards choose how to ask.",
    ["version"],
    registry=REGISTRY,
).labels(ALERTMANAGER).set(1)

_FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

INGEST_SAMPLES = Counter(
    "pharos_ingest_samples_total", "Samples accepted, by how they came.", ["source"], registry=REGISTRY
)
INGEST_EVENTS = Counter(
    "pharos_ingest_events_total",
    "Log records and spans accepted, by signal and how they came.",
    ["signal", "source"],
    registry=REGISTRY,
)
INGEST_EVENTS_REJECTED = Counter(
    "pharos_ingest_rejected_events_total",
    "Log records and spans rejected, by signal and reason.",
    ["signal", "reason"],
    registry=REGISTRY,
)
DROPPED = Counter(
    "pharos_dropped_total",
    "Samples, log records, spans and events of runs that were accepted and that rules then did not keep:"
    " sampling by reason `sampling` (records `sampling_LEVEL`), retention by `retention` (levels"
    " `retention_LEVEL`).",
    ["signal", "tenant", "reason"],
    registry=REGISTRY,
)
INGEST_REJECTED = Counter(
    "pharos_ingest_rejected_samples_total",
    "Samples not accepted, by the reason.",
    ["reason"],
    registry=REGISTRY,
)
INGEST_REQUESTS = Counter(
    "pharos_ingest_requests_total",
    "Write requests, by protocol and HTTP status.",
    ["protocol", "status"],
    registry=REGISTRY,
)
LINES_CUT = Counter(
    "pharos_ingest_lines_cut_total",
    "Log lines longer than is kept of one, whose ends were cut off, by how they came.",
    ["source"],
    registry=REGISTRY,
)
LINES_LOST = Counter(
    "pharos_ingest_lines_lost_total",
    "Log lines of listeners that could not be stored and that nobody sends again, by how they came.",
    ["source"],
    registry=REGISTRY,
)
OWN_EVENTS_DROPPED = Counter(
    "pharos_own_events_dropped_total",
    "Log records and spans of Pharos itself that found no room, or could not be stored.",
    registry=REGISTRY,
)
CONNECTIONS_REFUSED = Counter(
    "pharos_http_connections_refused_total",
    "Connections beyond max_connections, answered 503 or hung up on.",
    registry=REGISTRY,
)
SIGN_INS = Counter(
    "pharos_sign_ins_total",
    "Attempts to sign in, by how they ended: accepted, refused, throttled.",
    ["outcome"],
    registry=REGISTRY,
)
IDENTITY_REFUSED = Counter(
    "pharos_identity_refused_total",
    "Requests that went no further, by kind of error: unauthenticated is who asks not known, denied that they"
    " may not.",
    ["kind"],
    registry=REGISTRY,
)
STATE_SECONDS = Histogram(
    "pharos_state_unit_duration_seconds",
    "One unit of work on people's state, by kind (read, write), without the wait for its turn.",
    ["kind"],
    buckets=_FAST_S,
    registry=REGISTRY,
)
STATE_FAILED = Counter(
    "pharos_state_units_failed_total",
    "Units of work that the database could not do, by kind; what was asked wrongly is none of them.",
    ["kind"],
    registry=REGISTRY,
)
STATE_REPEATED = Counter(
    "pharos_state_units_repeated_total",
    "Units of work begun anew, since another one came between.",
    registry=REGISTRY,
)
STATE_WAITING = Gauge(
    "pharos_state_units_waiting", "Units of work that wait for their turn or are at work.", registry=REGISTRY
)
STATE_BYTES = Gauge("pharos_state_size_bytes", "Size of the database of people's state.", registry=REGISTRY)
BODIES_FAILED = Counter(
    "pharos_http_bodies_failed_total",
    "Request bodies, of writes and of queries, that did not come in, by error kind.",
    ["kind"],
    registry=REGISTRY,
)
ANSWERS_DROPPED = Counter(
    "pharos_http_answers_dropped_total",
    "Answers given up, and their connections, since nobody read them while others needed the memory.",
    registry=REGISTRY,
)
STREAMS_DROPPED = Counter(
    "pharos_grpc_streams_dropped_total",
    "Answers over gRPC given up, since nobody took their messages.",
    registry=REGISTRY,
)
INGEST_BYTES = Counter(
    "pharos_ingest_bytes_total",
    "Bytes of accepted request bodies as they came.",
    ["source"],
    registry=REGISTRY,
)
INGEST_ACCEPT_SECONDS = Histogram(
    "pharos_ingest_accept_duration_seconds",
    "From a request's body read to its log synced.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
WAL_SYNC_SECONDS = Histogram(
    "pharos_wal_sync_duration_seconds", "One group commit's fsync.", buckets=_FAST_S, registry=REGISTRY
)
WAL_BYTES = Gauge("pharos_wal_size_bytes", "Bytes in log segments not yet loaded.", registry=REGISTRY)
WAL_DAMAGED_BYTES = Counter(
    "pharos_wal_damaged_bytes_total", "Bytes of damaged log set aside at recovery.", registry=REGISTRY
)
WAL_ASIDE_BYTES = Gauge(
    "pharos_wal_aside_size_bytes",
    "Bytes kept of what could not be loaded, by folder of the log.",
    ["folder"],
    registry=REGISTRY,
)
WAL_ASIDE_REMOVED = Counter(
    "pharos_wal_aside_removed_bytes_total",
    "Bytes of it that were removed to make room for later ones.",
    ["folder"],
    registry=REGISTRY,
)
LOADER_RUNS = Counter(
    "pharos_loader_runs_total", "Log runs loaded, by result.", ["result"], registry=REGISTRY
)
LOADER_SECONDS = Histogram(
    "pharos_loader_run_duration_seconds",
    "Loading one run into the engine.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
LOADER_LAG_SECONDS = Gauge(
    "pharos_loader_lag_seconds", "Age of the oldest accepted frame not yet in the engine.", registry=REGISTRY
)
LOADER_SET_ASIDE = Counter(
    "pharos_loader_set_aside_frames_total",
    "Frames the engine refused, kept in the dead-letter folder.",
    registry=REGISTRY,
)
STORE_FAILED_WRITES = Counter(
    "pharos_store_failed_writes_total",
    "Writes to the store's files that the disk did not take; what they were part of is written again.",
    registry=REGISTRY,
)
STORE_SET_ASIDE = Counter(
    "pharos_store_set_aside_parts_total",
    "Damaged parts of the store that were set aside; what they held is missing.",
    registry=REGISTRY,
)
SERIES_KNOWN = Gauge(
    "pharos_ingest_known_series", "Series whose wire form is known to the decoder.", registry=REGISTRY
)
QUERY_SECONDS = Histogram(
    "pharos_query_duration_seconds",
    "Answering one query, by route.",
    ["route"],
    buckets=_FAST_S,
    registry=REGISTRY,
)
QUERY_FAILED = Counter(
    "pharos_query_failed_total", "Queries not answered, by error kind.", ["kind"], registry=REGISTRY
)
QUERY_QUEUED = Gauge("pharos_query_queue_length", "Queries that wait for others to end.", registry=REGISTRY)
QUERY_SLOW = Counter(
    "pharos_query_slow_total", "Queries that took longer than promql.slow_query.", registry=REGISTRY
)
QUERY_REUSED = Counter(
    "pharos_query_reused_total",
    "Queries answered with another's work: shared with an equal one, or continued from a kept answer.",
    ["how"],
    registry=REGISTRY,
)
BUCKETS_READ = Counter(
    "pharos_query_buckets_total",
    "Two-hour buckets of a metric that queries read, by how: kept, extended, loaded or direct.",
    ["how"],
    registry=REGISTRY,
)
BUCKETS_BYTES = Gauge(
    "pharos_query_buckets_size_bytes", "Memory of decoded two-hour buckets.", registry=REGISTRY
)
ENGINE_SECONDS = Histogram(
    "pharos_engine_query_duration_seconds",
    "One statement in the engine.",
    ["purpose"],
    buckets=_FAST_S,
    registry=REGISTRY,
)
LOOP_LAG_SECONDS = Histogram(
    "pharos_loop_lag_seconds",
    "How late the event loop came to what was due, four times a second.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
DISK_FREE_BYTES = Gauge("pharos_disk_free_bytes", "Free bytes where the data folder lies.", registry=REGISTRY)
TENANT_INGEST_SAMPLES = Counter(
    "pharos_tenant_ingest_samples_total",
    "Samples taken in, by tenant; the first 200 have their own, the others are `|others`.",
    ["tenant"],
    registry=REGISTRY,
)
TENANT_INGEST_BYTES = Counter(
    "pharos_tenant_ingest_bytes_total",
    "Bytes of what was sent or scraped, by tenant.",
    ["tenant"],
    registry=REGISTRY,
)
TENANT_REFUSED = Counter(
    "pharos_tenant_refused_total",
    "Requests that a limit of the tenant turned away, in whole or in part.",
    ["tenant"],
    registry=REGISTRY,
)
TENANT_QUERIES = Counter(
    "pharos_tenant_queries_total", "Queries evaluated, by tenant.", ["tenant"], registry=REGISTRY
)
TENANT_QUERY_SAMPLES = Counter(
    "pharos_tenant_query_samples_total",
    "Samples that queries read, by tenant.",
    ["tenant"],
    registry=REGISTRY,
)
TENANT_QUERY_SECONDS = Counter(
    "pharos_tenant_query_seconds_total",
    "Seconds that queries were computed for, by tenant.",
    ["tenant"],
    registry=REGISTRY,
)
TENANT_SERIES = Gauge(
    "pharos_tenant_active_series",
    "Series with a sample in the last one to two hours, by tenant.",
    ["tenant"],
    registry=REGISTRY,
)
SCRAPES = Counter(
    "pharos_scrapes_total", "Scrapes, by result: ok, failed or not_stored.", ["result"], registry=REGISTRY
)
SCRAPE_SECONDS = Histogram(
    "pharos_scrape_duration_seconds",
    "One scrape, from the request to the encoded body.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
SCRAPE_TARGETS = Gauge("pharos_scrape_targets", "Targets scraped, by job.", ["job"], registry=REGISTRY)
SCRAPE_DISCOVERY_FAILED = Counter(
    "pharos_scrape_discovery_failed_total",
    "Discovery files and targets that could not be used.",
    registry=REGISTRY,
)
ANOMALIES_WATCHED = Gauge(
    "pharos_anomalies_watched_series",
    "Series that are watched for anomalies, of all tenants.",
    registry=REGISTRY,
)
ANOMALIES_SECONDS = Histogram(
    "pharos_anomalies_duration_seconds",
    "Judging all watched series once.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
ANOMALIES_FOUND = Counter(
    "pharos_anomalies_found_total", "Anomalies that began or grew worse.", registry=REGISTRY
)
RULE_EVALUATIONS = Counter(
    "pharos_rule_evaluations_total", "Rules evaluated.", ["tenant", "rule_group"], registry=REGISTRY
)
RULE_EVALUATION_FAILED = Counter(
    "pharos_rule_evaluation_failures_total",
    "Rules that could not be evaluated, or whose samples were not kept.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_EVALUATION_SECONDS = Histogram(
    "pharos_rule_evaluation_duration_seconds",
    "Evaluating one rule.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
RULE_GROUP_SECONDS = Histogram(
    "pharos_rule_group_duration_seconds",
    "One iteration of a group of rules, from its start until all is kept and told.",
    buckets=_FAST_S,
    registry=REGISTRY,
)
RULE_GROUP_ITERATIONS = Counter(
    "pharos_rule_group_iterations_total",
    "Iterations of a group of rules that were due, missed ones too.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_GROUP_MISSED = Counter(
    "pharos_rule_group_iterations_missed_total",
    "Iterations of a group of rules that were left out, since the one before took too long.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_GROUP_INTERVAL = Gauge(
    "pharos_rule_group_interval_seconds",
    "How often a group of rules is evaluated.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_GROUP_RULES = Gauge(
    "pharos_rule_group_rules", "Rules of a group.", ["tenant", "rule_group"], registry=REGISTRY
)
RULE_GROUP_LAST_EVALUATION = Gauge(
    "pharos_rule_group_last_evaluation_timestamp_seconds",
    "When a group of rules was evaluated last.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_GROUP_LAST_DURATION = Gauge(
    "pharos_rule_group_last_duration_seconds",
    "How long the last iteration of a group of rules took.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULE_GROUP_SAMPLES = Gauge(
    "pharos_rule_group_last_evaluation_samples",
    "Samples that the last iteration of a group of rules made.",
    ["tenant", "rule_group"],
    registry=REGISTRY,
)
RULES_UNKNOWN = Gauge(
    "pharos_rules_unknown",
    "Rules whose answer is not known, by reason: failed or no_data.",
    ["tenant", "rule_group", "reason"],
    registry=REGISTRY,
)
NOTIFICATIONS_SENT = Counter(
    "pharos_notifications_sent_total",
    "Alerts that an Alertmanager outside took.",
    ["alertmanager"],
    registry=REGISTRY,
)
NOTIFICATIONS_ERRORS = Counter(
    "pharos_notifications_errors_total",
    "Alerts that an Alertmanager outside did not take; each is sent again.",
    ["alertmanager"],
    registry=REGISTRY,
)
NOTIFICATIONS_DROPPED = Counter(
    "pharos_notifications_dropped_total",
    "Alerts that were not sent: refused for good, or too many that waited.",
    ["alertmanager"],
    registry=REGISTRY,
)
NOTIFICATIONS_QUEUED = Gauge(
    "pharos_notifications_queue_length",
    "Alerts that wait to be sent to an Alertmanager outside.",
    ["alertmanager"],
    registry=REGISTRY,
)
NOTIFICATIONS_SECONDS = Histogram(
    "pharos_notifications_latency_seconds",
    "Sending alerts to an Alertmanager outside.",
    ["alertmanager"],
    buckets=_FAST_S,
    registry=REGISTRY,
)
MESSAGES = Counter(
    "pharos_messages_total",
    "Messages to receivers, by kind of integration and how a try ended: sent, later (it is tried again),"
    " refused (a dead letter).",
    ["integration", "outcome"],
    registry=REGISTRY,
)
MESSAGES_SECONDS = Histogram(
    "pharos_message_duration_seconds",
    "One try to send a message to a receiver.",
    ["integration"],
    buckets=_FAST_S,
    registry=REGISTRY,
)
ALERTS_RECEIVED = Counter(
    "pharos_alerts_received_total",
    "Alerts that were posted or came from rules, by whether they could be kept.",
    ["outcome"],
    registry=REGISTRY,
)
ALERTS_KNOWN = Gauge(
    "pharos_alerts", "Alerts that are not over, or of which somebody is still to be told.", registry=REGISTRY
)
ALERT_GROUPS = Gauge("pharos_alert_groups", "Groups of alerts.", registry=REGISTRY)
MESSAGES_OWED = Gauge("pharos_messages_owed", "Messages that no receiver has taken yet.", registry=REGISTRY)
MESSAGES_DELAY = Histogram(
    "pharos_message_delay_seconds",
    "From the decision to tell until a receiver took it.",
    buckets=_FAST_S,
    registry=REGISTRY,
)

LIVE_CLIENTS = Gauge("pharos_live_clients", "Clients of the live feed.", registry=REGISTRY)
LIVE_MESSAGES = Counter(
    "pharos_live_messages_total",
    "Messages to clients of the live feed.",
    registry=REGISTRY,
)
LIVE_DROPPED = Counter(
    "pharos_live_dropped_messages_total",
    "Updates that clients of the live feed did not read in time and that were left out.",
    registry=REGISTRY,
)
LIVE_REFUSED = Counter(
    "pharos_live_clients_refused_total", "Clients beyond live.max_clients.", registry=REGISTRY
)
HEALTH_CHECKS = Gauge("pharos_health_checks", "Checks of health that are made.", registry=REGISTRY)
HEALTH_LOOKS = Counter(
    "pharos_health_looks_total",
    "Checks of health that were made, by type and what came of them.",
    ["type", "result"],
    registry=REGISTRY,
)
HEALTH_MISSED = Counter(
    "pharos_health_missed_looks_total",
    "Checks of health that were due while they were still being made.",
    registry=REGISTRY,
)
HEALTH_NOT_KEPT = Counter(
    "pharos_health_not_kept_total",
    "Samples and changes of checks of health that could not be kept.",
    ["what"],
    registry=REGISTRY,
)

_KEPT_HEADS: Final = 20_000


def exposition() -> bytes:
    """Return the page that `prometheus_client.generate_latest` makes of the registry, in half of its time.

    With some hundred groups of rules there are thousands of series: what stands before the value of each is
    made once. For what is declared here: its names need no escaping, and no sample has a time.
    """
    return "".join(_lines()).encode()


def _lines() -> Iterator[str]:
    for metric in REGISTRY.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        yield f"# HELP {name} {metric.documentation}\n# TYPE {name} {metric.type}\n"
        for sample in metric.samples:
            yield f"{_head(sample.name, tuple(sample.labels.items()))} {floatToGoString(sample.value)}\n"


@lru_cache(maxsize=_KEPT_HEADS)
def _head(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    """Return what stands before a value; format of values as in the text format 0.0.4."""
    if not labels:
        return name
    pairs = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels))
    return f"{name}{{{pairs}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')
