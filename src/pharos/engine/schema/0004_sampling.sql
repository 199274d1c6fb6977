-- Traces of which sampling keeps nothing, while their spans are being deleted: empty at all other times.
-- After a crash it is made anew, so it owes nothing to the disk, and the same rows may come twice.
CREATE TABLE unsampled_traces (
    tenant LowCardinality(String) CODEC(ZSTD(1)),
    trace_id FixedString(16) CODEC(ZSTD(1))
) ENGINE = MergeTree ORDER BY (tenant, trace_id);
