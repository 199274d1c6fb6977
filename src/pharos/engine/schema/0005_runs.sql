-- What happened to runs of workflows, as it was told: by run, so that all of one is read at once. A repetition
-- has the same key. What it says lies as JSON in `said`.
CREATE TABLE run_events (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    run String CODEC(ZSTD(1)),
    ts DateTime64(9, 'UTC') CODEC(Delta, ZSTD(1)),
    event UInt64 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    kind LowCardinality(String) CODEC(ZSTD(1)),
    said String CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toMonday(received) ORDER BY (tenant, run, ts, event)
SETTINGS {durable}, index_granularity = 1024;

-- How runs stand: a row whenever something changed that lists show, the one with the highest `edition` counts.
-- They lie by when they began, as far as was known when they were first heard of. What is not known is NaN or 0.
CREATE TABLE runs (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    placed DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    run String CODEC(ZSTD(1)),
    edition UInt64 CODEC(ZSTD(1)),
    received DateTime('UTC') CODEC(ZSTD(1)),
    workflow LowCardinality(String) CODEC(ZSTD(1)),
    state LowCardinality(String) CODEC(ZSTD(1)),
    is_over UInt8 CODEC(ZSTD(1)),
    attempt UInt32 CODEC(ZSTD(1)),
    queued_ms Int64 CODEC(ZSTD(1)),
    start_ms Int64 CODEC(Delta, ZSTD(1)),
    end_ms Int64 CODEC(Delta, ZSTD(1)),
    heard_ms Int64 CODEC(Delta, ZSTD(1)),
    steps_total UInt32 CODEC(ZSTD(1)),
    steps_done UInt32 CODEC(ZSTD(1)),
    steps_failed UInt32 CODEC(ZSTD(1)),
    owner LowCardinality(String) CODEC(ZSTD(1)),
    version LowCardinality(String) CODEC(ZSTD(1)),
    engine LowCardinality(String) CODEC(ZSTD(1)),
    node LowCardinality(String) CODEC(ZSTD(1)),
    service LowCardinality(String) CODEC(ZSTD(1)),
    parent String CODEC(ZSTD(1)),
    trace_id String CODEC(ZSTD(1)),
    input_size Float64 CODEC(ZSTD(1)),
    cost Float64 CODEC(ZSTD(1)),
    cost_unit LowCardinality(String) CODEC(ZSTD(1)),
    reason String CODEC(ZSTD(1)),
    message String CODEC(ZSTD(1)),
    error String CODEC(ZSTD(1)),
    deadline_ms Int64 CODEC(ZSTD(1)),
    schedule LowCardinality(String) CODEC(ZSTD(1)),
    step_ids Array(LowCardinality(String)) CODEC(ZSTD(1)),
    step_ms Array(Int64) CODEC(ZSTD(1)),
    INDEX live is_over TYPE minmax GRANULARITY 1,
    INDEX ids run TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX parents parent TYPE bloom_filter(0.01) GRANULARITY 1
) ENGINE = ReplacingMergeTree(edition) PARTITION BY toMonday(placed) ORDER BY (tenant, placed, run)
SETTINGS {durable}, index_granularity = 4096;
