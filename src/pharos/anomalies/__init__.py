"""Anomalies of a tenant's series: what is watched, what is said of each sample, and what is made of it.

`watch` says which series, `golden` which of them nobody has to name. `following` holds the state of the
detector over all of a tenant's and turns its verdicts into anomalies with a begin and an end; `verdicts` are
written beside the samples as series. Without I/O: who asks, writes and keeps is above.
"""
