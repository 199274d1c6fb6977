"""OTLP metrics to requests of remote write, named as Prometheus 3 names them.

`messages` checks and parses a body, `translate` walks it, `attributes` and `names` make labels of it,
`points`, `native` and `rows` samples and histograms, `refused` says what was left out.
"""
