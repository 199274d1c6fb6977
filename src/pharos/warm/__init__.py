"""Kernels compiled before they are called: which there are, who compiles them, and how far that is."""
