"""Acknowledging alerts: by people and programs, by the link in a message, and by buttons in Slack."""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

import orjson
from msgspec import Struct, field
from pydantic import Field
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from pharos.alerting import acknowledge as acknowledging
from pharos.alerting import links
from pharos.api.alerting.answers import (
    ACKNOWLEDGE,
    VIEW,
    author_of,
    iso_or_none,
    read_duration_ms,
    read_ms,
    tenant_of,
)
from pharos.api.http.bodies import Bodies
from pharos.api.http.errors import STATUS, plain_error
from pharos.api.http.forms import parse_form, parse_pairs
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.http_options import SecretText
from pharos.notify.channels.slack import escape
from pharos.state import Author, State, Writing, acknowledgements, oncall
from pharos.state.acknowledgements import Acknowledgement, NewAcknowledgement
from pharos.state.oncall import ContactKind

_LOG = logging.getLogger(__name__)

_FORM_MOST_BYTES: Final = 256 << 10
_SLACK_ACKNOWLEDGES: Final = "acknowledge"
_WHY_NOT: Final = {
    "text/plain": {"schema": {"type": "string"}},
    "application/json": {"schema": {"type": "object"}},
}
"""As text, or by the layers in front, as everywhere."""
_COMMENT_MOST: Final = 2000
_LINK_LASTS: Final = {
    "": "until it is over",
    "1h": "for an hour",
    "4h": "for 4 hours",
    "24h": "for a day",
}
"""What a link's page offers."""
_STYLE: Final = "../../../plain.css"
"""From the links' address, whatever stands in front of it."""
# Relative, for a server may stand below a path.
_ONWARD: Final = '<p>Repeats and escalation stop. <a href="../../../alerts">All alerts</a></p>'
_PAGE_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex",
}


class AcknowledgeBody(Body):
    """How, and for how long, somebody looks after an alert."""

    comment: str = Field(default="", max_length=_COMMENT_MOST)
    until: str | None = None
    """Until when; until it is over without it."""
    lasts: str | None = None
    """Instead: for how long, as 4h."""


class ManyBody(AcknowledgeBody):
    """Alerts by fingerprint, or all of a group that people were told of."""

    fingerprints: list[str] = Field(default=[], max_length=acknowledging.BULK_MOST)
    group_key: str = Field(default="", max_length=10_000)


class AcknowledgementShape(Shape):
    """Somebody looks after an alert."""

    id: str
    fingerprint: str
    alert: dict[str, str]
    """The alert's labels."""
    group_key: str
    by: str
    comment: str
    at: str
    until: str | None
    through: str


class CallbackSecrets(Struct, frozen=True):
    """By which those sign who say that somebody has reacted."""

    slack: SecretText = field(default_factory=SecretText)
    pagerduty: SecretText = field(default_factory=SecretText)


Say = Callable[[str, Mapping[str, Any]], Awaitable[None]]
"""Posts an object to an address."""


async def say_nothing(url: str, content: Mapping[str, Any]) -> None:
    """Leave it."""
    del url, content


