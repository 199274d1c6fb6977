"""Rules as they are written for others to read: files of Prometheus, and objects of its operator."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import yaml

from pharos.gotext.durations import format_duration
from pharos.rules.spec import AlertingRule, Rule, RuleGroup


class Form(StrEnum):
    """How rules are written."""

    PROMETHEUS = "prometheus"
    """A file of rules."""
    KUBERNETES = "kubernetes"
    """A PrometheusRule object."""
    JSON = "json"
    """A file of rules as JSON."""


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as they are."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def plain_rules(groups: Iterable[RuleGroup]) -> dict[str, Any]:
    """Return groups as the plain values of a file of rules."""
    return {"groups": [_group(group) for group in groups]}


def written_rules(groups: Iterable[RuleGroup], form: Form, name: str = "slo") -> str:
    """Return the text of a file with these groups; `name` is that of the object, where it is one."""
    plain = plain_rules(groups)
    if form is Form.KUBERNETES:
        labels = {"app.kubernetes.io/component": "SLO", "app.kubernetes.io/managed-by": "pharos"}
        plain = {
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": {"name": name, "labels": labels},
            "spec": plain,
        }
    text: str = yaml.dump(plain, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000)
    return text


def _group(group: RuleGroup) -> dict[str, Any]:
    found: dict[str, Any] = {"name": group.name}
    if group.interval_ms:
        found["interval"] = format_duration(group.interval_ms)
    found["rules"] = [_rule(rule) for rule in group.rules]
    return found


def _rule(rule: Rule) -> dict[str, Any]:
    # A block cannot begin with an empty line or end in spaces; neither means anything in an expression.
    expr = "\n".join(line.rstrip() for line in rule.expr.strip("\n").splitlines())
    if isinstance(rule, AlertingRule):
        found: dict[str, Any] = {"alert": rule.name, "expr": expr}
        if rule.for_ms:
            found["for"] = format_duration(rule.for_ms)
        found |= {"labels": dict(rule.labels), "annotations": dict(rule.annotations)}
    else:
        found = {"record": rule.name, "expr": expr, "labels": dict(rule.labels)}
    return {name: value for name, value in found.items() if value}
