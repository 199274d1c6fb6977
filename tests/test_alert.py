"""Alerts are called as Alertmanager calls them."""

from __future__ import annotations

import pytest

from pharos.alert import Alert, fingerprint
from pharos.labels import labels_of


@pytest.mark.parametrize(
    ("labels", "called"),
    [
        ({}, "cbf29ce484222325"),
        ({"alertname": "A"}, "d2c6efc389df0927"),
        ({"alertname": "A", "severity": "page", "instance": "x:1"}, "601122cc7cdad66f"),
    ],
)
def test_fingerprints_are_of_names_and_values_alone(labels: dict[str, str], called: str) -> None:
    found = fingerprint(labels_of(labels))
    assert found == called
    assert Alert(labels_of(labels), annotations=(("summary", "x"),), starts_ms=5).fingerprint == found


def test_an_alert_is_over_from_its_end_on() -> None:
    assert not Alert(labels=(), ends_ms=0).is_resolved_at(10)
    assert not Alert(labels=(), ends_ms=11).is_resolved_at(10)
    assert Alert(labels=(), ends_ms=10).is_resolved_at(10)


def test_what_is_no_text_has_a_name_all_the_same() -> None:
    assert fingerprint((("a", "\ud800"),)) != fingerprint((("a", "\ud801"),))