class AcknowledgementsApi(Struct, frozen=True):
    """Takes acknowledgements from those who may give them."""

    native: Native
    state: State
    clock: Clock
    bodies: Bodies
    secrets: CallbackSecrets
    say: Say = say_nothing

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, shape = self.native.operation, list[AcknowledgementShape]
        one, many = "/api/alerting/alerts/{fingerprint}/acknowledge", "/api/alerting/acknowledgements"
        yield make(f"POST {one}", ACKNOWLEDGE, self.acknowledge_alert, shape, AcknowledgeBody)
        yield make(f"DELETE {one}", ACKNOWLEDGE, self.unacknowledge_alert, shape)
        yield make(f"GET {many}", VIEW, self.list_acknowledgements, shape)
        yield make(f"POST {many}", ACKNOWLEDGE, self.acknowledge_many, shape, ManyBody)
        yield make(f"DELETE {many}/{{acknowledgement}}", ACKNOWLEDGE, self.drop_acknowledgement, shape)
        yield self._public(f"{links.PATH}{{token}}", "GET", self.show_link)
        yield self._public(f"{links.PATH}{{token}}", "POST", self.follow_link)
        yield self._public("/api/alerting/slack", "POST", self.take_slack)
        yield self._public("/api/alerting/pagerduty", "POST", self.take_pagerduty)

    def _public(self, path: str, method: str, answer: Any) -> Operation:
        names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
        page = {"text/html": {"schema": {"type": "string"}}}
        body = {"application/x-www-form-urlencoded": {"schema": {"type": "object"}}}
        return Operation(
            path,
            method,
            answer,
            None,
            name=answer.__name__,
            tag="alerting",
            summary=answer.__name__.replace("_", " ").capitalize(),
            responses={
                200: {"description": "Done.", "content": page},
                **{
                    status: {"description": "Why not.", "content": {**page, **_WHY_NOT}}
                    for status in (400, 401, 403, 404, 408, 413, 500, 503)
                },
            },
            inputs={
                "parameters": [
                    {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
                    for name in names
                ],
                **({"requestBody": {"content": body}} if method == "POST" else {}),
            },
        )

    # -- by people --

    async def list_acknowledgements(self, request: Request) -> list[dict[str, Any]]:
        """Return who looks after which alerts now."""
        tenant = tenant_of(request)
        return await self.state.read(
            lambda unit: _shown(
                acknowledgements.with_labels(unit, acknowledgements.acknowledged(unit, tenant).values())
            )
        )

    async def acknowledge_alert(self, request: Request, body: AcknowledgeBody) -> list[dict[str, Any]]:
        """Look after an alert: it is not repeated nor escalated, until a time or until it is over."""
        return await self._acknowledge(request, [request.path_params["fingerprint"]], "", body)

    async def acknowledge_many(self, request: Request, body: ManyBody) -> list[dict[str, Any]]:
        """Look after alerts, named by fingerprint, or those of a group that people were told of."""
        if bool(body.fingerprints) == bool(body.group_key):
            raise PharosError(Kind.INVALID, "either fingerprints or group_key")
        return await self._acknowledge(request, body.fingerprints, body.group_key, body)

    async def _acknowledge(
        self, request: Request, fingerprints: Sequence[str], group_key: str, body: AcknowledgeBody
    ) -> list[dict[str, Any]]:
        tenant, new = tenant_of(request), self._new(body)

        def write(unit: Writing) -> list[dict[str, Any]]:
            if group_key:
                return _shown(acknowledging.acknowledge_group(unit, tenant, group_key, new))
            return _shown(acknowledging.acknowledge(unit, tenant, fingerprints, new))

        return await self.state.write(write, author_of(request, body.comment))

    def _new(self, body: AcknowledgeBody) -> NewAcknowledgement:
        expires_ms = None if body.until is None else read_ms(body.until, "until")
        if body.lasts is not None:
            expires_ms = self.clock.now_ms() + read_duration_ms(body.lasts, "lasts")
        return NewAcknowledgement(body.comment, expires_ms, "api")

    async def unacknowledge_alert(self, request: Request) -> list[dict[str, Any]]:
        """Look after an alert no longer; return what is taken back."""
        return await self._unacknowledge(request, request.path_params["fingerprint"])

    async def drop_acknowledgement(self, request: Request) -> list[dict[str, Any]]:
        """Take an acknowledgement back."""
        tenant, named = tenant_of(request), request.path_params["acknowledgement"]
        live = await self.state.read(lambda unit: acknowledgements.acknowledged(unit, tenant))
        found = [one for one in live.values() if one.id == named]
        if not found:
            raise PharosError(Kind.MISSING, f"there is no acknowledgement {named!r}")
        return await self._unacknowledge(request, found[0].fingerprint)

    async def _unacknowledge(self, request: Request, fingerprint: str) -> list[dict[str, Any]]:
        tenant = tenant_of(request)
        found = await self.state.write(
            lambda unit: _shown(acknowledgements.unacknowledge(unit, tenant, [fingerprint])),
            author_of(request),
        )
        if not found:
            raise PharosError(Kind.MISSING, f"nobody looks after an alert {fingerprint[:80]!r}")
        return found

    # -- by links --

    async def show_link(self, request: Request) -> Response:
        """Show what a link in a message would acknowledge, with one button that does it."""
        try:
            asked = await self.state.read(partial(acknowledging.look, token=request.path_params["token"]))
        except PharosError as exc:
            return _page_of(exc)
        if asked.is_used:
            return _page(
                "This link was used already", "It works once. Sign in to see who looks after what.", 410
            )
        if not asked.alerts:
            return _page("It is over", "No alert of that message fires any more.", 404)
        return _page("Look after these alerts?", _list(asked.alerts), form=_FORM)

    async def follow_link(self, request: Request) -> Response:
        """Acknowledge what a link in a message is for, once, as its form says."""
        token = request.path_params["token"]
        try:
            asked = await self.state.read(partial(acknowledging.look, token=token))
            new = await self._filled(request)
            author = Author(f"link:{asked.link.nonce}", acknowledging.name_of(asked.link))
            found = await self.state.write(partial(acknowledging.follow, token=token, new=new), author)
        except PharosError as exc:
            return _page_of(exc)
        return _page(f"{len(found)} acknowledged", _list(asked.alerts), onward=True)

    async def _filled(self, request: Request) -> NewAcknowledgement:
        """Return what the form of a link's page says; who sends none says nothing."""
        async with self.bodies.incoming(request, _FORM_MOST_BYTES) as incoming:
            pairs = parse_form(request.headers.get("content-type", ""), bytes(incoming.body))
        said = dict(pairs)
        # Browsers send the ends of lines so.
        comment = said.get("comment", "").replace("\r\n", "\n").strip()
        if len(comment) > _COMMENT_MOST:
            raise PharosError(Kind.INVALID, f"comment: at most {_COMMENT_MOST} characters")
        lasts = said.get("lasts", "")
        expires_ms = self.clock.now_ms() + read_duration_ms(lasts, "lasts") if lasts else None
        return NewAcknowledgement(comment, expires_ms, "link")

    # -- by Slack --

    async def take_slack(self, request: Request) -> Response:
        """Take the click on a button in Slack, which must be signed by it."""
        try:
            async with self.bodies.incoming(request, _FORM_MOST_BYTES) as incoming:
                body = bytes(incoming.body)
            self._require_slack(request, body)
            return await self._click(_clicked(body))
        except PharosError as exc:
            return plain_error(exc)

    def _require_slack(self, request: Request, body: bytes) -> None:
        """Raise PharosError(UNAUTHENTICATED) unless Slack has signed the request."""
        if not self.secrets.slack:
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "buttons in Slack are not set up",
                hint="set oncall.slack_signing_secret_file in pharos.yml",
            )
        stamp = request.headers.get("x-slack-request-timestamp", "")
        signature = request.headers.get("x-slack-signature", "")
        secret = self.secrets.slack.read().encode()
        if not links.is_of_slack(body, stamp, signature, secret, self.clock.now_ms()):
            raise PharosError(Kind.UNAUTHENTICATED, "the request is not signed by Slack")

    async def take_pagerduty(self, request: Request) -> Response:
        """Take what PagerDuty tells of an incident (webhooks v3), which must be signed by it."""
        try:
            async with self.bodies.incoming(request, _FORM_MOST_BYTES) as incoming:
                body = bytes(incoming.body)
            self._require_pagerduty(request, body)
            await self._incident(_event(body))
        except PharosError as exc:
            return plain_error(exc)
        return Response(status_code=200)

    def _require_pagerduty(self, request: Request, body: bytes) -> None:
        """Raise PharosError(UNAUTHENTICATED) unless PagerDuty has signed the request."""
        signatures, secret = request.headers.get("x-pagerduty-signature", ""), self.secrets.pagerduty
        if not secret or not links.is_of_pagerduty(body, signatures, secret.read().encode()):
            raise PharosError(
                Kind.UNAUTHENTICATED,
                "the request is not signed by PagerDuty",
                hint="set oncall.pagerduty_signing_secret_file in pharos.yml",
            )

    async def _incident(self, event: Mapping[str, Any]) -> None:
        """Acknowledge what an incident is about, or take that back; it may be about none of ours."""
        incident, agent = event.get("data"), event.get("agent")
        key = str(incident.get("incident_key", "")) if isinstance(incident, dict) else ""
        name = str(agent.get("summary") or "")[:100] if isinstance(agent, dict) else ""
        author = Author(f"pagerduty:{name}", name or "somebody at PagerDuty")
        kind = event.get("event_type")

        def write(unit: Writing) -> None:
            for tenant, group_key in acknowledging.groups_called(unit, key):
                fires = acknowledging.alerts_of_group(unit, tenant, group_key)
                if kind == "incident.acknowledged" and fires:
                    new = NewAcknowledgement("", None, "pagerduty")
                    acknowledging.acknowledge_group(unit, tenant, group_key, new)
                elif kind == "incident.unacknowledged":
                    acknowledgements.unacknowledge(unit, tenant, fires)

        if kind in {"incident.acknowledged", "incident.unacknowledged"} and key:
            await self.state.write(write, author)

    async def _click(self, clicked: Mapping[str, Any]) -> Response:
        action = next(iter(clicked.get("actions") or [{}]))
        if action.get("action_id") != _SLACK_ACKNOWLEDGES:
            return Response(status_code=200)
        token, user = str(action.get("value", "")), clicked.get("user") or {}
        slack_id, name = (
            str(user.get("id", ""))[:100],
            str(user.get("username") or user.get("name") or "")[:100],
        )
        try:
            asked = await self.state.read(partial(acknowledging.look, token=token))
            person = await self.state.read(
                lambda unit: oncall.person_at(unit, asked.link.tenant, ContactKind.SLACK, slack_id)
            )
            author = Author(f"slack:{slack_id}", person or name or "somebody in Slack")
            new = NewAcknowledgement("", None, "slack")
            found = await self.state.write(partial(acknowledging.follow, token=token, new=new), author)
            is_done, text = True, f"{author.name} looks after {len(found)} of these alerts."
        except PharosError as exc:
            if exc.kind is Kind.UNAVAILABLE:
                raise
            is_done, text = False, f"Not acknowledged: {exc.message}."
        told = _told(clicked, text, is_done=is_done)
        # Slack shows what is posted there; what a click itself is answered it shows only of older messages.
        where = str(clicked.get("response_url") or "")
        after = BackgroundTask(self.say, where, told) if where else None
        return JSONResponse(told, background=after)


