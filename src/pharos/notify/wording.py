"""What a channel says: templates run over a message, and texts cut to what the other side takes.

A template that cannot be run keeps nobody from being told: what it should have said is then said in our
words, with the reason. Only where a template says whom to tell (an address, a room) does it fail the message.
"""

from __future__ import annotations

import asyncio
import dataclasses
import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from msgspec.structs import replace

from pharos.alert import Alert
from pharos.errors import PharosError
from pharos.gotext.quoting import valid_text
from pharos.labels import Labels
from pharos.notify.message import Message, NotSentError, Status

T = TypeVar("T")

CUT_MARK: Final = "…"
_CONTROLS: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_JOINER: Final = "\u200d"
_MOST_VALUE: Final = 16_384
"""So much of a value a template sees."""
_INLINE_ALERTS: Final = 50
"""What is said of so many is made at once: a few milliseconds."""
_SHOWN_VALUES: Final = 200
"""How much of each label's value our own words show."""


class Templates(Protocol):
    """The templates of a configuration, ours among them."""

    def text(self, source: str, message: Message) -> str:
        """Return a template run over the message; raises PharosError(INVALID) if it cannot be."""
        ...

    def html(self, source: str, message: Message) -> str:
        """Return the same as HTML in which all that the message says is escaped."""
        ...


class Wording:
    """What templates make of one message."""

    def __init__(self, templates: Templates, message: Message) -> None:
        self._templates = templates
        self._message = _bounded(message)

    def exact(self, source: str, what: str) -> str:
        """Return a template run that says whom to tell; raises NotSentError that names `what`."""
        if "{{" not in source:
            return valid_text(source)
        try:
            return valid_text(self._templates.text(source, self._message))
        except PharosError as exc:
            raise NotSentError(f"the template of {what} failed: {exc}", may_retry=False) from exc

    def text(self, source: str) -> str:
        """Return a template run; if it cannot be, our own words with the reason."""
        if "{{" not in source:
            return valid_text(source)
        try:
            return valid_text(self._templates.text(source, self._message))
        except PharosError as exc:
            return valid_text(f"{headline(self._message)} (the template failed: {cut(str(exc), 300)})")

    def filled(self, found: Any) -> Any:
        """Return lists, mappings and texts within them with all templates run."""
        match found:
            case str():
                return self.text(found)
            case Mapping():
                return {self.text(str(key)): self.filled(one) for key, one in found.items()}
            case list() | tuple():
                return [self.filled(one) for one in found]
            case _:
                return found

    def html(self, source: str) -> str | None:
        """Return a template run as HTML; None if it cannot be."""
        try:
            return valid_text(self._templates.html(source, self._message))
        except PharosError:
            return None


def with_texts(message: Message, written: Callable[[str], str]) -> Message:
    """Return a message in which what strangers write, values of labels and annotations, is `written`."""

    def pairs(given: Labels) -> Labels:
        return tuple((name, written(value)) for name, value in given)

    return replace(
        message,
        alerts=tuple(
            (
                dataclasses.replace(alert, labels=pairs(alert.labels), annotations=pairs(alert.annotations)),
                status,
            )
            for alert, status in message.alerts
        ),
        group_labels=pairs(message.group_labels),
        common_labels=pairs(message.common_labels),
        common_annotations=pairs(message.common_annotations),
        route_labels=pairs(message.route_labels),
    )


def _bounded(message: Message) -> Message:
    """Return a message without values that no template should have to go through."""
    if any(len(value) > _MOST_VALUE for alert, _ in message.alerts for _, value in _texts(alert)):
        return with_texts(message, lambda value: cut(value, _MOST_VALUE))
    return message


def _texts(alert: Alert) -> Labels:
    return (*alert.labels, *alert.annotations)


def headline(message: Message) -> str:
    """Return a group of alerts in one line, in plain words that no template made."""
    firing = f":{len(message.firing())}" if message.status is Status.FIRING else ""
    own = " ".join(shown(value) for _, value in message.group_labels) or _names(message)
    more = [
        f"{name}={shown(value)}"
        for name, value in message.common_labels
        if (name, value) not in message.group_labels
    ]
    tail = f" ({', '.join(more)})" if more else ""
    mark = "TEST " if message.reason == "test" else ""
    return one_line(f"{mark}[{message.status.upper()}{firing}] {own}{tail}")


def _names(message: Message) -> str:
    names = dict.fromkeys(alert.name for alert, _ in message.alerts if alert.name)
    return ", ".join(shown(name) for name in list(names)[:5])


def shown(value: str) -> str:
    """Return a label's value as it is read at a glance."""
    return cut(one_line(valid_text(value)), _SHOWN_VALUES)


def one_line(text: str) -> str:
    """Return text without line ends and other control characters."""
    return " ".join(_CONTROLS.sub(" ", text).split())


def _whole(text: str, end: int) -> int:
    """Return the last place up to `end` that splits no flag and no joined or coloured emoji."""
    while end > 0 and end < len(text) and _is_joined(text, end):
        end -= 1
    return end


def _is_joined(text: str, at: int) -> bool:
    after, before = text[at], text[at - 1]
    if after == _JOINER or before == _JOINER or unicodedata.combining(after):
        return True
    if "\ufe00" <= after <= "\ufe0f" or "\U0001f3fb" <= after <= "\U0001f3ff":
        return True
    if _is_flag(after) and _is_flag(before):
        start = at
        while start > 0 and _is_flag(text[start - 1]):
            start -= 1
        return (at - start) % 2 == 1
    return False


def _is_flag(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"


def cut(text: str, most: int) -> str:
    """Return at most `most` characters, the last one `…` where something was cut."""
    if len(text) <= most:
        return text
    return text[: _whole(text, most - 1)] + CUT_MARK


def cut_bytes(text: str, most: int) -> str:
    """Return at most `most` bytes of UTF-8 (4 or more), `…` at the end where something was cut."""
    whole = text.encode()
    if len(whole) <= most:
        return text
    kept = whole[: most - len(CUT_MARK.encode())].decode(errors="ignore")
    return text[: _whole(text, len(kept))] + CUT_MARK


def cut_utf16(text: str, most: int) -> str:
    """Return at most `most` units of UTF-16, in which some count, `…` at the end where something was cut."""
    whole = text.encode("utf-16-le")
    if len(whole) <= 2 * most:
        return text
    kept = whole[: 2 * (most - 1)].decode("utf-16-le", errors="ignore")
    return text[: _whole(text, len(kept))] + CUT_MARK


async def built(message: Message, make: Callable[[], T]) -> T:
    """Return what `make` makes of a message; of many alerts on a thread, so that nothing else waits."""
    if len(message.alerts) <= _INLINE_ALERTS:
        return make()
    return await asyncio.to_thread(make)
