"""Spans as Zipkin's reporters send them: JSON of version 1 and 2, protobuf and thrift."""
