"""One question to a running server."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote

import orjson
from msgspec import Struct
from yarl import URL

from pharos import __version__
from pharos.config import is_loopback
from pharos.errors import Cause, Kind, PharosError
from pharos.outbound import HttpOptions, Outbound, Reply, Request, TlsOptions

_ANSWER_MAX_BYTES: Final = 1 << 30
_NATIVE_S: Final = 30.0
_KINDS: Final = {
    400: Kind.INVALID,
    401: Kind.UNAUTHENTICATED,
    403: Kind.DENIED,
    404: Kind.MISSING,
    409: Kind.CONFLICT,
    413: Kind.TOO_LARGE,
    422: Kind.LIMITED,
    429: Kind.LIMITED,
    503: Kind.UNAVAILABLE,
}


def ask(
    server: str,
    path: str,
    fields: Sequence[tuple[str, str]] = (),
    *,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = 130.0,
) -> dict[str, Any]:
    """POST `fields` to the server and return its JSON answer. Blocking.

    Raises PharosError: UNAVAILABLE when no Pharos answers at the address, else what the server's answer says.
    """
    body = URL.build(query=list(fields)).raw_query_string.encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    request = Request(
        _url(server, path), "POST", sent, body, timeout_s=timeout_s, body_limit=_ANSWER_MAX_BYTES
    )
    return _document(server, _answer(request))


class Asked(Struct, frozen=True):
    """A server, and as whom and about which tenant it is asked."""

    server: str
    headers: Mapping[str, str]
    timeout_s: float = _NATIVE_S

    def data(self, address: str, body: Mapping[str, Any] | None = None) -> Any:
        """Return the data of the answer at `address`, a method and a path. Blocking.

        Raises PharosError as `ask` does.
        """
        return _document(self.server, self.reply(address, body))["data"]

    def reply(self, address: str, body: Mapping[str, Any] | None = None) -> Reply:
        """Return the answer as it came. Raises PharosError: UNAVAILABLE when nobody answers."""
        method, _, path = address.partition(" ")
        sent = {"Content-Type": "application/json", **self.headers}
        packed = None if body is None else orjson.dumps(body)
        return _answer(Request(_url(self.server, path), method, sent, packed, timeout_s=self.timeout_s))


def _url(server: str, path: str) -> URL:
    """Return an address of a server. Raises PharosError(INVALID) when the server's is none."""
    try:
        url = URL(server.rstrip("/"))
    except ValueError as exc:
        raise PharosError(Kind.INVALID, f"not an address: {server!r}: {exc}") from exc
    if url.scheme not in {"http", "https"} or not url.host:
        raise PharosError(
            Kind.INVALID, f"not an address: {server!r}", hint="write it as http://127.0.0.1:8080"
        )
    path, _, query = path.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True)
    # Names are quoted in some paths already, such as a run's that has a colon, and must not be a second time.
    parts = [quote(unquote(part), safe="") for part in path.strip("/").split("/")]
    return url.joinpath(*parts, encoded=True).with_query(pairs or None)


def _answer(request: Request) -> Reply:
    try:
        return asyncio.run(_send(request))
    except PharosError as exc:
        hint = "is Pharos running there? --data names its folder, --server its address"
        raise PharosError(exc.kind, exc.message, hint=hint) from exc


async def _send(request: Request) -> Reply:
    outbound = Outbound(
        allow_private=True, user_agent=f"pharos/{__version__}", random_source=random.SystemRandom()
    )
    try:
        # No authority signs loopback's names, and nobody else stands between.
        is_here = request.url.scheme == "https" and is_loopback(request.url.host or "")
        return await outbound.send(request, HttpOptions(tls=TlsOptions(insecure_skip_verify=is_here)))
    finally:
        await outbound.close()


def _document(server: str, answer: Reply) -> dict[str, Any]:
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    if not isinstance(document, dict) or "status" not in document:
        raise PharosError(
            Kind.UNAVAILABLE,
            f"what answers at {server} is not Pharos: status {answer.status}, type {answer.content_type!r}",
            hint="--server names the address that `pharos up` printed",
        )
    if document["status"] != "success":
        kind = _KINDS.get(answer.status, Kind.UNAVAILABLE)
        # A newer server may tell failures apart that are not known here.
        cause = next((one for one in Cause if one == document.get("code")), None)
        raise PharosError(kind, str(document.get("error", f"status {answer.status}")), cause=cause)
    return document
