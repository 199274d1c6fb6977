-- Samples: the key begins with the tenant, then a two-hour bucket, so that an hour of everything is one
-- contiguous read; `m` is the hash of the metric's name and `id` that of the whole label set.
-- A value that is a whole number lies in `whole` with a `rest` of 0, any other in `rest` with a `whole` of 0:
-- whole numbers are small as differences, the others as decimals, and no one codec does both. Read `v`.
CREATE TABLE samples (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    b Int32 CODEC(Delta, ZSTD(1)),
    m UInt64 CODEC(Delta, ZSTD(1)),
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    whole Int64 CODEC(Delta, T64('bit'), ZSTD(1)),
    rest Float64 CODEC(ALP, ZSTD(1)),
    v Float64 ALIAS if(whole = 0, rest, toFloat64(whole))
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, m, id, ts)
SETTINGS {durable};

-- Series: a row for each day on which a series was seen.
CREATE TABLE series (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    metric LowCardinality(String) CODEC(ZSTD(1)),
    m UInt64 CODEC(ZSTD(1)),
    id UInt64 CODEC(ZSTD(1)),
    day Date32 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(3))
) ENGINE = ReplacingMergeTree PARTITION BY toYYYYMM(day) ORDER BY (tenant, metric, id, day)
SETTINGS {durable};

-- Native histograms, bucket counts absolute; `flt` says whether they came as floats.
CREATE TABLE histograms (
    tenant LowCardinality(String),
    b Int32 CODEC(Delta, ZSTD(1)),
    m UInt64 CODEC(Delta, ZSTD(1)),
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    start_ms Int64 CODEC(Delta, ZSTD(1)),
    flt UInt8,
    reset_hint UInt8,
    schema Int8,
    count Float64 CODEC(ZSTD(1)),
    sum Float64 CODEC(ZSTD(1)),
    zero_threshold Float64 CODEC(ZSTD(1)),
    zero_count Float64 CODEC(ZSTD(1)),
    positive_span_offset Array(Int32) CODEC(ZSTD(1)),
    positive_span_length Array(UInt32) CODEC(ZSTD(1)),
    positive Array(Float64) CODEC(ZSTD(1)),
    negative_span_offset Array(Int32) CODEC(ZSTD(1)),
    negative_span_length Array(UInt32) CODEC(ZSTD(1)),
    negative Array(Float64) CODEC(ZSTD(1)),
    custom Array(Float64) CODEC(ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, m, id, ts)
SETTINGS {durable};

-- Start timestamps of samples, where the sender told them.
CREATE TABLE starts (
    tenant LowCardinality(String),
    b Int32 CODEC(Delta, ZSTD(1)),
    m UInt64 CODEC(Delta, ZSTD(1)),
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    start_ms Int64 CODEC(Delta, ZSTD(1))
) ENGINE = MergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, m, id, ts)
SETTINGS {durable};

CREATE TABLE exemplars (
    tenant LowCardinality(String),
    b Int32 CODEC(Delta, ZSTD(1)),
    m UInt64 CODEC(Delta, ZSTD(1)),
    id UInt64 CODEC(ZSTD(1)),
    ts DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1)),
    v Float64 CODEC(ZSTD(1)),
    labels Map(LowCardinality(String), String) CODEC(ZSTD(1))
) ENGINE = ReplacingMergeTree PARTITION BY toDate(ts) ORDER BY (tenant, b, m, id, ts)
SETTINGS {durable};

CREATE TABLE metadata (
    tenant LowCardinality(String),
    metric String,
    type LowCardinality(String),
    unit LowCardinality(String),
    help String,
    seen_ms Int64
) ENGINE = ReplacingMergeTree(seen_ms) ORDER BY (tenant, metric, type, unit, help)
SETTINGS {durable};
