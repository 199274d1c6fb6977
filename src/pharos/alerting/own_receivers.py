"""Kinds of receivers that Alertmanager does not have: phones, our own pages, governance, the long tail."""

from __future__ import annotations

from typing import Final

from pharos.alerting.fields import (
    address,
    flag,
    go_duration,
    http,
    needs,
    needs_secret,
    secret,
    secret_address,
    secrets,
    text,
    texts,
    whole,
)
from pharos.alerting.receiver_kind import kind_of

OWN_KINDS: Final = (
    kind_of(
        "twilio",
        {
            "http_config": http(),
            **dict.fromkeys(("account_sid", "from", "text", "language"), text()),
            "auth_token": secret(),
            "to": texts(),
            "voice": flag(),
            "api_url": address(),
            "timeout": go_duration(),
        },
        needs("account_sid"),
        needs_secret("auth_token"),
        needs("from"),
        needs("to"),
        sends_resolved=False,
    ),
    kind_of("dashboard", {}),
    kind_of(
        "governance",
        {
            "http_config": http(),
            "url": secret_address(),
            "secret": secret(),
            "quorum": whole(),
            "members": texts(),
            "timeout": go_duration(),
        },
        needs_secret("url"),
        needs_secret("secret"),
    ),
    kind_of(
        "apprise",
        {"urls": secrets(), **dict.fromkeys(("title", "body"), text()), "timeout": go_duration()},
        needs("urls"),
    ),
)
