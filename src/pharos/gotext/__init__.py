"""How Go, and Prometheus with it, writes numbers, durations and quoted strings, and reads them: once.

tests/gotext holds tables of what Go itself prints and reads.
"""
