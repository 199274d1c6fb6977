"""Relabelling: ordered rules that rewrite or drop a label set, as Prometheus applies them (model/relabel).

Pure: a mapping of labels in, a mapping or None (dropped) out. Regular expressions are RE2 and anchored;
templates are Go's (`$1`, `${name}`, `$$`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

from pharos.errors import Kind, PharosError
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME, compile_regex

DEFAULT_REGEX: Final = "(.*)"
DEFAULT_SEPARATOR: Final = ";"
DEFAULT_REPLACEMENT: Final = "$1"

_LEGACY_TARGET = re.compile(r"(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+", re.ASCII)
_REFERENCE = re.compile(r"\$(?:(\$)|\{(\w+)\}|(\w+))")
_TARGET_EXCERPT: Final = 200


class Action(StrEnum):
    """What a rule does."""

    REPLACE = "replace"
    KEEP = "keep"
    DROP = "drop"
    KEEPEQUAL = "keepequal"
    DROPEQUAL = "dropequal"
    HASHMOD = "hashmod"
    LABELMAP = "labelmap"
    LABELDROP = "labeldrop"
    LABELKEEP = "labelkeep"
    LOWERCASE = "lowercase"
    UPPERCASE = "uppercase"


_NEEDS_TARGET: Final = frozenset(
    {
        Action.REPLACE,
        Action.HASHMOD,
        Action.LOWERCASE,
        Action.UPPERCASE,
        Action.KEEPEQUAL,
        Action.DROPEQUAL,
    }
)
_NO_REPLACEMENT: Final = frozenset({Action.LOWERCASE, Action.UPPERCASE, Action.KEEPEQUAL, Action.DROPEQUAL})


def is_label_name(name: str, legacy: bool) -> bool:
    """Return whether `name` is a legal label name: any text that is not empty, or the classic alphabet if
    `legacy`.
    """
    return LEGACY_LABEL_NAME.fullmatch(name) is not None if legacy else bool(name)


def is_metric_name(name: str, legacy: bool) -> bool:
    """Return whether `name` is a legal metric name; the classic alphabet has the colon too."""
    return LEGACY_METRIC_NAME.fullmatch(name) is not None if legacy else bool(name)


@dataclass(frozen=True, slots=True)
class Rule:
    """One relabel rule, checked when made.

    Raises PharosError(INVALID) with Prometheus' own reason if the fields do not fit the action.
    """

    action: Action = Action.REPLACE
    source_labels: tuple[str, ...] = ()
    separator: str = DEFAULT_SEPARATOR
    regex: str = DEFAULT_REGEX
    modulus: int = 0
    target_label: str = ""
    replacement: str = DEFAULT_REPLACEMENT
    legacy_names: bool = False
    _compiled: Any = field(init=False, repr=False, compare=False)
    _groups: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        compiled = compile_regex(self.regex)
        object.__setattr__(self, "_compiled", compiled)
        object.__setattr__(self, "_groups", dict(compiled.groupindex))
        reason = _fault(self)
        if reason:
            raise PharosError(Kind.INVALID, reason)

    def apply(self, labels: dict[str, str]) -> bool:
        """Change `labels` in place; return False if the set is dropped."""
        match self.action:
            case Action.KEEP:
                return self._matches(self._source(labels))
            case Action.DROP:
                return not self._matches(self._source(labels))
            case Action.KEEPEQUAL:
                return labels.get(self.target_label, "") == self._source(labels)
            case Action.DROPEQUAL:
                return labels.get(self.target_label, "") != self._source(labels)
            case Action.REPLACE:
                self._replace(labels)
            case Action.LOWERCASE:
                _set(labels, self.target_label, _each_rune(self._source(labels), str.lower))
            case Action.UPPERCASE:
                _set(labels, self.target_label, _each_rune(self._source(labels), str.upper))
            case Action.HASHMOD:
                # The last eight bytes of MD5, big-endian: what Prometheus' shards agree on.
                digest = hashlib.md5(self._source(labels).encode(), usedforsecurity=False).digest()
                _set(labels, self.target_label, str(int.from_bytes(digest[8:]) % self.modulus))
            case Action.LABELMAP:
                for name, value in sorted(labels.items()):
                    found = self._compiled.fullmatch(name)
                    if found is not None:
                        _set(labels, self._expand(self.replacement, found), value)
            case Action.LABELDROP:
                for name in [name for name in labels if self._matches(name)]:
                    del labels[name]
            case Action.LABELKEEP:
                for name in [name for name in labels if not self._matches(name)]:
                    del labels[name]
        return True

    def _source(self, labels: Mapping[str, str]) -> str:
        return self.separator.join([labels.get(name, "") for name in self.source_labels])

    def _matches(self, value: str) -> bool:
        return self._compiled.fullmatch(value) is not None

    def _replace(self, labels: dict[str, str]) -> None:
        found = self._compiled.fullmatch(self._source(labels))
        if found is None:
            return
        target = self._expand(self.target_label, found)
        if is_label_name(target, self.legacy_names):
            _set(labels, target, self._expand(self.replacement, found))

    def _expand(self, template: str, found: Any) -> str:
        """Return a Go regexp template filled in; a reference to no group is empty, a lone dollar stays."""
        if "$" not in template:
            return template

        def reference(one: re.Match[str]) -> str:
            if one[1]:
                return "$"
            name = one[2] or one[3]
            number = int(name) if name.isdecimal() else self._groups.get(name, -1)
            if not 0 <= number <= self._compiled.groups:
                return ""
            return found.group(number) or ""

        return _REFERENCE.sub(reference, template)


def _each_rune(text: str, change: Callable[[str], str]) -> str:
    """Return `text` with each character changed by itself, as Go does: one that would become two stays."""
    if text.isascii():
        return change(text)
    return "".join(changed if len(changed := change(one)) == 1 else one for one in text)


def _set(labels: dict[str, str], name: str, value: str) -> None:
    """Set a label; an empty value removes it."""
    if value:
        labels[name] = value
    else:
        labels.pop(name, None)


def _is_target(template: str, legacy: bool) -> bool:
    """Return whether a template may name a label, before its references are filled in."""
    if not legacy:
        return bool(template)
    if "$" in template:
        # The pattern backtracks; what it reads is one short line of the user's own configuration.
        return len(template) <= _TARGET_EXCERPT and _LEGACY_TARGET.fullmatch(template) is not None
    return is_label_name(template, legacy)


def _fault(rule: Rule) -> str:
    """Return why a rule is illegal, in Prometheus' words; empty if it is legal."""
    action, legacy = rule.action, rule.legacy_names
    if action is Action.HASHMOD and rule.modulus == 0:
        return "relabel configuration for hashmod requires non-zero modulus"
    if action in _NEEDS_TARGET and not rule.target_label:
        return f"relabel configuration for {action} action requires 'target_label' value"
    if action is Action.REPLACE and not _is_target(rule.target_label, legacy):
        return f"{rule.target_label!r} is invalid 'target_label' for {action} action"
    if action in _NEEDS_TARGET - {Action.REPLACE} and not is_label_name(rule.target_label, legacy):
        return f"{rule.target_label!r} is invalid 'target_label' for {action} action"
    if action in _NO_REPLACEMENT and rule.replacement != DEFAULT_REPLACEMENT:
        return f"'replacement' can not be set for {action} action"
    if action is Action.LABELMAP and not _is_target(rule.replacement, legacy):
        return f"{rule.replacement!r} is invalid 'replacement' for {action} action"
    plain = (
        rule.modulus == 0 and rule.separator == DEFAULT_SEPARATOR and rule.replacement == DEFAULT_REPLACEMENT
    )
    if action in {Action.KEEPEQUAL, Action.DROPEQUAL} and (not plain or rule.regex != DEFAULT_REGEX):
        return f"{action} action requires only 'source_labels' and 'target_label', and no other fields"
    if action in {Action.LABELDROP, Action.LABELKEEP} and (
        not plain or rule.source_labels or rule.target_label
    ):
        return f"{action} action requires only 'regex', and no other fields"
    return ""


def relabel(labels: Mapping[str, str], rules: Iterable[Rule]) -> dict[str, str] | None:
    """Return `labels` after all rules in order, or None if one of them dropped the set."""
    changed = {name: value for name, value in labels.items() if value}
    for rule in rules:
        if not rule.apply(changed):
            return None
    return changed
