"""Of which workflows' runs somebody is told."""

from __future__ import annotations

import pytest

from pharos.rules.run_rules import RunAlerts

_KEPT = {"b": False, "c.d": True}


@pytest.mark.parametrize(
    ("named", "kept", "matcher"),
    [
        ((), {}, ""),
        (("a",), {}, 'workflow=~"a"'),
        (("a",), {"a": False}, ""),
        (("*",), {}, 'workflow!=""'),
        (("*",), _KEPT, 'workflow!~"b"'),
        (("a", "b"), _KEPT, 'workflow=~"a|c\\\\.d"'),
        (("*", "a"), {"*": False}, 'workflow=~"a"'),
    ],
)
def test_switches_choose_workflows(named: tuple[str, ...], kept: dict[str, bool], matcher: str) -> None:
    alerts = RunAlerts.of(named, kept)
    assert alerts.matcher == matcher
    group = alerts.rules(1_000)
    assert (group is None) == (not matcher)
    assert group is None or all(matcher in rule.expr for rule in group.rules)


def test_what_is_said_of_a_workflow_goes_before_what_is_said_of_all() -> None:
    alerts = RunAlerts.of(("*",), _KEPT)
    assert [alerts.is_on(name) for name in ("a", "b", "c.d")] == [True, False, True]
