"""What becomes of alerts and recorded series from one evaluation to the next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.errors import PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.labels import labels_of
from pharos.promql.answer import evaluate_text
from pharos.promql.language.ast import VectorSelector
from pharos.promql.language.parse import parse
from pharos.promql.source import empty_block
from pharos.rules.evaluate import (
    RESOLVED_KEPT_MS,
    ActiveAlert,
    AlertState,
    Element,
    RuleState,
    elements,
    next_state,
)
from pharos.rules.spec import AlertingRule, RecordingRule, group_of

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases/alerts.yml").read_text())


def expand(text: str, one: Element) -> str:
    return text.replace("{{ value }}", f"{one.value:g}")


def found_of(round_: dict[str, Any]) -> list[Element]:
    found = []
    for text, value in round_["found"].items():
        selector = parse("{" + text + "}")
        assert isinstance(selector, VectorSelector)
        pairs = {matcher.name: matcher.value for matcher in selector.matchers}
        found.append(Element(labels_of({"__name__": "x", **pairs}), float(value)))
    return found


def shown(alert: ActiveAlert) -> str:
    return " ".join(f"{name}={value}" for name, value in alert.labels if name != "alertname")


def told(state: RuleState) -> list[str]:
    return [
        f"{alert.state} {shown(alert)} {alert.value:g} since {format_duration(alert.active_ms)}"
        for alert in state.alerts.values()
        if alert.state is not AlertState.INACTIVE
    ]


@pytest.mark.parametrize("case", CASES, ids=lambda case: str(case["name"]))
def test_alerts_from_round_to_round(case: dict[str, Any]) -> None:
    (rule,) = group_of({"name": "g", "rules": [case["rule"]]}, "case").rules
    limit = case.get("limit", 0)
    state = RuleState()
    for round_ in case["rounds"]:
        at_ms = parse_duration(round_["at"])
        if "fails" in round_:
            with pytest.raises(PharosError, match=round_["fails"]):
                next_state(rule, state, found_of(round_), at_ms, expand, limit=limit)
            continue
        outcome = next_state(rule, state, found_of(round_), at_ms, expand, limit=limit)
        state = outcome.state
        assert told(state) == round_["alerts"], round_
        changes = [f"{one.before}>{one.after} {shown(one.alert)}" for one in outcome.transitions]
        assert changes == round_.get("changes", []), round_
        assert all(one.at_ms == at_ms for one in outcome.transitions)


def test_a_resolved_alert_is_remembered_for_a_quarter_of_an_hour() -> None:
    rule = AlertingRule("A", "x")
    state = next_state(rule, RuleState(), [Element((), 1.0)], 0, expand).state
    state = next_state(rule, state, [], 1_000, expand).state
    (alert,) = next_state(rule, state, [], 1_000 + RESOLVED_KEPT_MS, expand).state.alerts.values()
    assert (alert.state, alert.resolved_ms, alert.fired_ms) == (AlertState.INACTIVE, 1_000, 0)
    assert not next_state(rule, state, [], 1_001 + RESOLVED_KEPT_MS, expand).state.alerts


def test_alerts_are_written_as_series_that_end_with_their_state() -> None:
    rule = AlertingRule("A", "x", for_ms=1_000, labels=(("empty", "{{ nothing }}"), ("team", "t")))

    def emptied(text: str, one: Element) -> str:
        return "" if "nothing" in text else expand(text, one)

    found = [Element((("__name__", "x"), ("i", "1")), 7.0)]
    first = next_state(rule, RuleState(), found, 5_500, emptied)
    labels = {"alertname": "A", "i": "1", "team": "t", "empty": "{{ nothing }}"}
    pending = labels_of({**labels, "__name__": "ALERTS", "alertstate": "pending"})
    since = labels_of({**labels, "__name__": "ALERTS_FOR_STATE"})
    assert first.samples == (Element(pending, 1.0), Element(since, 5.0))
    assert first.gone == ()
    second = next_state(rule, first.state, found, 6_500, emptied)
    firing = labels_of({**labels, "__name__": "ALERTS", "alertstate": "firing"})
    assert second.samples == (Element(firing, 1.0), Element(since, 5.0))
    assert second.gone == (pending,)
    third = next_state(rule, second.state, [], 7_500, emptied)
    assert (third.samples, set(third.gone)) == ((), {firing, since})
    assert next_state(rule, third.state, [], 8_500, emptied).gone == ()


def test_recorded_series_have_the_rules_name_and_labels() -> None:
    rule = RecordingRule("a:b", "x", (("drop", ""), ("set", "{{ value }}")))
    found = [Element((("__name__", "x"), ("drop", "1"), ("i", "1"), ("set", "0")), 7.0)]
    outcome = next_state(rule, RuleState(), found, 0, expand)
    labels = (("__name__", "a:b"), ("i", "1"), ("set", "{{ value }}"))
    assert outcome.samples == (Element(labels, 7.0),)
    assert next_state(rule, outcome.state, [], 1, expand).gone == (labels,)


class Nothing:
    def select(self, *_: object) -> Any:
        return empty_block()


def test_a_scalar_is_a_series_without_labels_and_a_string_is_none() -> None:
    assert elements(evaluate_text("1 + 1", Nothing(), 0, 0, 0)) == [Element((), 2.0)]
    assert elements(evaluate_text("vector(3)", Nothing(), 0, 0, 0)) == [Element((), 3.0)]
    for text in ('"text"', "x[5m]"):
        with pytest.raises(PharosError, match="no vector and no scalar"):
            elements(evaluate_text(text, Nothing(), 0, 0, 0))
