"""Pharos compared with other evaluations of the same expressions over the same samples."""
