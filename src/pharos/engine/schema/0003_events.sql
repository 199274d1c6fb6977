-- Where log records come from: a resource and a scope, a row for each day on which one was seen.
-- What is old when it is received is kept as long as what is new: hence `received` in each table.
-- `kinds` are letters of the values' kinds, empty where all are text.
CREATE TABLE log_origins (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    origin UInt64 CODEC(ZSTD(1)),
    day Date32 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_kinds String CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    scope Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_kinds String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (tenant, origin, day)
SETTINGS {durable};

CREATE TABLE span_origins (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    origin UInt64 CODEC(ZSTD(1)),
    day Date32 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    resource Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    resource_kinds String CODEC(ZSTD(1)),
    scope_name LowCardinality(String) CODEC(ZSTD(1)),
    scope_version LowCardinality(String) CODEC(ZSTD(1)),
    scope Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    scope_kinds String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (tenant, origin, day)
SETTINGS {durable};

-- Which attributes records had, a row for each day.
CREATE TABLE log_fields (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    day Date32 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    name String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (tenant, day, name)
SETTINGS {durable};

CREATE TABLE span_fields (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    day Date32 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    name String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (tenant, day, name)
SETTINGS {durable};

-- Log records, by tenant and two minutes, so that the newest ones are read without the rest. Words of letters are
-- in an index of their own, which answers by itself; what has digits, as numbers and identifiers have, is in
-- filters, sized for six such tokens of a line; attributes lie in eight places by name once parts are merged,
-- so that one of them is read without the others.
CREATE TABLE logs (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    b Int32 CODEC(Delta, ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    origin UInt64 CODEC(ZSTD(1)),
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    lag_ns Int64 CODEC(ZSTD(1)),
    severity UInt8 CODEC(ZSTD(1)),
    level UInt8 CODEC(ZSTD(1)),
    severity_text LowCardinality(String) CODEC(ZSTD(1)),
    body String CODEC(ZSTD(1)),
    body_kind FixedString(1) CODEC(ZSTD(1)),
    event_name LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped UInt32 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    kinds String CODEC(ZSTD(1)),
    INDEX words translate(lower(body), '0123456789', '          ') TYPE text(tokenizer = 'splitByNonAlpha'),
    INDEX tokens lower(body) TYPE tokenbf_v1(32768, 3, 0) GRANULARITY 1,
    INDEX items mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, service, origin, ts)
SETTINGS {durable}, index_granularity = 4096, map_serialization_version = 'with_buckets',
    map_buckets_strategy = 'constant', max_buckets_in_map = 8, map_buckets_min_avg_size = 0;

-- Spans as they were sent; a duration below 0 is one of a span that ended before it began.
CREATE TABLE spans (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    b Int32 CODEC(Delta, ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    name LowCardinality(String) CODEC(ZSTD(1)),
    origin UInt64 CODEC(ZSTD(1)),
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    duration Int64 CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    span_id FixedString(8) CODEC(ZSTD(1)),
    parent_id FixedString(8) CODEC(ZSTD(1)),
    kind UInt8 CODEC(ZSTD(1)),
    status UInt8 CODEC(ZSTD(1)),
    status_message LowCardinality(String) CODEC(ZSTD(1)),
    trace_state LowCardinality(String) CODEC(ZSTD(1)),
    flags UInt32 CODEC(ZSTD(1)),
    dropped_attributes UInt32 CODEC(ZSTD(1)),
    dropped_events UInt32 CODEC(ZSTD(1)),
    dropped_links UInt32 CODEC(ZSTD(1)),
    attributes Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    kinds String CODEC(ZSTD(1)),
    event_ts Array(Int64) CODEC(ZSTD(1)),
    event_name Array(LowCardinality(String)) CODEC(ZSTD(1)),
    event_dropped Array(UInt32) CODEC(ZSTD(1)),
    event_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    event_kinds Array(String) CODEC(ZSTD(1)),
    link_trace_id Array(FixedString(16)) CODEC(ZSTD(1)),
    link_span_id Array(FixedString(8)) CODEC(ZSTD(1)),
    link_state Array(String) CODEC(ZSTD(1)),
    link_flags Array(UInt32) CODEC(ZSTD(1)),
    link_dropped Array(UInt32) CODEC(ZSTD(1)),
    link_attributes Array(Map(LowCardinality(String), String)) CODEC(ZSTD(1)),
    link_kinds Array(String) CODEC(ZSTD(1)),
    INDEX items mapValues(attributes) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX traces trace_id TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, service, name, ts)
SETTINGS {durable}, index_granularity = 4096, map_serialization_version = 'with_buckets',
    map_buckets_strategy = 'constant', max_buckets_in_map = 8, map_buckets_min_avg_size = 0;

-- When each trace was: by its id, without looking through all spans.
CREATE TABLE traces (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1)),
    first DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    last DateTime64(9, 'UTC') CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(first) ORDER BY (tenant, trace_id)
SETTINGS {durable}, index_granularity = 1024;
