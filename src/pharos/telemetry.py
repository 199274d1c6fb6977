"""What Pharos tells of itself: every metric is declared here, once.

The registry is scraped by Pharos in-process and served at `/metrics`.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

REGISTRY = CollectorRegistry(auto_describe=True)
ProcessCollector(registry=REGISTRY)

_FAST_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)

INGEST_SAMPLES = Counter(
    "pharos_ingest_samples_total", "Samples accepted, by how they came.", ["source"], registry=REGISTRY
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
