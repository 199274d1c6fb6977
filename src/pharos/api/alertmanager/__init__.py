"""Alertmanager's API v2 (api/v2/openapi.yaml of prometheus/alertmanager), per tenant.

amtool, Prometheus, vmalert, Grafana and karma speak it. `reading` has what is read of requests, `shapes` what
answers look like, `routes` the addresses.
"""
