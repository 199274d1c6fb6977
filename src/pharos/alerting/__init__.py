"""What is done about an alert: by which route, to which receiver, in which group, when, and what holds it
back.

`config` reads alertmanager.yml as it is; `route` is its tree, `matchers` its conditions, `intervals` its
times and `receivers` the table of what each kind of receiver may be told.
"""
