"""Journals in the Journal Export Format become log lines."""

from __future__ import annotations

import pytest
from tests.ingest.records import records

from pharos.errors import PharosError
from pharos.ingest.events.lines import LINE_MAX_BYTES
from pharos.ingest.journald.export import read_journal

ENTRY = (
    b"__CURSOR=s=1;i=2\n__REALTIME_TIMESTAMP=1768478400000001\n__MONOTONIC_TIMESTAMP=5\n_HOSTNAME=web-1\n"
    b"_SYSTEMD_UNIT=nginx.service\nSYSLOG_IDENTIFIER=nginx\nSYSLOG_FACILITY=3\nPRIORITY=4\n_PID=77\n"
)


def binary(name: bytes, value: bytes) -> bytes:
    return name + b"\n" + len(value).to_bytes(8, "little") + value + b"\n"


def test_an_entry_has_its_message_time_severity_and_fields() -> None:
    (one,) = records(read_journal(ENTRY + binary(b"MESSAGE", b"two\nlines=\xff") + b"\n").body)
    assert one == {
        "resource": {
            "app_name": "nginx",
            "host.name": "web-1",
            "service.name": "nginx",
            "systemd.unit": "nginx.service",
        },
        "line": "two\nlines=\ufffd",
        "ts": 1_768_478_400_000_001_000,
        "severity": 13,
        "severity_text": "warning",
        "attributes": {"__CURSOR": "s=1;i=2", "facility": "daemon", "SYSLOG_FACILITY": "3", "_PID": "77"},
    }


def test_entries_end_with_an_empty_line_and_fields_may_repeat() -> None:
    body = b"MESSAGE=a\nTAG=1\nTAG=2\n\n\nMESSAGE=b\n_SOURCE_REALTIME_TIMESTAMP=9\n__REALTIME_TIMESTAMP=10\n"
    first, second = records(read_journal(body).body)
    assert (first["line"], first["attributes"]) == ("a", {"TAG": ["1", "2"]})
    assert (second["line"], second["ts"]) == ("b", 9000)


def test_a_long_message_is_cut_and_counted() -> None:
    lines = read_journal(binary(b"MESSAGE", b"x" * (LINE_MAX_BYTES + 1)) + b"\n")
    assert (len(records(lines.body)[0]["line"]), lines.cut) == (LINE_MAX_BYTES, 1)


@pytest.mark.parametrize(
    "body",
    [b"MESSAGE=x", b"MESSAGE\n\x05\0\0\0\0\0\0\0abc\n", b"MESSAGE\n\xff\xff\xff\xff\xff\xff\xff\xffabc\n"],
)
def test_what_is_cut_off_is_refused(body: bytes) -> None:
    with pytest.raises(PharosError, match="byte 0"):
        read_journal(body)


def test_nothing_is_no_line() -> None:
    assert read_journal(b"").count == 0
