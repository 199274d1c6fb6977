"""Loki's read API below `/loki/api/v1`: Grafana, Logs Drilldown and logcli ask it as they ask Loki.

`queries` answers LogQL, `catalog` what there is, `volumes` how much of it, `tail` sends new
lines as they come.
"""
