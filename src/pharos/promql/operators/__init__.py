"""Aggregations and binary operators over grids."""
