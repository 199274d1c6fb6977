"""Prometheus' HTTP API: queries, catalogue, targets, status, federation, remote read."""
