"""Benchmarks that run Pharos beside Prometheus and VictoriaMetrics on the same input, in one run."""