def _shown(some: Iterable[Acknowledgement]) -> list[dict[str, Any]]:
    return [_acknowledgement(one) for one in some]


def _acknowledgement(found: Acknowledgement) -> dict[str, Any]:
    return {
        "id": found.id,
        "fingerprint": found.fingerprint,
        "alert": dict(found.alert),
        "group_key": found.group_key,
        "by": found.name or found.who,
        "comment": found.comment,
        "at": format_time_ms(found.created_ms),
        "until": iso_or_none(found.expires_ms),
        "through": found.by,
    }


def _told(clicked: Mapping[str, Any], text: str, *, is_done: bool) -> dict[str, Any]:
    """Return what is said of a click: to all in the alert's thread, or why not to who clicked."""
    told: dict[str, Any] = {
        "response_type": "in_channel" if is_done else "ephemeral",
        "replace_original": False,
        "text": escape(text),
    }
    message = clicked.get("message")
    if is_done and isinstance(message, dict) and message.get("ts"):
        told["thread_ts"] = str(message["ts"])
    return told


def _clicked(body: bytes) -> Mapping[str, Any]:
    text = dict(parse_pairs(body)).get("payload", "")
    try:
        found = orjson.loads(text)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, "the form has no payload that is JSON") from exc
    if not isinstance(found, dict):
        raise PharosError(Kind.INVALID, "the payload is no object")
    return found


