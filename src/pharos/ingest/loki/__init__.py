"""Loki's push requests become OTLP: labels are the resource, structured metadata the record's attributes.

Shapes and field numbers are those of Loki's HTTP API documentation and of `logproto.PushRequest`.
"""
