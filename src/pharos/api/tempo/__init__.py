"""Tempo's query API, as Grafana asks it: traces by id, search by TraceQL or tags, tags and their values."""
