"""Queries in their canonical layout: long ones over several lines, as Loki's formatter breaks them."""

from __future__ import annotations

from typing import Final

from pharos.gotext.durations import format_duration, format_go_duration
from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote
from pharos.search.logql.ast import (
    Address,
    AddressFilter,
    Binary,
    BothFilters,
    ConstantVector,
    Decolorize,
    EitherFilter,
    Extraction,
    Grouping,
    JsonParser,
    LabelFilter,
    LabelFormat,
    LabelReplace,
    LineFilter,
    LineFormat,
    Literal,
    LogfmtParser,
    Logs,
    Matcher,
    Matching,
    Metric,
    NumberFilter,
    PatternParser,
    Query,
    RangeAggregation,
    RegexpParser,
    Selection,
    Stage,
    Unwrap,
    VectorAggregation,
)

_WIDTH: Final = 100
_INDENT: Final = "  "


def show(query: Query) -> str:
    """Return a query on one line, as it could be asked again."""
    if isinstance(query, Logs):
        return _logs(query)
    if isinstance(query, RangeAggregation):
        parameter = "" if query.parameter is None else f"{format_g(query.parameter)}, "
        return f"{query.name}({parameter}{_window(query)}){_grouping(query.grouping)}"
    if isinstance(query, VectorAggregation):
        return f"{_head(query)}({_parameter(query)}{show(query.inner)})"
    if isinstance(query, LabelReplace):
        return f"label_replace({show(query.inner)}, {_texts(query)})"
    if isinstance(query, Literal):
        return format_g(query.value)
    if isinstance(query, ConstantVector):
        return f"vector({format_g(query.value)})"
    return f"{_side(query.left)} {_operator(query)} {_side(query.right)}"


def show_pretty(query: Query, depth: int = 0) -> str:
    """Return a query over several lines where it is too long for one."""
    pad = _INDENT * depth
    line = pad + show(query)
    if len(line) <= _WIDTH:
        return line
    if isinstance(query, Logs):
        stages = "".join(f"\n{pad}{_INDENT}{show_stage(stage)}" for stage in query.stages)
        return f"{pad}{_selector(query)}{stages}"
    if isinstance(query, RangeAggregation):
        parameter = "" if query.parameter is None else f"\n{pad}{_INDENT}{format_g(query.parameter)},"
        parts = [show_pretty(query.logs, depth + 1)]
        if query.unwrap is not None:
            parts.append(f"{pad}{_INDENT * 2}{_unwrap(query.unwrap)}")
        parts.append(f"{pad}{_INDENT * 2}{_range(query)}")
        inner = "\n".join(parts)
        return f"{pad}{query.name}({parameter}\n{inner}\n{pad}){_grouping(query.grouping)}"
    if isinstance(query, VectorAggregation):
        parameter = f"{pad}{_INDENT}{query.parameter},\n" if query.parameter else ""
        return f"{pad}{_head(query)}(\n{parameter}{show_pretty(query.inner, depth + 1)}\n{pad})"
    if isinstance(query, LabelReplace):
        inner = show_pretty(query.inner, depth + 1)
        return f"{pad}label_replace(\n{inner},\n{pad}{_INDENT}{_texts(query)}\n{pad})"
    if isinstance(query, Binary):
        left, right = _pretty_side(query.left, depth), _pretty_side(query.right, depth)
        return f"{left}\n{pad}{_operator(query)}\n{right}"
    return line


def _pretty_side(side: Metric, depth: int) -> str:
    if not isinstance(side, Binary):
        return show_pretty(side, depth + 1)
    pad = _INDENT * (depth + 1)
    return f"{pad}(\n{show_pretty(side, depth + 2)}\n{pad})"


def _side(side: Metric) -> str:
    return f"({show(side)})" if isinstance(side, Binary) else show(side)


def _operator(query: Binary) -> str:
    return query.op + (" bool" if query.returns_bool else "") + _matching(query.matching)


def _matching(matching: Matching) -> str:
    if not matching.is_written:
        return ""
    written = f" {'on' if matching.on else 'ignoring'} ({', '.join(matching.names)})"
    if matching.group:
        written += f" group_{matching.group} ({', '.join(matching.include)})"
    return written


