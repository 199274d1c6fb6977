"""A channel as tests open it, with its settings read from a case."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.notify.fakes.templates import FakeTemplates

from pharos.clock import FakeClock
from pharos.notify.channels import open_channel
from pharos.notify.message import Channel
from pharos.notify.wording import Templates
from pharos.outbound import HttpOptions, Outbound, SecretText
from pharos.secret import Secret

CLOCK_MS = 1_700_000_060_000


def settings_of(given: Any, url: str) -> Any:
    """Return settings of a case: `{url}` is the receiver's address, `!secret ` makes a secret of it."""
    match given:
        case str():
            text = given.replace("{url}", url)
            if text.startswith("!secret "):
                return SecretText(inline=Secret(text.removeprefix("!secret ")))
            if text.startswith("!bearer "):
                return HttpOptions(
                    authorization_type="Bearer",
                    credentials=SecretText(inline=Secret(text.removeprefix("!bearer "))),
                )
            return text
        case dict():
            return {key: settings_of(one, url) for key, one in given.items()}
        case list():
            return [settings_of(one, url) for one in given]
        case _:
            return given


@asynccontextmanager
async def opened(
    kind: str,
    values: dict[str, Any],
    *,
    allow_private: bool = True,
    templates: Templates | None = None,
) -> AsyncIterator[Channel]:
    """Yield a channel whose outgoing connections end with the block."""
    outbound = Outbound(allow_private=allow_private, user_agent="pharos-test", random_source=random.Random(1))
    try:
        yield open_channel(
            kind, values, outbound, templates or FakeTemplates(), FakeClock(CLOCK_MS), random.Random(1)
        )
    finally:
        await outbound.close()
