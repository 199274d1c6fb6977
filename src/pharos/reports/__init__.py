"""Dashboards by mail: what a report is, when it is due, what it looks like, and who is owed it."""
