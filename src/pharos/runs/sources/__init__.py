"""What other people's engines say of their runs, as our events: one module for each format, pure functions.

Each reads the JSON documents of a body (`fields`) and returns events; what is no word about a run is passed
over, and what is wrong is refused by name, with nothing of the body taken.
"""
