-- Which metrics have native histograms or start timestamps, so that a start need not look through these.
CREATE TABLE metric_traits (
    tenant LowCardinality(String),
    trait LowCardinality(String),
    m UInt64
) ENGINE = ReplacingMergeTree ORDER BY (tenant, trait, m)
SETTINGS {durable};

INSERT INTO metric_traits SELECT DISTINCT tenant, 'histograms', m FROM histograms;

INSERT INTO metric_traits SELECT DISTINCT tenant, 'starts', m FROM starts;
