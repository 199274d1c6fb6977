"""Objectives: how good a service has to be, read as others write it, and made rules that watch over it.

`specification` finds out which language a file is in; `sloth`, `pyrra` and `openslo` read each into the one
model of `objective`. `sloth_rules` and `pyrra_rules` compile an objective into groups of the rule engine,
under the names that those who come from Sloth or Pyrra have in their dashboards; `coverage` adds what
neither of them records. `budget` is the arithmetic, `simulation` runs it over traffic that is made up. All
of it is without I/O but for the files that are named.
"""
