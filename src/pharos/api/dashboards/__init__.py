"""Dashboards over HTTP: Pharos' own addresses below `/api/pharos`, and those that Grafana's tools ask."""