def _event(body: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.INVALID, "the body is no JSON") from exc
    event = found.get("event") if isinstance(found, dict) else None
    if not isinstance(event, dict):
        raise PharosError(Kind.INVALID, "the body has no event")
    return event


def _list(lines: Sequence[str]) -> str:
    return "\n".join([*lines[:50], *([f"and {len(lines) - 50} more"] if len(lines) > 50 else [])])


def _page_of(error: PharosError) -> HTMLResponse:
    return _page("That did not work", str(error), STATUS[error.kind])


def _form() -> str:
    """Return what a link's page asks for: all of it may be left as it is, for who has one hand free."""
    options = "".join(
        f'<option value="{value}">{html.escape(text)}</option>' for value, text in _LINK_LASTS.items()
    )
    return (
        f'<form method="post"><label>I look after it <select name="lasts">{options}</select></label>'
        f'<label>Comment <textarea name="comment" rows="2" maxlength="{_COMMENT_MOST}"'
        ' placeholder="what you are doing about it, if you like"></textarea></label>'
        "<button>Acknowledge</button></form>"
    )


_FORM: Final = _form()


def _page(title: str, text: str, status: int = 200, form: str = "", *, onward: bool = False) -> HTMLResponse:
    """Return a small page that works in any browser, without scripts; whatever it shows is text.

    `onward` leads on to what burns, for who may see it.
    """
    content = (
        '<!doctype html><html lang="en"><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f'<link rel="stylesheet" href="{_STYLE}">'
        f"<title>{html.escape(title)} - Pharos</title><h1>{html.escape(title)}</h1>"
        f"<pre>{html.escape(text)}</pre>{form}{_ONWARD if onward else ''}</html>"
    )
    return HTMLResponse(content, status, headers=_PAGE_HEADERS)
