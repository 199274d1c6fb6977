"""Compiled primitives that every kernel stands on: memory, hashing, protobuf, floats to text and back.

They know no signal and no store. `memory` has the decorators; a function that wears one of them is compiled
by numba on its first use, without the interpreter's lock, and kept on disk.
"""
