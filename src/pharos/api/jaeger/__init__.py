"""Jaeger's query API, as its UI and Grafana ask it: version 1 (JSON) and 3 (OTLP in JSON)."""
