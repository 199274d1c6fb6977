"""Pages of targets: text, OpenMetrics and protobuf, to samples.

`scan` runs over a page once and finds its lines, `text` and `families` read what the scan leaves to them.
"""