def _head(query: VectorAggregation) -> str:
    return query.name + _grouping(query.grouping) + (" " if query.grouping else "")


def _parameter(query: VectorAggregation) -> str:
    return f"{query.parameter}, " if query.parameter else ""


def _grouping(grouping: Grouping | None) -> str:
    if grouping is None:
        return ""
    return f" {'without' if grouping.without else 'by'} ({', '.join(grouping.names)})"


def _texts(query: LabelReplace) -> str:
    return ", ".join(map(quote, (query.target, query.replacement, query.source, query.pattern)))


def _window(query: RangeAggregation) -> str:
    unwrap = f" {_unwrap(query.unwrap)}" if query.unwrap is not None else ""
    return f"{_logs(query.logs)}{unwrap} {_range(query)}"


def _range(query: RangeAggregation) -> str:
    offset = f" offset {_duration(query.offset_ns)}" if query.offset_ns else ""
    return f"[{_duration(query.range_ns)}]{offset}"


def _duration(ns: int) -> str:
    return format_go_duration(ns) if ns % 1_000_000 else format_duration(ns // 1_000_000)


def _unwrap(unwrap: Unwrap) -> str:
    label = f"{unwrap.conversion}({unwrap.label})" if unwrap.conversion else unwrap.label
    return f"| unwrap {label}" + "".join(f" | {_filter(one)}" for one in unwrap.filters)


def _logs(query: Logs) -> str:
    return " ".join([_selector(query), *map(show_stage, query.stages)])


def _selector(query: Logs) -> str:
    return "{" + ", ".join(map(_matcher, query.matchers)) + "}"


def _matcher(matcher: Matcher) -> str:
    return f"{matcher.name}{matcher.op}{quote(matcher.value)}"


def show_stage(stage: Stage) -> str:
    """Return a stage with what begins it."""
    if isinstance(stage, LineFilter):
        return f"{stage.op} " + " or ".join(map(_value, stage.values))
    return f"| {_stage(stage)}"


def _value(value: str | Address) -> str:
    return f"ip({quote(value.text)})" if isinstance(value, Address) else quote(value)


def _stage(stage: Stage) -> str:
    match stage:
        case JsonParser(extractions):
            return "json" + _extractions(extractions)
        case LogfmtParser(extractions, strict, keep_empty):
            flags = " --strict" * strict + " --keep-empty" * keep_empty
            return f"logfmt{flags}{_extractions(extractions)}"
        case RegexpParser(pattern):
            return f"regexp {quote(pattern)}"
        case PatternParser(pattern):
            return f"pattern {quote(pattern)}"
        case LineFormat(template):
            return f"line_format {quote(template)}"
        case LabelFormat(changes):
            written = (f"{one.name}={one.value if one.is_rename else quote(one.value)}" for one in changes)
            return "label_format " + ", ".join(written)
        case Selection(drops, labels):
            written = (one if isinstance(one, str) else _matcher(one) for one in labels)
            return ("drop " if drops else "keep ") + ", ".join(written)
        case Decolorize():
            return "decolorize"
        case Matcher() | NumberFilter() | AddressFilter() | BothFilters() | EitherFilter():
            return _filter(stage)
        case _:
            return "unpack"


def _extractions(extractions: tuple[Extraction, ...]) -> str:
    written = ", ".join(f"{one.label}={quote(one.expression)}" for one in extractions)
    return f" {written}" if written else ""


def _filter(stage: LabelFilter) -> str:
    match stage:
        case Matcher():
            return _matcher(stage)
        case NumberFilter(name, op, _, _, written):
            return f"{name}{op}{written}"
        case AddressFilter(name, is_negative, address):
            return f"{name}{'!=' if is_negative else '='}{_value(address)}"
        case BothFilters(left, right):
            return f"{_inner(left)} and {_inner(right)}"
        case EitherFilter(left, right):
            return f"{_filter(left)} or {_filter(right)}"


def _inner(stage: LabelFilter) -> str:
    return f"({_filter(stage)})" if isinstance(stage, EitherFilter) else _filter(stage)
