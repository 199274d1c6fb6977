"""By what people are reached when they are on call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, Literal

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.oncall.reach import SEVERITIES, contacts_of
from pharos.api.alerting.answers import ACKNOWLEDGE, author_of, read_duration_ms, require_own, tenant_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.state import State, oncall
from pharos.state.oncall import Contact, ContactKind, NewContact

_AFTER_MOST_MS: Final = 86_400_000
_CONTACTS_MOST: Final = 20


class ContactBody(Body):
    """A way by which somebody is reached, and when it is used."""

    kind: Literal["email", "sms", "voice", "slack", "telegram"]
    address: str = Field(min_length=1, max_length=500)
    after: str = "0s"
    """So long after, if nobody has reacted."""
    min_severity: str = Field(default="", max_length=50)
    enabled: bool = True


class ContactsBody(Body):
    """All ways by which somebody is reached."""

    contacts: list[ContactBody] = Field(max_length=_CONTACTS_MOST)


class ContactShape(Shape):
    """A way by which somebody is reached."""

    id: str
    kind: str
    address: str
    after: str
    min_severity: str
    enabled: bool


class ContactsApi(Struct, frozen=True):
    """Keeps by what people are reached; others' contacts need `alerts.configure`."""

    native: Native
    state: State

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, path = self.native.operation, "/api/alerting/people/{person}/contacts"
        yield make(f"GET {path}", ACKNOWLEDGE, self.list_contacts, list[ContactShape])
        yield make(f"PUT {path}", ACKNOWLEDGE, self.put_contacts, list[ContactShape], ContactsBody)

    async def list_contacts(self, request: Request) -> list[dict[str, Any]]:
        """Return by what somebody is reached, the soonest first; by their account's e-mail if not told."""
        tenant, person = tenant_of(request), request.path_params["person"]
        require_own(request, person)
        found = await self.state.read(lambda unit: contacts_of(unit, tenant, person))
        return [_shown(one) for one in found]

    async def put_contacts(self, request: Request, body: ContactsBody) -> list[dict[str, Any]]:
        """Say by what somebody is reached, in place of what was said before."""
        tenant, person = tenant_of(request), request.path_params["person"]
        require_own(request, person)
        new = tuple(_new(person, one) for one in body.contacts)
        found = await self.state.write(
            lambda unit: oncall.put_contacts(unit, tenant, person, new), author_of(request)
        )
        return [_shown(one) for one in found]


def _new(person: str, body: ContactBody) -> NewContact:
    after_ms = read_duration_ms(body.after, "after")
    if after_ms > _AFTER_MOST_MS:
        raise PharosError(Kind.INVALID, "after: at most 1d")
    if body.min_severity and body.min_severity not in SEVERITIES:
        raise PharosError(
            Kind.INVALID,
            f"min_severity: {body.min_severity!r} is none that is known",
            hint=f"one of {', '.join(SEVERITIES)}",
        )
    kind = ContactKind(body.kind)
    if "{{" in body.address:
        raise PharosError(Kind.INVALID, "address: it is taken as it is, not as a template")
    if kind is ContactKind.EMAIL and ("@" not in body.address or any(c in body.address for c in " ,;<>")):
        raise PharosError(Kind.INVALID, "address: one e-mail address, such as ada@example.org")
    if kind is ContactKind.TELEGRAM and not body.address.lstrip("-").isdecimal():
        raise PharosError(Kind.INVALID, "address: the number of a chat at Telegram")
    if kind in {ContactKind.SMS, ContactKind.VOICE} and not body.address.lstrip("+").isdecimal():
        raise PharosError(Kind.INVALID, "address: a telephone number, such as +15551234567")
    return NewContact(person, kind, body.address, after_ms, body.min_severity, body.enabled)


def _shown(found: Contact) -> dict[str, Any]:
    return {
        "id": found.id,
        "kind": found.kind.value,
        "address": found.address,
        "after": format_duration(found.after_ms),
        "min_severity": found.min_severity,
        "enabled": found.enabled,
    }
