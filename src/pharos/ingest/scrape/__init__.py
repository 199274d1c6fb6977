"""Scraping: targets from a prometheus.yml, their pages read, relabelled and handed on as remote-write
bodies.
"""
