"""Spans as Jaeger's clients send them: batches in thrift."""
