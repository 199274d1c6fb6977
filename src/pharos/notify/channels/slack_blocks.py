"""A group of alerts as Slack's blocks: what is wrong, since when, and buttons to act."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from pharos.alert import SEVERITY, Alert
from pharos.notify.message import Links, Message, Status
from pharos.notify.values import Values
from pharos.notify.wording import Wording, cut, headline, one_line

_SECTION: Final = 3000
_LINE: Final = 600
_SHOWN: Final = 10
_TITLE: Final = 500
_URL: Final = 3000
_COLORS: Final = {Status.FIRING: "danger", Status.RESOLVED: "good"}
_SAID: Final = ("summary", "message", "description")


def blocks_of(message: Message, say: Wording, values: Values) -> tuple[dict[str, Any], str]:
    """Return an attachment of blocks, and the line above it, which telephones show; texts are escaped."""
    title = one_line(say.text(values.text("title"))) or headline(message)
    is_test = message.reason == "test"
    title = f"TEST {title}" if is_test and not title.startswith("TEST") else title
    own = say.text(values.text("text")).strip()
    blocks: list[dict[str, Any]] = [_section(text) for text in ([own] if own else [*_sections(message)])]
    if message.status is Status.FIRING and 0 < len(message.links.picture) <= _URL:
        blocks.append({"type": "image", "image_url": message.links.picture, "alt_text": cut(title, _TITLE)})
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": _context(message)}]})
    if message.status is Status.FIRING and (buttons := _buttons(message.links, values)):
        blocks.append({"type": "actions", "elements": buttons})
    color = say.text(values.text("color")) or _COLORS[message.status]
    return {"color": color, "blocks": blocks}, cut(title, _TITLE)


def without_picture(content: dict[str, Any]) -> dict[str, Any] | None:
    """Return a message without the pictures in its attachments; None if it has none."""
    attached = content.get("attachments") or []
    bare = [
        {**one, "blocks": [block for block in one["blocks"] if block["type"] != "image"]}
        if "blocks" in one
        else one
        for one in attached
    ]
    return None if bare == attached else {**content, "attachments": bare}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": cut(text, _SECTION)}}


def _sections(message: Message) -> Iterator[str]:
    shown = message.alerts[:_SHOWN]
    lines = [_line(alert, status) for alert, status in shown]
    more = len(message.alerts) - len(shown) + message.truncated
    if more:
        lines.append(f"… and {more} more")
    block = ""
    for line in lines:
        if len(block) + len(line) + 1 > _SECTION:
            yield block
            block = ""
        block = f"{block}\n{line}" if block else line
    if block:
        yield block


def _line(alert: Alert, status: Status) -> str:
    mark = ":red_circle:" if status is Status.FIRING else ":large_green_circle:"
    notes = dict(alert.annotations)
    said = next((notes[name] for name in _SAID if notes.get(name)), "")
    which = ", ".join(
        f"{name}={cut(one_line(value), 80)}"
        for name, value in alert.labels
        if name not in {"alertname", SEVERITY}
    )
    severity = f" `{cut(one_line(alert.label(SEVERITY)), 40)}`" if alert.label(SEVERITY) else ""
    links = [
        f"<{url}|{name}>"
        for name, url in (
            ("graph", alert.generator_url.replace("&", "&amp;")),
            ("run", notes.get("run", "")),
            ("runbook", notes.get("runbook_url", "")),
        )
        if _is_web(url)
    ]
    head = f"{mark} *{cut(one_line(alert.name), 120)}*{severity}"
    text = " — ".join(part for part in (cut(one_line(said), _LINE), cut(which, 300)) if part)
    return "\n".join(part for part in (head, text, " · ".join(links)) if part)


def _is_web(url: str) -> bool:
    return (
        url.startswith(("http://", "https://"))
        and not any(char in url for char in "|<> \r\n")
        and len(url) < 1000
    )


def _context(message: Message) -> str:
    starts = [alert.starts_ms for alert, _ in message.alerts]
    since_s = min(starts) // 1000 if starts else message.now_ms // 1000
    parts = [f"since <!date^{since_s}^{{date_short_pretty}} {{time_secs}}|{since_s}>"]
    parts.append(f"receiver {cut(one_line(message.receiver), 80)}")
    if message.reason in {"repeat", "escalation", "reminder", "test"}:
        parts.append(message.reason)
    return " · ".join(parts)


def _buttons(links: Links, values: Values) -> list[dict[str, Any]]:
    """Return buttons that open pages; or, of an app that has its callbacks here, that act at once."""
    is_app = values.part("pharos").flag("interactive")
    named = (
        ("acknowledge", "Acknowledge", links.acknowledge, "primary"),
        ("silence", "Silence", links.silence, ""),
        ("open", "Open", links.page, ""),
    )
    found = []
    for action, text, url, style in named:
        if not url or len(url) > _URL:
            continue
        button: dict[str, Any] = {
            "type": "button",
            "action_id": action,
            "text": {"type": "plain_text", "text": text},
        }
        if style:
            button["style"] = style
        if is_app and action == "acknowledge":
            button["value"] = url.rpartition("/")[2]
        else:
            button["url"] = url
        found.append(button)
    return found
