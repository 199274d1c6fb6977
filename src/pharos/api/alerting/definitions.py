"""What people define by name, kept in versions: what the addresses of every kind of it answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from starlette.requests import Request

from pharos.api.alerting.answers import author_of, tenant_of
from pharos.api.alerting.schedule_shapes import shown_version
from pharos.state import State, documents
from pharos.state.documents import Defined


class Definitions(Struct, frozen=True):
    """One kind of definition of the tenant that a request is about."""

    state: State
    kind: Defined

    async def all(self, request: Request) -> list[dict[str, Any]]:
        """Return the newest version of each."""
        tenant = tenant_of(request)
        found = await self.state.read(lambda unit: documents.list_documents(unit, self.kind, tenant))
        return [shown_version(one) for one in found]

    async def versions(self, request: Request, name: str) -> list[dict[str, Any]]:
        """Return the versions of one, the newest first. Raises PharosError(MISSING)."""
        tenant = tenant_of(request)
        found = await self.state.read(lambda unit: documents.versions_of(unit, tenant, self.kind, name))
        return [shown_version(one) for one in found]

    async def put(
        self, request: Request, name: str, document: Mapping[str, Any], version: int | None, reason: str
    ) -> dict[str, Any]:
        """Keep a document that was checked, in the place of `version`; None for whichever there is."""
        tenant = tenant_of(request)
        found = await self.state.write(
            lambda unit: documents.put_document(unit, tenant, self.kind, name, document, expected=version),
            author_of(request, reason),
        )
        return shown_version(found)

    async def drop(self, request: Request, name: str) -> dict[str, Any]:
        """Take one away; its versions stay. Raises PharosError(MISSING)."""
        tenant = tenant_of(request)
        found = await self.state.write(
            lambda unit: documents.drop_document(unit, tenant, self.kind, name), author_of(request)
        )
        return shown_version(found)
