"""What numbers say: whether a series behaves as it did, and whether a version is worse than another.

Pure: no clock, no chance, no I/O. Designs and their errors are told in docs/anomalies.md and docs/canary.md.
"""
