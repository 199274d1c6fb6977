"""Documents as Elasticsearch's bulk API takes them become OTLP.

What is taken and answered follows Elasticsearch's reference, Bulk API.
"""
