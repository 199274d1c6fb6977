"""Compiled loops over samples: what a window, a group or a rank makes of its numbers."""
