"""TraceQL, as Tempo speaks it: read into a tree of its own, and what of it a store can look for.

Source: Grafana's documentation of TraceQL (grafana.com/docs/tempo/latest/traceql). Queries for metrics
(`rate()` and its like) are read apart from those for traces; `parent.` is refused by name.
"""
