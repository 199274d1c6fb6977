"""Questions about logs and traces: conditions of `search` lowered to the engine's, and rows read back.

`rows` is what comes out; `lower` makes conditions of a tree; `logs` and `spans` are the two doors.
"""
