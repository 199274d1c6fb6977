"""Pharos: an all-in-one observability server."""

__version__ = "0.1.0"
