"""Telling people and their tools: what is to be told, and one channel for each way of telling.

`message` has what a channel is given and what it returns; a channel fails with `NotSentError`, which says
whether another try may succeed. Who is told what, and when again, is decided above, in `alerting`.
"""
