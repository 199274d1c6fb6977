"""Links under which a dashboard is shown to others.

A link's token comes in the body of a request and never in its address: the page reads it behind the `#`,
which no server and no other page is told.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random
from typing import Any, Final, Literal

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import Grant, Scope, denied
from pharos.api.dashboards.native import EDIT, VIEW
from pharos.api.dashboards.queries import DashboardQueries, streamed
from pharos.api.dashboards.shapes import DashboardNoteShape
from pharos.api.http.errors import native_error
from pharos.api.http.identity import refusal_of, scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape, read_body
from pharos.api.prometheus.answers import rfc3339
from pharos.api.prometheus.shapes import Failure
from pharos.clock import Clock
from pharos.dashboards.answer.asked import asked_of
from pharos.dashboards.answer.stream import all_panels
from pharos.dashboards.document import parse_text, unwrap
from pharos.dashboards.read import read_model
from pharos.dashboards.sharing import (
    asked_by_maker,
    asked_by_reader,
    has_free_range,
    packed,
    scope_of_link,
    scope_of_maker,
    unpacked,
)
from pharos.dashboards.store import Dashboards
from pharos.errors import Kind, PharosError
from pharos.identity.sign_in import author_of
from pharos.identity.tokens import hash_of, mint_secret
from pharos.state import State
from pharos.state.dashboard_shares import Share, add_share, drop_share, get_share, list_shares, share_by_token

_LONGEST_S: Final = 366 * 86_400
_LINES: Final = "application/x-ndjson"
_LARGE: Final = 1 << 20
_TOKEN: Final = Field(min_length=1, max_length=200)


class ShareBody(Body):
    """A link to be made."""

    uid: str = Field(min_length=1, max_length=100)
    kind: Literal["live", "snapshot"] = "live"
    name: str = Field(default="", max_length=200)
    from_: int | str | None = Field(default=None, alias="from")
    to: int | str | None = None
    timezone: str = Field(default="", max_length=100)
    variables: dict[str, list[Any] | str] = Field(default={}, max_length=500)
    custom: list[str] = Field(default=[], max_length=500)
    expires_s: int | None = Field(default=None, ge=60, le=_LONGEST_S)
    public: bool = False
    free_range: bool = False

    def said(self) -> dict[str, Any]:
        """Return what is asked, as the fields of a query."""
        return {**self.model_dump(include={"to", "timezone", "variables", "custom"}), "from": self.from_}


class TokenBody(Body):
    """A link that is opened."""

    token: str = _TOKEN


class SharedQueryBody(Body):
    """What the reader of a link asks."""

    token: str = _TOKEN
    include: list[str] | None = Field(default=None, max_length=10)
    panels: list[str] | None = Field(default=None, max_length=1000)
    collapsed: dict[str, bool] = Field(default={}, max_length=2000)
    tab: str = Field(default="", max_length=300)
    width_px: int | None = Field(default=None, ge=1)
    refresh_variables: bool = True
    from_: int | str | None = Field(default=None, alias="from")
    to: int | str | None = None
    timezone: str = Field(default="", max_length=100)

    def said(self) -> dict[str, Any]:
        """Return it as the fields of a query."""
        return {**self.model_dump(exclude={"token", "from_"}), "from": self.from_}


class ShareShape(Shape):
    """A link, without its token."""

    id: str
    uid: str
    kind: Literal["live", "snapshot"]
    name: str
    public: bool
    free_range: bool
    by: str
    created_at: str
    expires_at: str | None


class NewShareShape(ShareShape):
    """A link as it is shown once, when it was made."""

    token: str
    url: str


class SharedShape(Shape):
    """What is seen under a link."""

    title: str
    kind: Literal["live", "snapshot"]
    name: str
    created_at: str
    expires_at: str | None
    from_: int | str | None = Field(alias="from")
    to: int | str | None
    free_range: bool
    model: dict[str, Any]
    report: list[DashboardNoteShape]


class SharesApi(Struct, frozen=True):
    """`/api/pharos/shares`, and what answers under links."""

    native: Native
    queries: DashboardQueries
    dashboards: Dashboards
    state: State
    clock: Clock
    chance: Random
    allows_public: bool
    grant_of_author: Callable[[str], Grant | None]
    """Returns what who made a link may do by now; None where that is not known here."""
    admit: Callable[[Scope], None]
    """Lets in who reads of a tenant. Raises PharosError(DENIED) for one that is closed."""

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield make("GET /api/pharos/shares", VIEW, self.list_dashboard_shares, list[ShareShape])
        yield make("POST /api/pharos/shares", EDIT, self.share_dashboard, NewShareShape, ShareBody)
        yield make("DELETE /api/pharos/shares/{id}", EDIT, self.unshare_dashboard, ShareShape)
        yield make("POST /api/pharos/shared", None, self.show_shared, SharedShape, TokenBody)
        line = {"type": "object", "properties": {"kind": {"type": "string"}}, "required": ["kind"]}
        failures = {
            400: "Not what it must be.",
            401: "Sign in first.",
            403: "Not for who asks.",
            404: "No such link.",
        }
        more = {408: "The body did not come in time.", 413: "The body is too large.", 503: "Not now."}
        yield Operation(
            "/api/pharos/shared_query",
            "POST",
            self.answer,
            None,
            name="query_shared",
            tag=self.native.tag,
            summary="Query shared",
            responses={
                200: {"description": "Lines, as they are ready.", "content": {_LINES: {"schema": line}}},
                **{
                    status: {"model": Failure, "description": said}
                    for status, said in (failures | more).items()
                },
            },
            body=SharedQueryBody,
        )

    async def list_dashboard_shares(self, request: Request) -> list[dict[str, Any]]:
        """Return the links of the tenant, or those to one dashboard."""
        tenant, uid = scope_of(request).alone().tenant, request.query_params.get("uid", "")
        found = await self.state.read(lambda unit: list_shares(unit, tenant, uid))
        seen = await self._seen(scope_of(request))
        return [_shown(one) for one in found if one.uid in seen]

    async def share_dashboard(self, request: Request, body: ShareBody) -> dict[str, Any]:
        """Make a link to a dashboard as it is, or to what it shows now."""
        scope = scope_of(request).alone()
        if body.public and not self.allows_public:
            raise PharosError(
                Kind.DENIED,
                "links that need no sign-in are not allowed here",
                hint="dashboards.public_links: true allows them",
            )
        opened = await self.dashboards.opened(scope, body.uid)
        if opened.summary.source == "stored" and not opened.summary.may_edit:
            raise PharosError(
                Kind.DENIED,
                f"who may only look at the dashboard {body.uid!r} may not show it to others",
                hint="whoever may change what lies in its folder may",
            )
        said = body.said()
        model, _ = await off_loop(_LARGE, opened.model)
        asked = asked_of(model, self.clock.now_ms(), said)
        document = answer = ""
        if body.kind == "snapshot":
            document = opened.text
            answer = await packed(
                self.queries.lines(scope, await all_panels(self.queries.doors, scope, asked))
            )
        minted = mint_secret(self.chance)
        expires = self.clock.now_ms() + body.expires_s * 1000 if body.expires_s else 0
        share = Share(
            id="",
            tenant_id=scope.tenant,
            uid=body.uid,
            kind=body.kind,
            name=body.name,
            token_hash=minted.hash,
            asked=asked_by_maker(said, scope, free_range=body.free_range and body.kind == "live"),
            is_public=body.public,
            who="",
            who_name="",
            created_ms=0,
            expires_ms=expires,
            document=document,
            answer=answer,
        )
        made = await self.state.write(lambda unit: add_share(unit, share), author_of(scope.who))
        token = minted.text.reveal()
        return {**_shown(made), "token": token, "url": f"/shared#{token}"}

    async def unshare_dashboard(self, request: Request) -> dict[str, Any]:
        """Take a link away: it opens nothing from now on."""
        scope, share_id = scope_of(request).alone(), request.path_params["id"]
        found = await self.state.read(lambda unit: get_share(unit, scope.tenant, share_id))
        if found.uid not in await self._seen(scope):
            raise PharosError(Kind.MISSING, f"there is no link {share_id[:80]!r}")
        gone = await self.state.write(
            lambda unit: drop_share(unit, scope.tenant, share_id), author_of(scope.who)
        )
        return _shown(gone)

    async def _seen(self, scope: Scope) -> set[str]:
        """Return the dashboards that may be seen, those that were taken away too: links outlive them."""
        kept = await self.dashboards.listed(scope)
        return {one.uid for one in (*kept, *await self.dashboards.listed(scope, deleted=True))}

    async def show_shared(self, request: Request, body: TokenBody) -> dict[str, Any]:
        """Return what is seen under a link."""
        share, _ = await self._opened(request, body.token)
        model, report = await self._model(share)
        kept = json.loads(share.asked)
        return {
            "title": model.title,
            "kind": share.kind,
            "name": share.name,
            "created_at": rfc3339(share.created_ms),
            "expires_at": rfc3339(share.expires_ms) if share.expires_ms else None,
            "from": kept.get("from"),
            "to": kept.get("to"),
            "free_range": has_free_range(share),
            "model": model.shown(),
            "report": report.shown(),
        }

    async def answer(self, request: Request) -> Response:
        """Answer what is seen under a link, in lines, as a dashboard is answered."""
        try:
            body = await read_body(request, self.native.bodies, SharedQueryBody)
            share, scope = await self._opened(request, body.token)
            lines = await self._lines(share, scope, body.said())
        except PharosError as exc:
            return native_error(exc)
        return streamed(request, lines)

    async def _lines(
        self, share: Share, scope: Scope, said: dict[str, Any]
    ) -> Callable[[], AsyncIterator[bytes]]:
        if share.kind == "snapshot":
            kept = await asyncio.to_thread(unpacked, share, said)
            return lambda: _each(kept)
        model, _ = await self._model(share)
        asked = asked_of(model, self.clock.now_ms(), asked_by_reader(share, said))
        return lambda: self.queries.lines(scope, asked)

    async def _model(self, share: Share) -> Any:
        if share.kind == "snapshot":
            return await off_loop(_LARGE, lambda: read_model(unwrap(parse_text(share.document)), share.uid))
        # The link itself says that it may be seen, by its reader, as long as its maker may.
        maker = scope_of_maker(share, self.grant_of_author(share.who))
        opened = await self.dashboards.opened(maker, share.uid)
        return await off_loop(_LARGE, opened.model)

    async def _opened(self, request: Request, token: str) -> tuple[Share, Scope]:
        """Return a link, and as whom it is answered. Raises PharosError: MISSING, UNAUTHENTICATED, DENIED."""
        share = await self.state.read(lambda unit: share_by_token(unit, hash_of(token)))
        if share is None or not self._is_good(share):
            raise PharosError(Kind.MISSING, "there is no such link, or it is over", hint="ask for a new one")
        if share.is_public and self.allows_public:
            return share, scope_of_link(share, self.grant_of_author(share.who))
        scope = scope_of(request)
        if VIEW in scope.permissions and scope.tenant == share.tenant_id:
            return share, scope
        found = refusal_of(request.scope)
        if found is not None:
            raise found
        raise denied(scope.who, share.tenant_id, VIEW)

    def _is_good(self, share: Share) -> bool:
        """Return whether its tenant is open, and its maker may see dashboards there by now."""
        maker = scope_of_maker(share, self.grant_of_author(share.who))
        try:
            self.admit(maker)
        except PharosError:
            # Which tenant it is is nothing that a link tells.
            return False
        return VIEW in maker.permissions


async def _each(lines: list[bytes]) -> AsyncIterator[bytes]:
    for line in lines:
        yield line


def _shown(share: Share) -> dict[str, Any]:
    return {
        "id": share.id,
        "uid": share.uid,
        "kind": share.kind,
        "name": share.name,
        "public": share.is_public,
        "free_range": has_free_range(share),
        "by": share.who_name or share.who,
        "created_at": rfc3339(share.created_ms),
        "expires_at": rfc3339(share.expires_ms) if share.expires_ms else None,
    }
