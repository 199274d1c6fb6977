"""Rule files as Prometheus reads them: groups of recording and alerting rules, every fault at its line.

What is legal is upstream's (model/rulefmt): unknown fields are refused, names are any UTF-8, only the first
document of a file counts. Expressions and templates are parsed, not run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from pharos.document import Fields, Value, load_document, plain_document
from pharos.errors import PharosError
from pharos.gotext.durations import format_duration
from pharos.labels import METRIC_NAME, Labels
from pharos.named_file import read_named
from pharos.promql.language.parse import parse
from pharos.rules.log_expression import parse_metric
from pharos.rules.template import check_template
from pharos.rules.trace_expression import parse_span_rule

_LIMIT_BITS: Final = 63


class Language(StrEnum):
    """What the expressions of a group are written in."""

    PROMQL = "promql"
    LOGQL = "logql"
    TRACEQL = "traceql"


@dataclass(frozen=True, slots=True)
class RecordingRule:
    """An expression whose answer is stored as series called `name`."""

    name: str
    expr: str
    labels: Labels = ()
    """Set on each series, the group's included, sorted by name; an empty value removes the label."""
    line: int = field(default=0, compare=False)
    """Where it begins in its file, counted from 1; 0 where there is no file."""


@dataclass(frozen=True, slots=True)
class AlertingRule:
    """An expression of which each series of the answer is an alert called `name`."""

    name: str
    expr: str
    for_ms: int = 0
    """How long a series has to be there before its alert fires."""
    keep_firing_for_ms: int = 0
    """How long its alert goes on firing after it has gone."""
    labels: Labels = ()
    """Templates, the group's included, sorted by name; one that expands to nothing removes the label."""
    annotations: Labels = ()
    """Templates, sorted by name; unlike a label, an annotation may be empty."""
    line: int = field(default=0, compare=False)
    """Where it begins in its file, counted from 1; 0 where there is no file."""


Rule: TypeAlias = RecordingRule | AlertingRule


@dataclass(frozen=True, slots=True)
class RuleGroup:
    """Rules that are evaluated one after another at the same time."""

    name: str
    rules: tuple[Rule, ...] = ()
    file: str = ""
    """What errors call the file; group names are unique within it."""
    interval_ms: int = 0
    """How often it is evaluated; 0 stands for the server's default."""
    query_offset_ms: int | None = None
    """How far in the past it is evaluated; None stands for the server's default."""
    limit: int = 0
    """How many alerts, or series, a rule may make; none or less than none stands for no limit."""
    labels: Labels = ()
    """As they were written; each rule has them already."""
    language: Language = Language.PROMQL
    line: int = field(default=0, compare=False)


class RuleFile(Struct, frozen=True):
    """The groups of one file, in its order."""

    name: str
    groups: tuple[RuleGroup, ...] = ()


_PARSERS: Final[Mapping[Language, Callable[[str], object]]] = {
    Language.PROMQL: parse,
    Language.LOGQL: parse_metric,
    Language.TRACEQL: parse_span_rule,
}
_NO_RULES: Final[tuple[Rule, ...]] = ()
_NO_GROUPS: Final[tuple[RuleGroup, ...]] = ()


def _nothing() -> dict[str, str]:
    return {}


def load_rules(path: Path) -> RuleFile:
    """Return the rules of a file.

    Raises FaultsError with everything that is wrong, and PharosError: MISSING for no file, INVALID for what
    is not YAML, TOO_LARGE past the bounds.
    """
    return read_rules(read_named(path), str(path))


def read_rules(text: str | bytes, name: str) -> RuleFile:
    """Return the rules of a rule file's text, which errors call `name`. Raises as `load_rules` does."""
    return _file(load_document(text, name, first_only=True))


def rules_of(plain: Mapping[str, object], name: str) -> RuleFile:
    """Return the rules of a rule file that is there as plain values, as JSON gives them. Raises as above."""
    return _file(plain_document(plain, name))


def group_of(plain: Mapping[str, object], name: str) -> RuleGroup:
    """Return one group of plain values, by the same checks. Raises as above."""
    root = plain_document(plain, name)
    group = _group(root)
    root.source.raise_faults()
    return group


