"""Looks at certificates."""

from __future__ import annotations

import asyncio
import ssl
from typing import Final

from cryptography import x509

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import TlsCheck
from pharos.health.looking import Found, Means

_DAY_S: Final = 86_400.0
_REMEMBERED_S: Final = 3_600.0
_MOST_REMEMBERED: Final = 10_000
_TIMEOUT_S: Final = 10.0


async def look(check: TlsCheck, means: Means, scope: Scope) -> Found:
    """Shake hands once, and once more without asking who it is where that fails, to tell how long it lasts.

    Raises PharosError where nothing answers.
    """
    del scope
    name, timeout_s = check.server_name or check.host, check.timeout_ms / 1000
    faults = []
    try:
        shown = await _certificate(check, name, timeout_s, means, verified=True)
    except ssl.SSLCertVerificationError as exc:
        faults.append(f"the certificate is not good: {exc.verify_message}".rstrip("."))
        shown = await _certificate(check, name, timeout_s, means, verified=False)
    days = _days_left(shown, means)
    if days < check.days_left and not faults:
        faults.append(f"the certificate lasts {days:.0f} days, not {check.days_left}")
    return Found(faults, {"certificate_expiry_days": days})


async def _certificate(
    check: TlsCheck, name: str, timeout_s: float, means: Means, *, verified: bool
) -> bytes:
    """Return the certificate that a host shows (DER). Raises PharosError, SSLCertVerificationError."""
    context = ssl.create_default_context()
    if not verified:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    sock = await means.outbound.connect(check.host, check.port, timeout_s)
    try:
        _, writer = await asyncio.open_connection(sock=sock, ssl=context, server_hostname=name)
    except ssl.SSLCertVerificationError:
        raise
    except (ssl.SSLError, OSError) as exc:
        reason = getattr(exc, "reason", None) or exc.strerror or str(exc)
        told = f"{check.host}:{check.port} does not speak TLS: {reason}"
        raise PharosError(Kind.UNAVAILABLE, told) from exc
    try:
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.close()
    if not isinstance(shown, bytes):
        raise PharosError(Kind.UNAVAILABLE, f"{check.host}:{check.port} shows no certificate")
    return shown


def _days_left(shown: bytes, means: Means) -> float:
    try:
        ends = x509.load_der_x509_certificate(shown).not_valid_after_utc
    except ValueError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"the certificate cannot be read: {exc}") from exc
    return (ends.timestamp() - means.clock.now_ms() / 1000) / _DAY_S


async def days_left(host: str, port: int, means: Means) -> float | None:
    """Return how many days the certificate of an address lasts; None where that is not known.

    It is looked at again after an hour, and not at every request.
    """
    now_s, now_ms = means.clock.monotonic_s(), means.clock.now_ms()
    known = means.certificates.get((host, port))
    if known is None or now_s - known[0] > _REMEMBERED_S:
        if len(means.certificates) >= _MOST_REMEMBERED:
            means.certificates.clear()
        known = means.certificates[host, port] = (now_s, await _end_s(host, port, means))
    return None if known[1] is None else (known[1] - now_ms / 1000) / _DAY_S


async def _end_s(host: str, port: int, means: Means) -> float | None:
    check = TlsCheck(name="certificate", type="tls", host=host, port=port)
    try:
        shown = await _certificate(check, host, _TIMEOUT_S, means, verified=False)
        return means.clock.now_ms() / 1000 + _days_left(shown, means) * _DAY_S
    except PharosError:
        # The check itself tells whether the address answers.
        return None
