"""What series are called in a legend, as Grafana calls them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from pharos.gotext.quoting import quote
from pharos.labels import METRIC_NAME

_TEMPLATE: Final = re.compile(r"\{\{\s*(.+?)\s*\}\}")
AUTO: Final = "__auto"


def legends(written: str, labels: Sequence[Mapping[str, str]], expr: str) -> list[str]:
    """Return the names of series: by a template with `{{label}}`, or by their labels.

    Of `__auto` those labels are named that tell the series apart.
    """
    if written and written != AUTO:
        return [_filled(written, one) for one in labels]
    if written == AUTO:
        return _auto(labels, expr)
    return [notation(one) or expr for one in labels]


def _filled(written: str, labels: Mapping[str, str]) -> str:
    return _TEMPLATE.sub(lambda found: labels.get(found[1], ""), written)


def notation(labels: Mapping[str, str]) -> str:
    """Return a series as PromQL writes it."""
    pairs = ", ".join(f"{name}={quote(value)}" for name, value in labels.items() if name != METRIC_NAME)
    name = labels.get(METRIC_NAME, "")
    return f"{name}{{{pairs}}}" if pairs else name


def _auto(labels: Sequence[Mapping[str, str]], expr: str) -> list[str]:
    names = {name for one in labels for name in one}
    if len(names) == 1:
        (only,) = names
        return [one.get(only, "") or expr for one in labels]
    return [notation(one) or expr for one in labels]
