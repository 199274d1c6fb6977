"""A row in every table about who is on call, what is escalated and what is done by itself."""

from __future__ import annotations

from pharos.state import Writing, acknowledgements, actions, documents, escalations, followers, oncall
from pharos.state.actions import Response, ResponseStatus
from pharos.state.documents import Defined
from pharos.state.escalations import Escalation
from pharos.state.oncall import ContactKind, NewContact, NewOverride, NewSwap


def response(tenant: str, *, number: int = 1, status: ResponseStatus = ResponseStatus.READY) -> Response:
    """Return a response to a transition of an alert."""
    return Response(
        f"r{number}",
        tenant,
        "scale",
        1,
        {"webhook": {}},
        "f",
        "g",
        number,
        "firing",
        {"a": "b"},
        status,
        (),
        "",
        "",
        "",
        5,
        None,
        None,
        0,
    )


def fill_oncall(unit: Writing, tenant: str) -> None:
    """Put the rows."""
    documents.put_document(unit, tenant, Defined.SCHEDULE, "primary", {"layers": []})
    oncall.add_override(unit, tenant, NewOverride("primary", 5, 9, ("ada",)))
    oncall.add_swap(unit, tenant, NewSwap("primary", 5, 9, "ada"))
    oncall.put_contacts(unit, tenant, "Ada", (NewContact("Ada", ContactKind.EMAIL, "a@b"),))
    oncall.add_feed(unit, tenant, "primary", "", "hash")
    acknowledgements.acknowledge(unit, tenant, [("f", "g")], acknowledgements.NewAcknowledgement("mine"))
    acknowledgements.make_signing_key(unit, "links", bytes(32))
    acknowledgements.use_link(unit, "once", 1 << 50)
    followers.begin(unit, "escalation")
    made = Escalation("e", tenant, "g", "p", 1, {"levels": []}, "telling", 5, {"level": 0}, 5, None)
    escalations.add_escalation(unit, made)
    actions.add_response(unit, response(tenant))
