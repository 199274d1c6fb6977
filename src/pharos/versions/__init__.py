"""Versions of what runs: two groups compared, and rollouts that are judged stage by stage.

`measures` says what is compared, `readings` reads it out of metrics, spans and logs, `comparison` tells what
differs. `rollout` is what a rollout is and what becomes of it by what is seen, `rolling` looks at all of them
again and again. What numbers say is `judgement`'s.
"""
