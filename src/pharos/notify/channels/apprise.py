"""The long tail: whatever the library apprise knows how to tell, if it is installed (`pharos[apprise]`).

The library makes requests of its own, and waits for them. So it runs on a thread, for as long as the time-out
says, and only for addresses that the server's own configuration names: its requests pass no check of ours.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from pharos.notify.channels.calling import TIMEOUT_MS, Means
from pharos.notify.message import Message, NotSentError, Sent, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, cut_bytes, headline, one_line

_TITLE: Final = 250
_BODY_BYTES: Final = 32_000
_SHOWN: Final = 20
_QUIET: Final = logging.CRITICAL + 1


class Apprise:
    """Tells each of its addresses."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError; the library does not say whether another try may succeed."""
        if not self._means.outbound.allows_private:
            raise NotSentError("apprise is only for receivers of the server's own files", may_retry=False)
        say = Wording(self._means.templates, message)
        title = cut(one_line(say.text(self._values.text("title"))) or headline(message), _TITLE)
        own = await built(message, lambda: say.text(self._values.text("body")))
        body = cut_bytes(own or _lines(message), _BODY_BYTES)
        targets = _targets(self._values.texts("urls"))
        kind = "failure" if message.status is Status.FIRING else "success"
        timeout_s = (self._values.number("timeout") or TIMEOUT_MS) / 1000
        telling = asyncio.to_thread(targets.notify, body=body, title=title, notify_type=kind)
        try:
            async with asyncio.timeout(timeout_s):
                is_told = await telling
        except TimeoutError:
            raise NotSentError(f"apprise gave no answer within {timeout_s:g}s", may_retry=True) from None
        if not is_told:
            raise NotSentError("apprise could not tell all of its addresses", may_retry=True)
        return Sent(f"{len(targets)} addresses told by apprise")


def _targets(urls: tuple[str, ...]) -> Any:
    """Return the library's object for addresses."""
    try:
        import apprise  # noqa: PLC0415 - an option: most servers do without it
    except ImportError:
        raise NotSentError(
            "the library apprise is not installed: pip install 'pharos[apprise]'", may_retry=False
        ) from None
    # It logs addresses, which are secrets.
    logging.getLogger("apprise").setLevel(_QUIET)
    found = apprise.Apprise()
    for number, url in enumerate(urls, 1):
        if not found.add(url):
            raise NotSentError(f"urls: number {number} is none that apprise knows", may_retry=False)
    return found


def _lines(message: Message) -> str:
    lines = []
    for alert, status in message.alerts[:_SHOWN]:
        notes = dict(alert.annotations)
        said = notes.get("summary") or notes.get("message") or notes.get("description") or ""
        lines.append(f"{status.value}: {cut(one_line(alert.name), 200)} {cut(one_line(said), 500)}".rstrip())
    more = len(message.alerts) - _SHOWN + message.truncated
    lines += [f"... and {more} more"] if more > 0 else []
    links = {"Acknowledge": message.links.acknowledge, "Open": message.links.page}
    return "\n".join([*lines, *(f"{name}: {url}" for name, url in links.items() if url)]) or headline(message)
