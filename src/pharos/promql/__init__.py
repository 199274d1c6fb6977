"""PromQL: from a text to an answer, with Prometheus' own results to the last bit.

The trip: `language` parses and checks, `plan` says what is to be read of which times, `evaluate` walks the
tree over a `source` of series, and `answer` makes an `Answer` of what comes out. On the way `grids` makes a
grid of a selector's samples, `calls` applies functions, `operators` aggregates and joins, `histograms` does
all of it for native histograms; their loops over samples are `kernels`. `explain` prints the tree after
each stage.

Nothing in here knows the store: whoever evaluates brings a `SampleSource`.
"""
