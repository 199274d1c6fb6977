"""Runbooks beside rule files: an annotation `runbook` that names a Markdown file becomes its text."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Final

from pharos.document import FaultsError
from pharos.errors import Kind, PharosError
from pharos.named_file import read_named
from pharos.rules.spec import AlertingRule, Rule, RuleGroup
from pharos.rules.template import check_template

_LOG = logging.getLogger(__name__)

RUNBOOK: Final = "runbook"
_MOST_BYTES: Final = 32 << 10
"""It goes along with each alert."""


def with_runbooks(groups: Iterable[RuleGroup], file: Path) -> list[RuleGroup]:
    """Return groups of a file whose runbooks were read, from the file's folder or one below it.

    Raises FaultsError that names each rule whose runbook cannot be read, or is no template.
    """
    faults: list[PharosError] = []
    found = []
    for group in groups:
        rules = []
        for rule in group.rules:
            try:
                rules.append(_with_runbook(rule, file))
            except PharosError as exc:
                faults.append(PharosError(exc.kind, f"{file}:{rule.line}: runbook: {exc.message}"))
        found.append(replace(group, rules=tuple(rules)))
    if faults:
        raise FaultsError(tuple(faults))
    return found


def _with_runbook(rule: Rule, file: Path) -> Rule:
    if not isinstance(rule, AlertingRule):
        return rule
    named = dict(rule.annotations).get(RUNBOOK, "")
    if not is_file(named):
        return rule
    path = (file.parent / named).resolve()
    if not path.is_relative_to(file.parent.resolve()):
        raise PharosError(Kind.INVALID, f"{named} is not below the folder of the rule file")
    try:
        text = read_named(path, _MOST_BYTES).decode(errors="replace")
    except PharosError as exc:
        if exc.kind is not Kind.MISSING:
            raise
        # Rules of others may mean something else by it.
        _LOG.warning("%s:%s: there is no runbook %s: its name is shown", file, rule.line, path)
        return rule
    check_template(text)
    annotations = {**dict(rule.annotations), RUNBOOK: text}
    return replace(rule, annotations=tuple(sorted(annotations.items())))


def is_file(text: str) -> bool:
    """Return whether an annotation names a file, and is neither a runbook itself nor an address."""
    return text.endswith(".md") and "\n" not in text and "://" not in text and "{{" not in text
