"""Metrics: requests of remote write to columns, columns to blocks of the store's tables.

`decoder` runs the compiled pass of `wire` over a request, which knows the series it has seen (`known`,
`wire_labels`) and writes `columns`; exemplars, histograms and metadata are `parts`. A `batch` is what the
frames of a segment make together, `insert` stores it.
"""
