"""Pharos' own API, beside the protocols that others speak.

`query_batch` answers all queries of a page in one request.
"""
