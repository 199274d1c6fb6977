"""Runs of workflows: told by events, kept by the same way as all telemetry, live in memory.

An event says what happened to a run or to a step of it. What is known of a run is a join of all its events,
so that their order, repetitions and losses do not matter (`state`). `runs` is the one door.
"""
