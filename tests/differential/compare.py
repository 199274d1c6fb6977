"""Two answers of the query API compared: the same series, times and kinds of values; numbers within rounding.

The order of an instant vector says nothing (upstream gives it in the order of its storage) unless the
expression sorts; sums may differ in their last bits, since series are added in the order of the storage.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

TOLERANCE = 1e-9
SORTING = ("sort", "sort_desc", "sort_by_label", "sort_by_label_desc", "topk", "bottomk")
_ERROR_PREFIX = 'invalid parameter "query": '
_SERIES = re.compile(r" for the match group .*", re.DOTALL)
"""Which series a failed match names depends on their order."""


def difference(found: Any, wanted: Any, *, notes: bool = True, tolerance: float = TOLERANCE) -> str | None:
    """Return how the answer `found` differs from `wanted`, None if it does not.

    `notes` says whether warnings, infos and the text of errors count too.
    """
    if found["status"] != wanted["status"]:
        return f"status: found {_short(found)}, wanted {_short(wanted)}"
    if found["status"] == "error":
        texts = [_SERIES.sub("", answer["error"].removeprefix(_ERROR_PREFIX)) for answer in (found, wanted)]
        return f"error: found {texts[0]!r}, wanted {texts[1]!r}" if notes and texts[0] != texts[1] else None
    if notes:
        for kind in ("warnings", "infos"):
            if _notes(found.get(kind, ())) != _notes(wanted.get(kind, ())):
                return f"{kind}: found {found.get(kind)}, wanted {wanted.get(kind)}"
    if found["data"]["resultType"] != wanted["data"]["resultType"]:
        return f"type: found {found['data']['resultType']}, wanted {wanted['data']['resultType']}"
    if wanted["data"]["resultType"] in {"scalar", "string"}:
        pairs = (found["data"]["result"], wanted["data"]["result"])
        same = all(_same(left, right, tolerance) for left, right in zip(*pairs, strict=True))
        return None if same else f"found {pairs[0]}, wanted {pairs[1]}"
    return _series_difference(_by_labels(found), _by_labels(wanted), tolerance)


_METRIC = re.compile(r' for metric name "[^"]*"')
_UNSURE = "conflicting counter resets"


def _notes(texts: Sequence[str]) -> list[str]:
    """Return annotations without what depends on the storage.

    Which of several metrics is named depends on the order of series; whether resets contradict each other,
    on the hints that a storage makes up from the sample before the window (docs/promql-differences.md).
    """
    return sorted(_METRIC.sub("", text) for text in texts if _UNSURE not in text)


def sorted_values(answer: Any) -> list[float]:
    """Return the values of an instant vector in the order they came."""
    return [float(one["value"][1]) for one in answer["data"]["result"] if "value" in one]


def _short(answer: Any) -> str:
    text = json.dumps(answer)
    return text if len(text) < 400 else f"{text[:400]}..."


def _by_labels(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in answer["data"]["result"]:
        key = json.dumps(one["metric"], sort_keys=True)
        assert key not in found, f"series {key} twice"
        found[key] = one
    return found


def _points(one: Any, kind: str) -> list[Any]:
    return one.get(f"{kind}s") or ([one[kind]] if kind in one else [])


def _series_difference(found: dict[str, Any], wanted: dict[str, Any], tolerance: float) -> str | None:
    for key in wanted.keys() | found.keys():
        if key not in found or key not in wanted:
            return (
                f"{key}: " + (f"missing {wanted[key]}" if key in wanted else f"unexpected {found[key]}")[:600]
            )
        for kind in ("value", "histogram"):
            left, right = _points(found[key], kind), _points(wanted[key], kind)
            if [_ms(point) for point in left] != [_ms(point) for point in right]:
                return f"{key}: times of {kind}s: found {left}, wanted {right}"[:900]
            for a, b in zip(left, right, strict=True):
                if not _same(a[1], b[1], tolerance):
                    return f"{key} at {a[0]}: found {a[1]}, wanted {b[1]}"
    return None


def _ms(point: Any) -> int:
    return round(float(point[0]) * 1000)


def _same(found: Any, wanted: Any, tolerance: float) -> bool:
    if found == wanted:
        return True
    if isinstance(wanted, dict):
        names = found.keys() == wanted.keys()
        return names and all(_same(found[name], wanted[name], tolerance) for name in wanted)
    if isinstance(wanted, list):
        return len(found) == len(wanted) and all(
            _same(a, b, tolerance) for a, b in zip(found, wanted, strict=True)
        )
    return _close(found, wanted, tolerance)


def _close(found: Any, wanted: Any, tolerance: float) -> bool:
    try:
        a, b = float(found), float(wanted)
    except ValueError:
        return False
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    return a == b or (math.isfinite(a) and math.isfinite(b) and abs(a - b) <= tolerance * max(abs(a), abs(b)))


def numbers(answer: Any) -> Iterator[float]:
    """Yield every float of an answer that is a vector or a matrix."""
    for one in answer["data"]["result"]:
        for point in _points(one, "value"):
            yield float(point[1])
