"""Logs and spans on their way in: OTLP requests become columns, and columns rows of the store.

`requests` makes the OTLP of what came in another form, so that the log has one form of each signal.
"""
