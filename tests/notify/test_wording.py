"""What is said: texts cut without splitting what is read as one, headlines, JSON as Go's, hostile values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.notify.fakes.templates import FakeTemplates
from tests.notify.messages import message_of

from pharos.gotext.quoting import valid_text
from pharos.notify.gojson import go_json, go_time
from pharos.notify.message import NotSentError
from pharos.notify.payload import MOST_BYTES, quoted_receiver, webhook_body
from pharos.notify.wording import Wording, cut, cut_bytes, cut_utf16, headline, one_line

TEXTS: list[dict[str, Any]] = yaml.safe_load(Path(__file__).with_name("texts.yaml").read_text())
HOW = {"cut": cut, "bytes": cut_bytes, "utf16": cut_utf16}


@pytest.mark.parametrize("case", TEXTS, ids=[f"{one['how']}-{one['most']}-{one['text']}" for one in TEXTS])
def test_texts_are_cut(case: dict[str, Any]) -> None:
    assert HOW[case["how"]](case["text"], case["most"]) == case["gives"]


def test_a_template_that_fails_is_said_in_our_words() -> None:
    say = Wording(FakeTemplates(), message_of())
    assert say.text("{{ fail }}") == (
        "[FIRING:1] DiskFull (instance=db-1, severity=critical) (the template failed: template: fails)"
    )
    assert say.html("{{ fail }}") is None
    with pytest.raises(NotSentError, match="the template of channel failed") as caught:
        say.exact("{{ fail }}", "channel")
    assert not caught.value.may_retry


def test_a_headline_is_one_line_whatever_labels_say() -> None:
    hostile = {"alertname": "A\r\nBcc: x\u2028y\x00", "z": "v" * 10_000, "s": "\ud83d"}
    found = headline(message_of({"alerts": [{"labels": hostile}], "group_labels": {"alertname": "A\nB"}}))
    assert found.startswith("[FIRING:1] A B (alertname=A Bcc: x y, s=�, z=vvv")
    assert len(found) < 700
    assert found.splitlines() == [found]


def test_a_test_is_marked() -> None:
    assert headline(message_of({"reason": "test"})).startswith("TEST [FIRING:1]")


def test_json_is_go_s() -> None:
    written = go_json({"a": '<b>&"\u2028\x01\t\n/é\ud800', "n": 1, "t": True, "z": None})
    assert written == (
        b'{"a":"\\u003cb\\u003e\\u0026\\"\\u2028\\u0001\\t\\n/\xc3\xa9\xef\xbf\xbd","n":1,"t":true,"z":null}\n'
    )


def test_halves_of_pairs_become_marks_and_whole_pairs_characters() -> None:
    assert valid_text("a\ud800b") == "a\ufffdb"
    assert valid_text("\ud83d\ude00") == "😀"
    assert valid_text("plain é") == "plain é"


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0001-01-01T00:00:00Z"),
        (1, "1970-01-01T00:00:00.001Z"),
        (1_700_000_000_120, "2023-11-14T22:13:20.12Z"),
        (1_700_000_000_000, "2023-11-14T22:13:20Z"),
        (1 << 62, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_go_s(ms: int, text: str) -> None:
    assert go_time(ms) == text


def test_a_receiver_is_told_as_an_expression_that_means_it() -> None:
    assert quoted_receiver("a.b-c/d (e)|$^[x]{1}*+?\\") == r"a\.b-c/d \(e\)\|\$\^\[x\]\{1\}\*\+\?\\"


def test_a_payload_too_large_keeps_every_alert_with_its_values_cut() -> None:
    alerts = [{"labels": {"alertname": "A", "n": str(n), "l": "x" * 1_000_000}} for n in range(12)]
    body = webhook_body(message_of({"alerts": alerts, "truncated": 1}))
    found = json.loads(body)
    assert len(body) <= MOST_BYTES
    assert len(found["alerts"]) == 12
    assert found["truncatedAlerts"] == 1
    assert found["alerts"][3]["labels"]["l"].endswith("x…")


def test_a_payload_of_too_many_alerts_keeps_the_first_and_says_how_many_are_missing() -> None:
    alerts = [
        {"labels": {"alertname": "A", "n": str(n), **{f"l{i}": "x" * 60 for i in range(9)}}}
        for n in range(400)
    ]
    body = webhook_body(message_of({"alerts": alerts}), most_bytes=100_000)
    found = json.loads(body)
    assert len(body) <= 100_000
    assert found["alerts"][0]["labels"]["n"] == "0"
    assert 0 < found["truncatedAlerts"] == 400 - len(found["alerts"]) < 400


def test_one_line_keeps_words() -> None:
    assert one_line(" a\t\tb\r\n\x1b[31mc ") == "a b [31mc"
