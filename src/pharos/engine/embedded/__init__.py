"""chDB in this process: the store, its connections, and what its disk may do to it.

`store.open_engine` is the door. `session` and `driver` speak to chDB, `mending` and `deduplication` undo
what the disk did not take, `snapshot` copies a store while it is written to.
"""
