"""Stages of a query, each made a function that changes a line and says whether it goes on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Final

from pharos.errors import PharosError
from pharos.gotext.durations import parse_go_duration
from pharos.gotext.numbers import parse_float
from pharos.search.logql import captures
from pharos.search.logql.addresses import parse_address
from pharos.search.logql.ast import (
    Address,
    AddressFilter,
    BothFilters,
    Decolorize,
    EitherFilter,
    JsonParser,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineFormat,
    LineOp,
    LogfmtParser,
    Matcher,
    MatchOp,
    NumberFilter,
    PatternParser,
    RegexpParser,
    Selection,
    Stage,
    UnpackParser,
)
from pharos.search.logql.line import ERROR, ERROR_DETAILS, EXTRACTED, SPECIAL, Line
from pharos.search.logql.parsers import Step, Wanted, parser_step
from pharos.search.logql.regexes import compile_pattern, plain
from pharos.search.logql.templates import check_template, expand
from pharos.search.logql.units import parse_bytes

FILTER_ERROR: Final = "LabelFilterErr"
TEMPLATE_ERROR: Final = "TemplateFormatErr"
_PARSERS: Final = (JsonParser, LogfmtParser, RegexpParser, PatternParser, UnpackParser)
_FILTERS: Final = (Matcher, NumberFilter, AddressFilter, BothFilters, EitherFilter)
_COLOUR: Final = re.compile(
    r"[\x1b\x9b][\[\]()#;?]*(?:(?:[a-zA-Z0-9]*(?:;[a-zA-Z0-9]*)*)?\x07"
    r"|(?:[0-9]{1,4}(?:;[0-9]{0,4})*)?[0-9A-PRZcf-ntqry=><~])"
)
_ORDERS: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": lambda one, other: one == other,
    "!=": lambda one, other: one != other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
}
_READERS: Final[dict[str, Callable[[str], float]]] = {
    "number": parse_float,
    "duration": parse_go_duration,
    "bytes": parse_bytes,
}


def compile_stages(stages: Sequence[Stage], wanted: Wanted = None) -> tuple[Step, ...]:
    """Return what each stage does to a line; `wanted` are the labels that are asked for in the end."""
    labels = None if wanted is None else wanted_labels(stages, wanted)
    return tuple(_compile(stage, labels) for stage in stages)


def wanted_labels(stages: Sequence[Stage], in_the_end: Iterable[str]) -> Wanted:
    """Return the labels that any stage looks at, or that are asked for in the end; None for all."""
    names = set(in_the_end)
    for stage in stages:
        if isinstance(stage, _FILTERS):
            names.update(label_names(stage))
        elif isinstance(stage, LabelFormat):
            if not all(one.is_rename for one in stage.changes):
                return None
            names.update(one.value for one in stage.changes)
        elif isinstance(stage, Selection):
            names.update(one.name for one in stage.labels if not isinstance(one, str))
        elif isinstance(stage, LineFormat):
            return None
    return frozenset(names | {name.removesuffix(EXTRACTED) for name in names})


def label_names(stage: LabelFilter) -> list[str]:
    """Return the labels that a filter looks at."""
    if isinstance(stage, BothFilters | EitherFilter):
        return label_names(stage.left) + label_names(stage.right)
    return [stage.name]


def run(steps: Sequence[Step], line: Line) -> bool:
    """Let a line go through all steps and return whether it came through."""
    return all(step(line) for step in steps)


def _compile(stage: Stage, wanted: Wanted) -> Step:
    if isinstance(stage, LineFilter):
        return _line_filter(stage)
    if isinstance(stage, _PARSERS):
        return parser_step(stage, wanted)
    if isinstance(stage, _FILTERS):
        return filter_step(stage)
    if isinstance(stage, LineFormat):
        return _line_format(stage)
    if isinstance(stage, LabelFormat):
        return _label_format(stage)
    if isinstance(stage, Selection):
        return _drop(stage) if stage.drops else _keep(stage)
    assert isinstance(stage, Decolorize)  # noqa: S101 - for mypy: no other is left
    return _decolorize


# --- lines


def line_test(op: LineOp, value: str | Address) -> Callable[[str], bool]:
    """Return whether something is found in a line, whatever the sign of the operator."""
    if isinstance(value, Address):
        return parse_address(value.text).is_in
    if op in {LineOp.CONTAINS, LineOp.CONTAINS_NOT}:
        return lambda text: value in text
    if op in {LineOp.MATCHES, LineOp.MATCHES_NOT}:
        compiled = compile_pattern(value)
        return lambda text: compiled.search(plain(text)) is not None
    return partial(captures.fits, captures.check_filter_pattern(value))


def _line_filter(stage: LineFilter) -> Step:
    tests = [line_test(stage.op, value) for value in stage.values]
    wanted = not stage.op.is_negative
    if len(tests) == 1:
        test = tests[0]
        return lambda line: test(line.text) is wanted
    return lambda line: any(test(line.text) for test in tests) is wanted


def _decolorize(line: Line) -> bool:
    if "\x1b" in line.text or "\x9b" in line.text:
        line.text = _COLOUR.sub("", line.text)
    return True


# --- labels


def filter_step(stage: LabelFilter) -> Step:
    """Return whether a line meets a label filter."""
    if isinstance(stage, BothFilters):
        left, right = filter_step(stage.left), filter_step(stage.right)
        return lambda line: left(line) and right(line)
    if isinstance(stage, EitherFilter):
        left, right = filter_step(stage.left), filter_step(stage.right)
        return lambda line: left(line) or right(line)
    if isinstance(stage, Matcher):
        return _matcher(stage)
    if isinstance(stage, NumberFilter):
        return _number(stage)
    return _address(stage)


def _matcher(stage: Matcher) -> Step:
    name, value = stage.name, stage.value
    if stage.op is MatchOp.EQUAL:
        return lambda line: (line.get(name) or "") == value
    if stage.op is MatchOp.NOT_EQUAL:
        return lambda line: (line.get(name) or "") != value
    fullmatch = compile_pattern(value).fullmatch
    wanted = stage.op is MatchOp.REGEX
    return lambda line: (fullmatch(plain(line.get(name) or "")) is not None) is wanted


def _number(stage: NumberFilter) -> Step:
    """A line that failed before goes on, and so does one whose value is no number, with an error."""
    name, limit, holds, read = stage.name, stage.value, _ORDERS[stage.op], _READERS[stage.unit]

    def step(line: Line) -> bool:
        if line.error:
            return True
        text = line.get(name)
        if text is None:
            return False
        try:
            return holds(read(text) if text else _nothing(), limit)
        except PharosError as exc:
            line.fail(FILTER_ERROR, exc.message)
            return True

    return step


def _nothing() -> float:
    return parse_float("")


def _address(stage: AddressFilter) -> Step:
    addresses = parse_address(stage.address.text)
    name, wanted = stage.name, not stage.is_negative

    def step(line: Line) -> bool:
        if line.error:
            return True
        text = line.get(name)
        return text is not None and addresses.holds(text) is wanted

    return step


def _line_format(stage: LineFormat) -> Step:
    template = check_template(stage.template)

    def step(line: Line) -> bool:
        try:
            line.text = expand(template, line.labels(), line.text, line.ts_ns)
        except PharosError as exc:
            line.fail(TEMPLATE_ERROR, exc.message)
        return True

    return step


def _label_format(stage: LabelFormat) -> Step:
    changes = [
        (one.name, one.value, None if one.is_rename else check_template(one.value)) for one in stage.changes
    ]

    def step(line: Line) -> bool:
        labels: dict[str, str] | None = None
        for name, value, template in changes:
            if template is None:
                line.rename(name, value)
                continue
            if labels is None:
                labels = line.labels()
            try:
                line.set(name, expand(template, labels, line.text, line.ts_ns))
            except PharosError as exc:
                line.fail(TEMPLATE_ERROR, exc.message)
        return True

    return step


def _drop(stage: Selection) -> Step:
    def step(line: Line) -> bool:
        for one in stage.labels:
            name = one if isinstance(one, str) else one.name
            if not isinstance(one, str) and not one.matches(line.get(name) or ""):
                continue
            if name == ERROR:
                line.error = ""
            elif name == ERROR_DETAILS:
                line.details = ""
            else:
                line.delete(name)
        return True

    return step


def _keep(stage: Selection) -> Step:
    names = {one for one in stage.labels if isinstance(one, str)}
    matchers = [one for one in stage.labels if not isinstance(one, str)]

    def step(line: Line) -> bool:
        for name in list({**line.stream, **line.metadata, **line.parsed}):
            if name in names or name in SPECIAL:
                continue
            value = line.get(name) or ""
            if not any(one.name == name and one.matches(value) for one in matchers):
                line.delete(name)
        return True

    return step