def plain_group(group: RuleGroup) -> dict[str, object]:
    """Return a group as plain values, with the fields of a rule file; `group_of` makes the same group of
    it."""
    own = dict(group.labels)
    found: dict[str, object] = {
        "name": group.name,
        "interval": format_duration(group.interval_ms) if group.interval_ms else None,
        "query_offset": None if group.query_offset_ms is None else format_duration(group.query_offset_ms),
        "limit": group.limit or None,
        "labels": own or None,
        "language": None if group.language is Language.PROMQL else group.language.value,
        "rules": [plain_rule(rule, own) for rule in group.rules],
    }
    return {name: value for name, value in found.items() if value is not None}


def plain_rule(rule: Rule, without: Mapping[str, str] | None = None) -> dict[str, object]:
    """Return a rule as plain values with the fields of a rule file; labels that are the group's left out."""
    labels = {name: value for name, value in rule.labels if (without or {}).get(name) != value}
    if isinstance(rule, RecordingRule):
        found: dict[str, object] = {"record": rule.name, "expr": rule.expr, "labels": labels}
    else:
        found = {
            "alert": rule.name,
            "expr": rule.expr,
            "for": format_duration(rule.for_ms) if rule.for_ms else None,
            "keep_firing_for": format_duration(rule.keep_firing_for_ms) if rule.keep_firing_for_ms else None,
            "labels": labels,
            "annotations": dict(rule.annotations),
        }
    return {name: value for name, value in found.items() if value}


def duplicates(file: RuleFile) -> Iterator[str]:
    """Yield a notice for each rule that has name and labels of an earlier one: legal, and seldom meant."""
    seen: dict[tuple[str, Labels], Rule] = {}
    for group in file.groups:
        for rule in group.rules:
            first = seen.setdefault((rule.name, rule.labels), rule)
            if first is not rule:
                yield (
                    f"{file.name}:{rule.line}: {_kind(rule)} {rule.name!r} has the name and the labels of "
                    f"the one at line {first.line}"
                )


def _kind(rule: Rule) -> str:
    return "record" if isinstance(rule, RecordingRule) else "alert"


def _file(root: Value) -> RuleFile:
    groups = root.source.attempt(lambda: _groups(root), _NO_GROUPS)
    root.source.raise_faults()
    return RuleFile(root.source.name, groups)


def _groups(root: Value) -> tuple[RuleGroup, ...]:
    fields = Fields(root, "a rule file")
    if fields.take("apiVersion") is not None:
        raise root.fault("a Kubernetes object is no file of rules: take the groups that stand under its spec")
    groups = fields.read("groups", _each_group, _NO_GROUPS)
    fields.done()
    seen: set[str] = set()
    for group in groups:
        if group.name in seen:
            root.source.faults.append(
                root.source.fault(group.line, f"the group {group.name!r} is there twice in the file")
            )
        seen.add(group.name)
    return groups


def _each_group(listed: Value) -> tuple[RuleGroup, ...]:
    """Return the groups of a list; empty entries are left out, as Prometheus' reader leaves them out."""
    found = listed.each(lambda value: None if value.is_null() else _group(value))
    return tuple(group for group in found if group is not None)


def _group(value: Value) -> RuleGroup:
    fields = Fields(value, "a group of rules")
    name = fields.read("name", Value.text, "")
    if not name:
        value.source.faults.append(value.fault("a group must have a name"))
    labels = fields.read("labels", partial(_labels, what=f"group {name!r}"), _nothing())
    language = fields.read("language", _language, Language.PROMQL)
    rules = fields.read("rules", lambda listed: tuple(_rules(listed, name, labels, language)), _NO_RULES)
    group = RuleGroup(
        name=name,
        rules=rules,
        file=value.source.name,
        interval_ms=fields.read("interval", Value.duration_ms, 0),
        query_offset_ms=_offset(fields),
        limit=fields.read("limit", _signed, 0),
        labels=tuple(sorted(labels.items())),
        language=language,
        line=value.line,
    )
    fields.done()
    return group


def _language(value: Value) -> Language:
    text = value.text()
    try:
        return Language(text)
    except ValueError:
        raise value.fault(f"language {text!r} is not one of {', '.join(Language)}") from None


def _offset(fields: Fields) -> int | None:
    value = fields.take("query_offset")
    return None if value is None else value.source.attempt(value.duration_ms, 0)


