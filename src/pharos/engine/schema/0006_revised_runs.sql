-- Whether a row of a run was written after one that said that it is over. Few are, so that runs are counted
-- without looking for the last row of each.
ALTER TABLE runs ADD COLUMN IF NOT EXISTS revised UInt8 CODEC(ZSTD(1)) AFTER is_over;
ALTER TABLE runs ADD INDEX IF NOT EXISTS revisions revised TYPE minmax GRANULARITY 1;
