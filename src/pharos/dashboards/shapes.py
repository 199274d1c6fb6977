"""What of a document has not the shape that it must have, so that nothing is left out without a word."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from pharos.dashboards.reading import Json, dig, mapping, mappings, text, whole
from pharos.dashboards.report import Report

_LISTS: Final = (("panels",), ("rows",), ("templating", "list"), ("annotations", "list"), ("links",))
_LISTS_OF_SECOND: Final = (("variables",), ("annotations",), ("links",))
_LAYOUTS: Final = frozenset({"GridLayout", "AutoGridLayout", "RowsLayout", "TabsLayout"})
_MOST_NAMED: Final = 5


def tell_shapes(spec: Json, report: Report, *, is_second: bool) -> None:
    """Remark lists that are none, entries that are no objects, and ids that are given twice."""
    for path in _LISTS_OF_SECOND if is_second else _LISTS:
        _tell_list(dig(spec, path), ".".join(path), report)
    if is_second:
        _tell_layout(spec, report)
        return
    panels = mappings(spec.get("panels"))
    for panel in panels:
        report.enter(whole(panel.get("id")) or None, text(panel.get("title")))
        _tell_list(panel.get("targets"), "targets", report)
        report.leave()
    _tell_twice([whole(panel.get("id")) for panel in panels], report)


def _tell_list(found: Any, name: str, report: Report) -> None:
    if found is None:
        return
    if not isinstance(found, list):
        report.lost(f"{name} is no list, and is left out")
        return
    odd = sum(not isinstance(one, dict) for one in found)
    if odd:
        report.lost(f"{odd} of {len(found)} entries of {name} are no objects, and are left out")


def _tell_layout(spec: Json, report: Report) -> None:
    kind = text(mapping(spec.get("layout")).get("kind"))
    if kind and kind not in _LAYOUTS:
        report.lost(f"there is no layout of the kind {kind[:80]!r}")


def _tell_twice(ids: Sequence[int], report: Report) -> None:
    twice = [identifier for identifier, count in Counter(ids).items() if identifier > 0 and count > 1]
    if twice:
        named = ", ".join(map(str, twice[:_MOST_NAMED]))
        more = f" and {len(twice) - _MOST_NAMED} more" if len(twice) > _MOST_NAMED else ""
        report.note(f"several panels have one id ({named}{more}): all but the first are shown under another")
