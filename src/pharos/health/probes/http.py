"""Looks at what an HTTP address answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import orjson
import re2
from yarl import URL

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import HttpCheck, JsonAssertion
from pharos.health.looking import Found, Means
from pharos.health.probes.json_path import at_path
from pharos.health.probes.tls import days_left
from pharos.http_options import HttpOptions, SecretText, TlsOptions
from pharos.outbound import Reply, Request
from pharos.secret import Secret

_BODY_BYTES: Final = 4 << 20
_STATUS_BYTES: Final = 64 << 10
_SHOWN: Final = 120


async def look(check: HttpCheck, means: Means, scope: Scope) -> Found:
    """Ask once. Raises PharosError where nothing answers."""
    del scope
    url = URL(check.url)
    reads = bool(check.body_contains or check.body_lacks or check.body_matches or check.json_)
    request = Request(
        url,
        check.method,
        check.headers,
        check.body.encode() or None,
        timeout_s=check.timeout_ms / 1000,
        body_limit=_BODY_BYTES if reads else _STATUS_BYTES,
        is_status_enough=not reads,
    )
    began_s = means.clock.monotonic_s()
    reply = await means.outbound.send(request, _options(check))
    latency_ms = (means.clock.monotonic_s() - began_s) * 1000
    faults = list(_faults(check, reply, latency_ms))
    facts = {"http_status_code": float(reply.status), "http_body_bytes": float(len(reply.body))}
    if url.scheme == "https" and not check.insecure_skip_verify:
        days = await days_left(url.host or "", url.port or 443, means)
        if days is not None:
            facts["certificate_expiry_days"] = days
            if days < check.certificate_days:
                faults.append(f"the certificate lasts {days:.0f} days, not {check.certificate_days}")
    return Found(faults, facts)


def _options(check: HttpCheck) -> HttpOptions:
    def secret(text: str) -> SecretText:
        return SecretText(Secret(text))

    basic = check.basic_auth
    return HttpOptions(
        username=secret(basic.username if basic else ""),
        password=secret(basic.password if basic else ""),
        authorization_type="Bearer" if check.bearer_token else "",
        credentials=secret(check.bearer_token),
        tls=TlsOptions(insecure_skip_verify=check.insecure_skip_verify),
        follow_redirects=check.follow_redirects,
    )


def _faults(check: HttpCheck, reply: Reply, latency_ms: float) -> Iterator[str]:
    if not any(_is_written(one, reply.status) for one in check.status):
        yield f"answered {reply.status}, not {' or '.join(check.status)}"
    if check.max_latency_ms is not None and latency_ms > check.max_latency_ms:
        yield f"took {latency_ms:.0f} ms, more than {check.max_latency_ms} ms"
    for name, pattern in check.header_matches.items():
        value = reply.headers.get(name)
        if value is None:
            yield f"there is no header {name}"
        elif not re2.search(pattern, value):
            yield f"the header {name} does not match {pattern[:_SHOWN]!r}"
    yield from _body_faults(check, reply)


def _body_faults(check: HttpCheck, reply: Reply) -> Iterator[str]:
    text = reply.body.decode("utf-8", "replace")
    for wanted in check.body_contains:
        if wanted not in text:
            yield f"the body does not contain {wanted[:_SHOWN]!r}"
    for unwanted in check.body_lacks:
        if unwanted in text:
            yield f"the body contains {unwanted[:_SHOWN]!r}"
    if check.body_matches is not None and not re2.search(check.body_matches, text):
        yield f"the body does not match {check.body_matches[:_SHOWN]!r}"
    if not check.json_:
        return
    try:
        document = orjson.loads(reply.body)
    except orjson.JSONDecodeError:
        yield "the body is not JSON"
        return
    for one in check.json_:
        yield from _json_faults(one, document)


def _json_faults(wanted: JsonAssertion, document: Any) -> Iterator[str]:
    try:
        found = at_path(document, wanted.path)
    except PharosError as exc:
        if exc.kind is not Kind.MISSING:
            raise
        yield f"there is no {wanted.path} in the body"
        return
    said = found if isinstance(found, str) else orjson.dumps(found).decode()
    expected = wanted.equals
    if expected is not None:
        text = expected if isinstance(expected, str) else orjson.dumps(expected).decode()
        if text != said:
            yield f"{wanted.path} is {said[:_SHOWN]}, not {text[:_SHOWN]}"
    if wanted.matches is not None and not re2.search(wanted.matches, said):
        yield f"{wanted.path} is {said[:_SHOWN]}, which does not match {wanted.matches[:_SHOWN]!r}"


def _is_written(written: str, status: int) -> bool:
    """Return whether a status is one of those that are written as `200`, `2xx` or `200-299`."""
    if written.endswith("xx"):
        return status // 100 == int(written[0])
    first, _, last = written.partition("-")
    return int(first) <= status <= int(last or first)
