"""From a body to the store, for every signal.

The trip: a receiver of `api` hands a body to `accept`, which decodes it (`frames`, `metrics/decoder`),
appends it to the log and answers once that is on the disk; `loader` takes the batches that `accept` has
filled, one a segment of the log, stores each as one block a table, and lets go of the segment. After a
crash `loader` makes the same batches of what is left in the log.

`metrics` turns frames into columns and columns into blocks; `remote_write`, `otlp`, `scrape` and `host`
make frames of what they receive or read themselves.
"""
