"""Control of flows: what people ask of runs is told to the engine that runs them, and its answer is kept.

Pharos runs nothing itself. An engine registers a hook for a workflow (`hook`): an address that is called, or
a queue that the engine asks. `control` is the way from what somebody asks to the engine's answer.
"""
