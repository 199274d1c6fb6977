"""The audit log: looked through, exported as a signed file, followed entry by entry."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from pharos.api.http.errors import native_error
from pharos.api.http.identity import grant_of, scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, Shape
from pharos.api.prometheus.parameters import Parameters, query_parameters
from pharos.api.prometheus.shapes import Failure
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.state import State, audit, exports
from pharos.state.audit import Search
from pharos.state.exports import Format, Signer

_VIEW: Final = "audit.view"
_EXPORT: Final = "audit.export"
_LIMIT: Final = 100
_LIMIT_MAX: Final = 1000
_MEDIA: Final = {Format.JSON: "application/x-ndjson", Format.CSV: "text/csv; charset=utf-8"}
_SEARCH: Final[dict[str, Any]] = {
    "who": {"type": "string", "description": "Who did it: a name or a part of it, or user:ID."},
    "action": {"type": "string", "description": "An action, or the noun that it begins with."},
    "object": {"type": "string", "description": "What it was done to, as user:ID or user:NAME."},
    "start": {"type": "string", "description": "Entries from this time on."},
    "end": {"type": "string", "description": "Entries before this time."},
    "everywhere": {"type": "boolean", "description": "All entries, not those of one tenant."},
}


class EntryShape(Shape):
    """An entry of the log."""

    number: int
    time_ms: int
    who: str
    name: str
    tenant: str
    action: str
    object: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    reason: str
    request_id: str
    previous: str
    hash: str


class PageShape(Shape):
    """Entries, the newest first."""

    entries: list[EntryShape]
    before: int | None
    """Where the next page goes on; None when there is none."""


class VerifiedShape(Shape):
    """What was found of the whole log."""

    entries: int
    hash: str
    public_key: str
    """With which exports are signed here."""


class AuditApi(Struct, frozen=True):
    """Shows the log to those who may see it."""

    native: Native
    state: State
    signer: Signer
    clock: Clock

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make = self.native.operation
        yield _asking(make("GET /api/audit", _VIEW, self.audit_log, PageShape), "before", "limit")
        yield make("GET /api/audit/verify", "server.operate", self.verify_audit_log, VerifiedShape)
        yield Operation(
            "/api/audit/export",
            "GET",
            self.export_audit_log,
            _EXPORT,
            name="export_audit_log",
            tag=self.native.tag,
            summary="Export audit log",
            responses={
                200: {
                    "description": "The entries, and last a signature.",
                    "content": {_MEDIA[form]: {"schema": {"type": "string"}} for form in Format},
                },
                **{
                    status: {"model": Failure, "description": text}
                    for status, text in {
                        400: "What was asked is not what it must be.",
                        401: "Who asks is not known.",
                        403: "Who asks may not do this.",
                        503: "Not now.",
                    }.items()
                },
            },
            inputs={"parameters": _parameters("format")},
        )

    async def audit_log(self, request: Request) -> dict[str, Any]:
        """Return the newest entries that were looked for, of a tenant or (`everywhere`) of all."""
        parameters = query_parameters(request)
        wanted = _search(request, parameters, _VIEW)
        limit = min(parameters.limit() or _LIMIT, _LIMIT_MAX)
        before = _number(parameters, "before")
        found = await self.state.read(partial(audit.search, wanted=wanted, before=before, limit=limit))
        more = found[-1].number if len(found) == limit else None
        return {"entries": [entry.document() for entry in found], "before": more}

    async def verify_audit_log(self, request: Request) -> dict[str, Any]:  # noqa: ARG002 - every endpoint has it
        """Follow the log entry by entry; the first one that is not what was written is named."""
        found = await asyncio.to_thread(exports.verify_log, self.state)
        return {"entries": found.entries, "hash": found.hash, "public_key": self.signer.public_key}

    async def export_audit_log(self, request: Request) -> Response:
        """Return the entries that were looked for as a file that proves itself."""
        try:
            parameters = query_parameters(request)
            wanted = _search(request, parameters, _EXPORT)
            form = _format(parameters.first("format"))
            lines = exports.export(self.state, wanted, form, self.signer, self.clock.now_ms())
            # What fails at once is told before the answer has begun.
            first = await asyncio.to_thread(next, lines, b"")
        except PharosError as exc:
            return native_error(exc)
        headers = {
            "Cache-Control": "no-store",
            "Content-Disposition": f'attachment; filename="pharos-audit.{form}"',
        }
        return StreamingResponse(_chained(first, lines), media_type=_MEDIA[form], headers=headers)


def _chained(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _parameters(*more: str) -> list[dict[str, Any]]:
    described = {
        **_SEARCH,
        "before": {"type": "integer", "minimum": 1, "description": "Where the page before this one ended."},
        "limit": {"type": "integer", "minimum": 0, "description": f"{_LIMIT} if none, {_LIMIT_MAX} at most."},
        "format": {"type": "string", "enum": list(Format)},
    }
    names = (*_SEARCH, *more)
    return [{"name": name, "in": "query", "schema": described[name]} for name in names]


def _asking(made: Operation, *more: str) -> Operation:
    return replace(made, inputs={**made.inputs, "parameters": _parameters(*more)})


def _search(request: Request, parameters: Parameters, permission: str) -> Search:
    """Return what is looked for: entries of the request's tenant, or all of them for who may see all.

    Raises PharosError: INVALID, DENIED.
    """
    tenants: frozenset[str] | None = frozenset({scope_of(request).tenant})
    if parameters.first("everywhere") in {"true", "1"}:
        if permission not in grant_of(request).everywhere:
            raise PharosError(
                Kind.DENIED,
                f"all entries are seen by who has {permission} everywhere",
                hint="leave everywhere out for those of one tenant",
            )
        tenants = None
    start, end = (parameters.time_ms(name, -1) for name in ("start", "end"))
    return Search(
        tenants,
        who=parameters.first("who"),
        action=parameters.first("action"),
        object=parameters.first("object"),
        since_ms=None if start == -1 else start,
        until_ms=None if end == -1 else end,
    )


def _number(parameters: Parameters, name: str) -> int | None:
    text = parameters.first(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise PharosError(Kind.INVALID, f"{name} must be a whole number, is {text[:40]!r}")
    return int(text)


def _format(text: str) -> Format:
    try:
        return Format(text or Format.JSON)
    except ValueError as exc:
        raise PharosError(
            Kind.INVALID, f"there is no format {text[:40]!r}", hint=f"one of {', '.join(Format)}"
        ) from exc
