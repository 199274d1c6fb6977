"""The headers of every answer, whoever writes it."""

from __future__ import annotations

from typing import Final

KEY_HEADER: Final = "X-Pharos-Key"
"""Carries the key that lies in the data folder; no page of another origin can send it."""
SECURITY: Final = (
    (
        b"content-security-policy",
        (
            b"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self';"
            b" connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self';"
            b" frame-ancestors 'none'"
        ),
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
"""Names in small letters, and values."""
