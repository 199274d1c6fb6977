"""Questions about metrics.

The trip of a query: `evaluation` plans it and looks among the kept `results`; `samples` reads what PromQL
asks for, out of kept `buckets` of decoded samples where it can, `series` finds which series match.
`catalog` has the questions about labels and metadata, `erase` deletes.
"""
