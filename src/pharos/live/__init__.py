"""The live feed: who wants to see what, and what each is sent when it changes.

`protocol` is what clients and server say to each other, `streams` what there is to be seen, `session` one
client's side of the talk, `groups` what is evaluated once for all who want the same, `outbox` what waits for
one client, `hub` all of it together. Nothing here knows a socket: a client is an `Outlet`.
"""
