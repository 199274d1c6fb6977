"""How somebody is reached: their contacts, as receivers that alertmanager.yml does not name.

What a contact leaves open (a mail server, the sender of text messages, a bot's token) is taken from an
integration of the same kind in alertmanager.yml: in the receiver `oncall` if there is one, else in the first
that has one; for e-mail and Slack the global settings are enough.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import orjson

from pharos.alerting.config import AlertingConfig, Integration, Receiver
from pharos.alerting.fields import read_section
from pharos.alerting.oncall.schedule import Schedule, read_schedule
from pharos.alerting.oncall.shifts import Override, Shift, Swap, on_call
from pharos.alerting.receiver_kind import settle
from pharos.alerting.receivers import RECEIVERS
from pharos.document import load_document
from pharos.errors import Kind, PharosError
from pharos.state import Unit, accounts, documents, oncall
from pharos.state.documents import Defined
from pharos.state.oncall import Contact, ContactKind

PREFIX: Final = "person:"
ACCOUNT: Final = "account"
"""What the address of somebody's account is called among their contacts."""
_LIKE: Final = "oncall"
_RECIPIENTS: Final = frozenset({"to", "cc", "bcc"})
SEVERITIES: Final = (
    "info",
    "low",
    "warning",
    "medium",
    "minor",
    "high",
    "major",
    "error",
    "critical",
    "page",
)
"""From the least to the most severe; one that is not among them counts as most severe."""
_KINDS: Final = {
    ContactKind.EMAIL: "email",
    ContactKind.SMS: "twilio",
    ContactKind.VOICE: "twilio",
    ContactKind.SLACK: "slack",
    ContactKind.TELEGRAM: "telegram",
}


def name_of(contact: Contact) -> str:
    """Return what the outbox calls a contact as a receiver."""
    return f"{PREFIX}{contact.person}/{contact.id}"


def person_of(receiver: str) -> str:
    """Return whom a receiver's name means; empty where it is none of a person."""
    return receiver.removeprefix(PREFIX).rpartition("/")[0] if receiver.startswith(PREFIX) else ""


def is_severe_enough(severity: str, least: str) -> bool:
    """Return whether a severity is at least another one."""
    if not least or severity not in SEVERITIES or least not in SEVERITIES:
        return True
    return SEVERITIES.index(severity) >= SEVERITIES.index(least)


def contacts_of(unit: Unit, tenant_id: str, person: str) -> tuple[Contact, ...]:
    """Return by what somebody is reached, the soonest first: as they say, else by their account's e-mail."""
    found = oncall.contacts_of(unit, tenant_id, person)
    if found:
        return tuple(one for one in found if one.enabled)
    address = _account_email(unit, person)
    if not address:
        return ()
    return (
        Contact(ACCOUNT, tenant_id, person, ContactKind.EMAIL, address, 0, "", enabled=True, created_ms=0),
    )


def _account_email(unit: Unit, person: str) -> str:
    try:
        found = accounts.user_meant(unit, person)
    except PharosError as exc:
        if exc.kind is not Kind.MISSING:
            raise
        return ""
    return found.email if found.disabled_ms is None else ""


def find_contact(unit: Unit, tenant_id: str, receiver: str) -> Contact | None:
    """Return the contact that a receiver's name means; None where it is none, or was taken away."""
    person, _, contact_id = receiver.removeprefix(PREFIX).rpartition("/")
    if not receiver.startswith(PREFIX) or not person:
        return None
    return next((one for one in contacts_of(unit, tenant_id, person) if one.id == contact_id), None)


def receiver_of(contact: Contact, config: AlertingConfig) -> Receiver:
    """Return a contact as a receiver. Raises PharosError(INVALID) where nothing says how its kind is sent."""
    kind = _KINDS[contact.kind]
    like = _integration_like(kind, config)
    if like is None:
        like = _from_global(kind, contact, config)
    values = {**like.values, **_addressed(contact)}
    if "headers" in values:
        # Whom the receiver's own mails are addressed to is not whom this one is.
        kept = {name: text for name, text in values["headers"].items() if name.lower() not in _RECIPIENTS}
        values["headers"] = kept
    return Receiver(name_of(contact), (Integration(kind, 0, values, send_resolved=True),))


def _integration_like(kind: str, config: AlertingConfig) -> Integration | None:
    named = [config.receivers[_LIKE]] if _LIKE in config.receivers else []
    for receiver in (*named, *config.receivers.values()):
        for integration in receiver.integrations:
            if integration.kind == kind:
                return integration
    return None


def _addressed(contact: Contact) -> Mapping[str, Any]:
    match contact.kind:
        case ContactKind.EMAIL:
            return {"to": contact.address}
        case ContactKind.SLACK:
            return {"channel": contact.address}
        case ContactKind.SMS | ContactKind.VOICE:
            return {"to": (contact.address,), "voice": contact.kind is ContactKind.VOICE}
        case ContactKind.TELEGRAM:
            return {"chat_id": int(contact.address), "chat_id_file": ""}


def _from_global(kind: str, contact: Contact, config: AlertingConfig) -> Integration:
    """Return an integration of a kind with the global settings alone."""
    text = orjson.dumps(dict(_addressed(contact)))
    value = load_document(text, f"the contact {contact.id} of {contact.person}")
    how = RECEIVERS.get(kind)
    wrong = "no receiver is of that kind"
    values: dict[str, Any] = {}
    if how is not None:
        values = read_section(how.section, value, Path("/"))
        value.source.raise_faults()
        wrong = settle(how, values, dict(config.global_))
    if wrong:
        raise PharosError(
            Kind.INVALID,
            f"{contact.person} cannot be reached by {contact.kind}: {wrong}",
            hint=f"a receiver {_LIKE!r} with {kind}_configs in alertmanager.yml says how",
        )
    return Integration(kind, 0, values, values.pop("send_resolved"))


# -- who is on call --


def on_call_now(unit: Unit, tenant_id: str, schedule: str, at_ms: int) -> Shift | None:
    """Return who is on call by a schedule that is kept; None where nobody is. Raises PharosError(MISSING)."""
    found = documents.get_document(unit, tenant_id, Defined.SCHEDULE, schedule)
    overrides, swaps = beside(unit, tenant_id, schedule, at_ms, at_ms + 1)
    return on_call(read_schedule(found.document or {}, schedule), at_ms, overrides, swaps)


def beside(
    unit: Unit, tenant_id: str, schedule: str, start_ms: int, end_ms: int
) -> tuple[list[Override], list[Swap]]:
    """Return what counts beside a schedule's layers in [start, end): overrides, and swaps that were taken."""
    overrides = [
        Override(one.start_ms, one.end_ms, one.people)
        for one in oncall.list_overrides(unit, tenant_id, schedule, start_ms, end_ms)
    ]
    swaps = [
        Swap(one.start_ms, one.end_ms, one.giver, one.taker)
        for one in oncall.list_swaps(unit, tenant_id, schedule, start_ms, end_ms)
        if one.taken_ms is not None
    ]
    return overrides, swaps


def schedules_of(unit: Unit, tenant_id: str) -> dict[str, Schedule]:
    """Return a tenant's schedules by name."""
    found = documents.list_documents(unit, Defined.SCHEDULE, tenant_id)
    return {one.name: read_schedule(one.document or {}, one.name) for one in found}
