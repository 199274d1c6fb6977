"""An e-mail as it is written: headers that nothing breaks out of, text, HTML, and its place in a thread."""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, getaddresses
from typing import Final

from msgspec import Struct

from pharos.alert import Alert
from pharos.gotext.quoting import valid_text
from pharos.notify.channels.calling import group_hash
from pharos.notify.gojson import go_time
from pharos.notify.message import Message, NotSentError, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, cut, headline, one_line

_SUBJECT: Final = 998
_HEADER: Final = 2000
_TEXT: Final = 256 * 1024
_HTML: Final = 1024 * 1024
_SHOWN: Final = 50
_VALUE: Final = 500
_ADDRESSES: Final = 100
_LOCAL: Final = re.compile(r"[!#$%&'*+\-/=?^_`{|}~0-9A-Za-z.]{1,64}")
_DOMAIN: Final = re.compile(r"[0-9A-Za-z](?:[0-9A-Za-z.-]{0,252}[0-9A-Za-z])?")
_OURS: Final = frozenset({"content-type", "content-transfer-encoding", "mime-version"})
"""Headers that say how the message is put together."""
_NAME: Final = re.compile(r"[!-9;-~]{1,76}")


class Letter(Struct, frozen=True):
    """A message with its envelope."""

    sender: str
    to: tuple[str, ...]
    content: bytes
    thread: Mapping[str, str]


def letter_of(message: Message, say: Wording, values: Values) -> Letter:
    """Return the letter that tells a message. Raises NotSentError if an address in it is none."""
    senders = _addresses(say.exact(values.text("from"), "from"), "from")
    if len(senders) != 1:
        raise NotSentError("from must be one address", may_retry=False)
    to = _addresses(say.exact(values.text("to"), "to"), "to")
    own = {name.lower(): one for name, one in values.pairs("headers").items()}
    mail = EmailMessage(policy=SMTP)
    wanted = str(own.pop("subject", '{{ template "email.default.subject" . }}'))
    subject = say.text(wanted) if message.page is None else message.page.subject
    mail["Subject"] = cut(one_line(subject) or headline(message), _SUBJECT)
    mail["From"] = _shown_addresses(say, own.pop("from", None), senders)
    mail["To"] = _shown_addresses(say, own.pop("to", None), to)
    mail["Date"] = format_datetime(datetime.fromtimestamp(message.now_ms / 1000, UTC))
    thread = _thread(message, values, senders[0].domain)
    ids = {"message-id": thread["last"], "references": _references(message, thread), "in-reply-to": ""}
    ids["in-reply-to"] = message.thread.get("last", "") or ids["references"].split(" ")[0]
    for name, one in {**ids, "x-priority": "1" if _is_urgent(message) else "", **own}.items():
        value = cut(one_line(say.text(str(one))), _HEADER)
        if value and name not in _OURS and _NAME.fullmatch(name):
            del mail[name]
            mail[_spelled(name)] = value
    _fill(mail, message, say, values)
    addresses = tuple(dict.fromkeys(one.addr_spec for one in to))
    return Letter(senders[0].addr_spec, addresses, mail.as_bytes(), thread)


def _fill(mail: EmailMessage, message: Message, say: Wording, values: Values) -> None:
    """Put in what is told: of alerts, or a page with the pictures that it names."""
    page = message.page
    if page is None:
        mail.set_content(_text(message, say, values))
        mail.add_alternative(_html(message, say, values), subtype="html")
        return
    mail.set_content(cut(page.text, _TEXT) + "\n")
    mail.add_alternative(page.html, subtype="html")
    body = mail.get_body(("html",))
    for name, png in page.pictures:
        if isinstance(body, EmailMessage):
            body.add_related(png, "image", "png", cid=f"<{name}>", disposition="inline")


def _spelled(name: str) -> str:
    return "Message-ID" if name == "message-id" else "-".join(part.capitalize() for part in name.split("-"))


def _addresses(text: str, what: str) -> list[Address]:
    """Return the addresses of a list; a label cannot smuggle in what is no address."""
    if any(ord(char) < 32 for char in text):
        raise NotSentError(f"{what} has control characters in it", may_retry=False)
    found = []
    for name, spec in getaddresses([text]):
        local, _, domain = spec.rpartition("@")
        try:
            domain = domain.encode("idna").decode()
        except UnicodeError:
            domain = ""
        if not _LOCAL.fullmatch(local) or not _DOMAIN.fullmatch(domain):
            raise NotSentError(f"{what} is no list of e-mail addresses", may_retry=False)
        found.append(Address(one_line(valid_text(name)), local, domain))
    if not 0 < len(found) <= _ADDRESSES:
        raise NotSentError(f"{what} must name 1 to {_ADDRESSES} addresses", may_retry=False)
    return found


