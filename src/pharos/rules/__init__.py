"""Rules: what is to be recorded and what is to be alerted about, evaluated at intervals.

`spec` reads rule files, `evaluate` says what becomes of alerts when a rule's query was answered, both without
I/O; `unit_test` runs tests of rules over made data, `replay` runs rules over stored history.
"""
