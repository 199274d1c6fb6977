-- Attributes of spans lie in four places instead of eight: a trace is read whole more often than one attribute
-- of many spans, and each place is a file to open. Rows that are there move as their parts are merged.
ALTER TABLE spans MODIFY SETTING max_buckets_in_map = 4;
