"""Metrics pages: text 0.0.4, OpenMetrics 1.0 and the delimited protobuf form, read into columns."""
