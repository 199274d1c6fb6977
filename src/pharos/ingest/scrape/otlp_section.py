"""The section `otlp` of a prometheus.yml: which attributes of resources become labels of their series.

Names and checks are those of Prometheus 3 (config/config.go, OTLPConfig).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from pharos.document import Fields, Value
from pharos.ingest.otlp.promotion import Promotion

_STRATEGY: Final = "UnderscoreEscapingWithSuffixes"
_KEEPS_NAMES: Final = ("NoUTF8EscapingWithSuffixes", "NoTranslation")
_STRATEGIES: Final = (_STRATEGY, "UnderscoreEscapingWithoutSuffixes", *_KEEPS_NAMES)
_NOT_SERVED: Final = (
    "keep_identifying_resource_attributes",
    "convert_histograms_to_nhcb",
    "promote_scope_metadata",
    "label_name_underscore_sanitization",
    "label_name_preserve_multiple_underscores",
)


def read_otlp(value: Value, note: Callable[[int, str, str], None], *, legacy: bool = False) -> Promotion:
    """Return the section; faults are noted with their lines, by `note` what is accepted but not served.

    With `legacy`, names are those of before UTF-8.
    """
    fields = Fields(value, "otlp")
    strategy = fields.take("translation_strategy")
    if strategy is not None and strategy.text() not in {"", _STRATEGY}:
        _check_strategy(strategy, legacy=legacy)
        note(strategy.line, "otlp.translation_strategy", f"accepted but not served: it is {_STRATEGY}")
    for name in _NOT_SERVED:
        given = fields.take(name)
        if given is not None and given.boolean():
            note(given.line, f"otlp.{name}", "accepted but not served")
    is_all = fields.read("promote_all_resource_attributes", Value.boolean, default=False)
    promoted, ignored = (
        _names(fields, "promote_resource_attributes"),
        _names(fields, "ignore_resource_attributes"),
    )
    if is_all and promoted:
        raise value.fault(
            "'promote_all_resource_attributes' and 'promote_resource_attributes' cannot be configured"
            " simultaneously"
        )
    if ignored and not is_all:
        raise value.fault("'ignore_resource_attributes' cannot be configured unless all others are promoted")
    fields.done()
    return Promotion(ignored if is_all else promoted, is_all)


def _check_strategy(value: Value, *, legacy: bool) -> None:
    if value.text() not in _STRATEGIES:
        raise value.fault(
            f"unsupported OTLP translation strategy {value.text()!r}, write one of {', '.join(_STRATEGIES)}"
        )
    if legacy and value.text() in _KEEPS_NAMES:
        raise value.fault(
            f"OTLP translation strategy {value.text()!r} is not allowed with the validation scheme legacy"
        )


def _names(fields: Fields, name: str) -> frozenset[str]:
    value = fields.take_set(name)
    if value is None:
        return frozenset()
    found = [one.strip() for one in value.texts()]
    for one in found:
        if not one or found.count(one) > 1:
            raise value.fault(f"{name}: {'empty' if not one else 'duplicated'} resource attribute {one!r}")
    return frozenset(found)
