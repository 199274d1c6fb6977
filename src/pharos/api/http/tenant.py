"""Whose telemetry a request is about."""

from __future__ import annotations

import re
from typing import Final

from starlette.requests import Request

from pharos.errors import Kind, PharosError

DEFAULT_TENANT: Final = "default"
_TENANT: Final = re.compile(r"[a-zA-Z0-9!_.*'()-]{1,150}\Z")


def tenant_of(request: Request) -> str:
    """Return the tenant that `X-Scope-OrgID` names, `default` without the header.

    Raises PharosError(INVALID) for several headers or a name outside of Mimir's tenant alphabet; joining
    tenants with `|` is not offered.
    """
    named = request.headers.getlist("x-scope-orgid")
    if not named:
        return DEFAULT_TENANT
    if len(named) > 1 or not _TENANT.match(named[0]) or named[0] in {".", ".."}:
        raise PharosError(
            Kind.INVALID,
            "the header X-Scope-OrgID must name one tenant",
            hint="up to 150 letters, digits and !_.*'()-",
        )
    return named[0]
