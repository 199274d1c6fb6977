"""LogQL: read, checked, lowered to the tree of conditions as far as a store can answer it, and carried out.

`parse` makes an expression of a text; `evaluate` answers it from a `source` of lines. The language is that of
Loki 3 (grafana.com/docs/loki/latest/query); nothing here knows how lines are kept.
"""
