"""Logs and spans: what each door takes and costs, how soon lines are found, what searches take, their size.

`records` makes requests that cost next to nothing to send, `sending` sends them from processes of their own,
`doors` and `searches` measure.
"""
