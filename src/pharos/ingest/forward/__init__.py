"""Fluent Forward: what Fluentd and Fluent Bit send to each other (Forward Protocol Specification v1)."""
