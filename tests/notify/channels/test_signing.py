"""Signatures that others check: AWS' own example of version 4, and ours."""

from __future__ import annotations

from yarl import URL

from pharos.notify.channels.sigv4 import Credentials, signed_headers
from pharos.notify.channels.webhook import signature_headers


def test_a_form_is_signed_as_aws_says() -> None:
    found = signed_headers(
        Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
        "us-east-1",
        "service",
        URL("https://example.amazonaws.com/"),
        b"Param1=value1",
        content_type="application/x-www-form-urlencoded",
        now_ms=1_440_938_160_000,
    )
    assert found["X-Amz-Date"] == "20150830T123600Z"
    assert found["Authorization"] == (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, "
        "Signature=ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
    )


def test_a_signature_holds_for_one_body_one_time_and_one_secret() -> None:
    first = signature_headers("s", 1_000_000, b"a")
    assert first["X-Pharos-Timestamp"] == "1000"
    others = [
        signature_headers("t", 1_000_000, b"a"),
        signature_headers("s", 2_000_000, b"a"),
        signature_headers("s", 1_000_000, b"b"),
    ]
    assert first == signature_headers("s", 1_000_000, b"a")
    assert all(one["X-Pharos-Signature"] != first["X-Pharos-Signature"] for one in others)
