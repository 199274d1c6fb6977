"""What is known of an alert after another post of it, and in which order alerts are told."""

from __future__ import annotations

import pytest

from pharos.alert import Alert
from pharos.alerting.alerts import Known, completed, in_order, labels_order, merged, require_fit
from pharos.errors import PharosError
from pharos.labels import labels_of

NOW = 1_000_000


def post(starts: int = 0, ends: int = 0, note: str = "") -> Alert:
    posted = Alert((("alertname", "A"),), (("note", note),), starts, ends)
    return completed(posted, NOW, 300)


def test_times_that_a_sender_left_out_are_given() -> None:
    assert (post().starts_ms, post().ends_ms, post().is_timed_out) == (NOW, NOW + 300, True)
    assert (post(ends=NOW - 5).starts_ms, post(ends=NOW - 5).is_timed_out) == (NOW - 5, False)


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        # The earliest start and the newest words count; a time-out gives way, a named end does not.
        (post(NOW - 50, note="old"), post(NOW - 10, note="new"), (NOW - 50, NOW + 300, "new")),
        (post(NOW - 50, NOW + 900), post(NOW - 10), (NOW - 50, NOW + 900, "")),
        (post(NOW - 50, NOW + 90), post(NOW - 10, NOW + 200), (NOW - 50, NOW + 200, "")),
        # One that is over is over, the later of both ends counts, and another occurrence is another one.
        (post(NOW - 50), post(NOW - 50, NOW - 5), (NOW - 50, NOW - 5, "")),
        (post(NOW - 50, NOW - 5), post(NOW - 40, NOW - 8), (NOW - 50, NOW - 5, "")),
        (post(NOW - 50, NOW - 20), post(NOW - 10), (NOW - 10, NOW + 300, "")),
    ],
)
def test_posts_of_one_alert_are_merged(old: Alert, new: Alert, wanted: tuple[int, int, str]) -> None:
    found = merged(old, new, NOW)
    assert (found.starts_ms, found.ends_ms, dict(found.annotations)["note"]) == wanted


def test_the_order_of_telling_is_by_job_instance_number_of_labels_and_labels() -> None:
    wanted = [
        {"job": "a", "instance": "9"},
        {"job": "a"},
        {"job": "b", "instance": "1", "alertname": "Z"},
        {"job": "b", "instance": "2"},
        # Who lacks the first name in which both differ comes first.
        {"x": "1"},
        {"alertname": "A"},
        {"alertname": "B"},
        {"alertname": "A", "x": "1"},
    ]
    alerts = [Known(Alert(labels_of(one)), 0.0, 0) for one in wanted]
    assert [known.mapping for known in in_order(reversed(alerts))] == wanted
    assert labels_order((("b", "1"),)) < labels_order((("a", "1"), ("b", "1")))


@pytest.mark.parametrize(
    "alert",
    [
        Alert(()),
        Alert((("", "x"),)),
        Alert((("a", "\0"),)),
        Alert((("a", "b"),), (("\ud800", "x"),)),
        Alert((("a", "b"),), starts_ms=5, ends_ms=4),
    ],
)
def test_what_is_no_alert_is_refused(alert: Alert) -> None:
    with pytest.raises(PharosError):
        require_fit(alert)
