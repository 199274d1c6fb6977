"""OTLP metrics become remote write, translated as Prometheus 3 does by default."""
