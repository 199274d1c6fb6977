"""Questions to the store, each within its limits.

`admission` gives tenants and slow queries their turns, `limits` says what a question is about and when it
must be done; `metrics` answers PromQL, catalogues and raw reads.
"""