def _shown_addresses(say: Wording, own: object, otherwise: list[Address]) -> tuple[Address, ...]:
    """Return what a header shows; who is told is the envelope's."""
    return tuple(_addresses(say.exact(str(own), "headers"), "headers") if own else otherwise)


def _thread(message: Message, values: Values, domain: str) -> dict[str, str]:
    """Return the ids of the first and of this message; the same for each try, so that a double is known."""
    own = hashlib.sha256(f"{message.tenant}\x00{message.key}".encode(errors="replace")).hexdigest()[:32]
    this = f"<{own}@{domain}>"
    day = ""
    if values.part("threading").text("thread_by_date") == "daily":
        day = go_time(message.now_ms)[:10]
    before = message.thread if message.thread.get("day", "") == day else {}
    found = {"first": before.get("first") or this, "last": this}
    return {**found, "day": day} if day else found


def _references(message: Message, thread: Mapping[str, str]) -> str:
    """Return what a message stands under: a root that all of the group have, and those before it."""
    root = hashlib.sha256((group_hash(message) + thread.get("day", "")).encode()).hexdigest()[:32]
    domain = thread["last"].rpartition("@")[2].rstrip(">")
    before = [
        one for one in (thread["first"], message.thread.get("last", "")) if one and one != thread["last"]
    ]
    return " ".join(dict.fromkeys([f"<group.{root}@{domain}>", *before]))


def _is_urgent(message: Message) -> bool:
    return message.status is Status.FIRING and any(
        alert.label("severity") in {"critical", "page", "emergency"} for alert in message.firing()
    )


def _text(message: Message, say: Wording, values: Values) -> str:
    """Return the part for who reads no HTML, or reads aloud."""
    own = say.text(values.text("text"))
    return cut(own.strip() or _plain(message), _TEXT) + "\n"


def _plain(message: Message) -> str:
    lines = [headline(message), ""]
    for alert, status in message.alerts[:_SHOWN]:
        lines += [f"{status.upper()}  {_one(alert.name) or 'alert'}", *_facts(alert, status), ""]
    more = len(message.alerts) - _SHOWN + message.truncated
    if more > 0:
        lines += [f"... and {more} more", ""]
    links = {
        "Acknowledge": message.links.acknowledge,
        "Silence": message.links.silence,
        "Open": message.links.page,
    }
    lines += [f"{name}: {url}" for name, url in links.items() if url]
    return "\n".join(lines).rstrip()


def _facts(alert: Alert, status: Status) -> list[str]:
    times = [f"  since: {go_time(alert.starts_ms)}"]
    times += [f"  until: {go_time(alert.ends_ms)}"] if status is Status.RESOLVED else []
    pairs = (*alert.labels, *alert.annotations)
    graph = [f"  graph: {_one(alert.generator_url)}"] if alert.generator_url else []
    return [*times, *(f"  {_one(name)}: {_one(value)}" for name, value in pairs), *graph]


def _one(value: str) -> str:
    return cut(one_line(valid_text(value)), _VALUE)


def _html(message: Message, say: Wording, values: Values) -> str:
    source = values.text("html") or '{{ template "email.default.html" . }}'
    found = say.html(source)
    if found is not None and found.strip() and len(found) <= _HTML:
        return _with_picture(found, message)
    # It could not be made, or no mail program would show it.
    head = (
        '<!DOCTYPE html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1"></head>'
        '<body style="margin:0;padding:16px;font-family:sans-serif">'
        '<div style="max-width:640px;margin:0 auto;white-space:pre-wrap;word-break:break-word">'
    )
    return _with_picture(f"{head}{html.escape(_plain(message))}</div></body></html>", message)


def _with_picture(page: str, message: Message) -> str:
    """Return a page with the picture of what fires at its end; mail programs ask before they fetch it."""
    if message.status is not Status.FIRING or not message.links.picture:
        return page
    source = html.escape(message.links.picture)
    picture = f'<p style="text-align:center"><img src="{source}" alt="The graph" width="640"></p>'
    before, end, after = page.rpartition("</body>")
    return f"{before}{picture}{end}{after}" if end else f"{page}{picture}"