def _signed(value: Value) -> int:
    """Return a whole number as a YAML 1.2 reader in Go takes one: signed, a fraction cut off."""
    text = value.text().replace("_", "")
    try:
        number = int(text, 0) if "." not in text else int(float(text))
    except (ValueError, OverflowError):
        number = 1 << _LIMIT_BITS
    if abs(number) >> _LIMIT_BITS or value.is_quoted():
        raise value.fault(f"{value.path}: expected a whole number, got {value.text()!r}")
    return number


def _labels(value: Value, what: str) -> dict[str, str]:
    """Return labels; a name that is none is noted."""
    found: dict[str, str] = {}
    for name, line, inner in value.pairs():
        if not name or name == METRIC_NAME:
            value.source.faults.append(value.source.fault(line, f"{what}: invalid label name {name!r}"))
        else:
            found[name] = value.source.attempt(inner.text, "")
    return found


def _annotations(value: Value, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, line, inner in value.pairs():
        if not name:
            value.source.faults.append(value.source.fault(line, f"{what}: an annotation must have a name"))
        else:
            found[name] = value.source.attempt(inner.text, "")
    return found


def _rules(listed: Value, group: str, labels: Mapping[str, str], language: Language) -> Iterator[Rule]:
    written = [value for value in listed.items() if not value.is_null()]
    for number, value in enumerate(written, 1):
        where = f"group {group!r}, rule {number}"
        rule = value.source.attempt(partial(_rule, value, where, labels, language), None)
        if rule is not None:
            yield rule


def _rule(value: Value, where: str, group_labels: Mapping[str, str], language: Language) -> Rule:
    source = value.source
    fields = Fields(value, "a rule")
    record = fields.read("record", Value.text, "")
    alert = fields.read("alert", Value.text, "")
    what = f"{where}, {alert or record!r}" if alert or record else where
    if record and alert:
        source.faults.append(value.fault(f"{what}: record and alert exclude each other"))
    elif not record and not alert:
        source.faults.append(value.fault(f"{where}: one of record and alert must be set"))
    expr = _expression(fields, what, language)
    for_ms = fields.read("for", Value.duration_ms, 0)
    keep_firing_for_ms = fields.read("keep_firing_for", Value.duration_ms, 0)
    labels = fields.take("labels")
    annotations = fields.take("annotations")
    own = _nothing() if labels is None else source.attempt(partial(_labels, labels, what), _nothing())
    told = (
        _nothing()
        if annotations is None
        else source.attempt(partial(_annotations, annotations, what), _nothing())
    )
    fields.done()
    merged = tuple(sorted({**group_labels, **own}.items()))
    if record:
        _check_record(value, what, record)
        unused = {"annotations": bool(told), "for": for_ms > 0, "keep_firing_for": keep_firing_for_ms > 0}
        for name in [name for name, is_set in unused.items() if is_set]:
            source.faults.append(value.fault(f"{what}: a recording rule has no {name}"))
        return RecordingRule(record, expr, merged, value.line)
    _check_templates(labels, own, f"{what}: label")
    _check_templates(annotations, told, f"{what}: annotation")
    return AlertingRule(
        alert, expr, for_ms, keep_firing_for_ms, merged, tuple(sorted(told.items())), value.line
    )


def _expression(fields: Fields, what: str, language: Language) -> str:
    value = fields.take("expr")
    source = fields.value.source
    expr = "" if value is None else source.attempt(value.text, "")
    if not expr:
        source.faults.append((value or fields.value).fault(f"{what}: expr must be set"))
        return ""
    try:
        _PARSERS[language](expr)
    except PharosError as exc:
        source.faults.append((value or fields.value).fault(f"{what}: could not parse expression: {exc}"))
    return expr


def _check_record(value: Value, what: str, record: str) -> None:
    if "{" in record or "}" in record:
        message = f"{what}: braces in the name of a recording rule: is it meant as expr?"
        value.source.faults.append(value.fault(message))


def _check_templates(value: Value | None, texts: Mapping[str, str], what: str) -> None:
    if value is None:
        return
    lines = {name: inner.line for name, _, inner in value.pairs()}
    for name, text in texts.items():
        try:
            check_template(text)
        except PharosError as exc:
            value.source.faults.append(value.source.fault(lines[name], f"{what} {name!r}: {exc}"))
