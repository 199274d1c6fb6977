"""Go's text/template and html/template: read, checked when they are read, and carried out within limits.

`Templates` is the door: a set of templates that know one another. What they compute with is in `values.py`;
they reach plain data and the functions that are handed in, nothing of Python. tests/gotemplate compares with
Go itself.
"""

from pharos.gotemplate.sets import Templates
from pharos.gotemplate.values import Function, Limits, Value

__all__ = ["Function", "Limits", "Templates", "Value"]
