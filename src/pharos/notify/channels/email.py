"""E-mail: one message to all addresses, by an SMTP server; a group's messages stand in one thread."""

from __future__ import annotations

import asyncio
import base64
import socket
import ssl
from typing import Final

import aiosmtplib

from pharos.errors import Kind, PharosError
from pharos.notify.channels.calling import TIMEOUT_MS, Means
from pharos.notify.channels.letter import Letter, letter_of
from pharos.notify.message import Message, NotSentError, Sent
from pharos.notify.values import Values
from pharos.notify.wording import Wording, built, cut, one_line
from pharos.outbound import TlsOptions

_IMPLICIT_TLS_PORT: Final = 465
_TOLD: Final = 200
_REMEMBERED: Final = 256
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


class Email:
    """Sends by one server."""

    def __init__(self, values: Values, means: Means) -> None:
        self._values = values
        self._means = means
        self._told: dict[str, set[str]] = {}
        """By messages' keys, who took them while others are to be tried again."""

    async def send(self, message: Message) -> Sent:
        """Tell it, once. Raises NotSentError if an address may yet be told, or none was."""
        say = Wording(self._means.templates, message)
        letter = await built(message, lambda: letter_of(message, say, self._values))
        done = self._told.get(message.key, set())
        still = [one for one in letter.to if one not in done]
        try:
            async with asyncio.timeout((self._values.number("timeout") or TIMEOUT_MS) / 1000):
                refused, answer = await self._deliver(letter, still) if still else ({}, "")
        except TimeoutError:
            raise NotSentError("the mail server did not answer in time", may_retry=True) from None
        except (aiosmtplib.SMTPException, OSError) as exc:
            raise self._failed(exc) from None
        if any(code < 500 for code in refused.values()):
            self._remember(message.key, done | (set(still) - set(refused)))
            raise NotSentError(_refusals(refused, len(letter.to)), may_retry=True)
        self._told.pop(message.key, None)
        if len(refused) == len(letter.to):
            raise NotSentError(_refusals(refused, len(letter.to)), may_retry=False)
        told = (
            cut(one_line(self._values.masked(answer)), _TOLD) if self._means.outbound.allows_private else ""
        )
        more = f"; {_refusals(refused, len(letter.to))}" if refused else ""
        return Sent((told or "taken") + more, letter.thread)

    def _remember(self, key: str, addresses: set[str]) -> None:
        self._told[key] = addresses
        while len(self._told) > _REMEMBERED:
            del self._told[next(iter(self._told))]

    async def _deliver(self, letter: Letter, to: list[str]) -> tuple[dict[str, int], str]:
        """Send it to some addresses; return those that were refused with the codes, and the last answer."""
        values = self._values
        host, port = _host_and_port(values.text("smarthost"))
        tls = values.raw("tls_config")
        options = tls if isinstance(tls, TlsOptions) else TlsOptions()
        is_implicit = values.raw("force_implicit_tls")
        is_tls = port == _IMPLICIT_TLS_PORT if is_implicit is None else bool(is_implicit)
        name = options.server_name or host
        client = aiosmtplib.SMTP(
            hostname=name,
            sock=await self._connect(host, port),
            local_hostname=one_line(values.text("hello")) or "localhost",
            use_tls=is_tls,
            start_tls=False,
            tls_context=self._context(options),
            timeout=(values.number("timeout") or TIMEOUT_MS) / 1000,
        )
        try:
            await client.connect()
            await client.ehlo()
            if not is_tls and values.flag("require_tls", default=True):
                if not client.supports_extension("starttls"):
                    raise NotSentError(f"require_tls is set, and {host} offers no STARTTLS", may_retry=True)
                await client.starttls(server_hostname=name)
                await client.ehlo()
                is_tls = True
            await self._log_in(client, host, is_tls=is_tls)
            refused, answer = await client.sendmail(letter.sender, to, letter.content)
            await client.quit()
        except aiosmtplib.SMTPRecipientsRefused as exc:
            return {one.recipient: one.code for one in exc.recipients}, ""
        finally:
            client.close()
        return {address: code for address, (code, _) in refused.items()}, answer

    async def _connect(self, host: str, port: int) -> socket.socket:
        timeout_s = (self._values.number("timeout") or TIMEOUT_MS) / 1000
        try:
            return await self._means.outbound.connect(host, port, timeout_s)
        except PharosError as exc:
            raise NotSentError(str(exc), may_retry=exc.kind in {Kind.TIMEOUT, Kind.UNAVAILABLE}) from None

    def _context(self, options: TlsOptions) -> ssl.SSLContext:
        try:
            return options.context()
        except PharosError as exc:
            raise NotSentError(str(exc), may_retry=True) from None

    async def _log_in(self, client: aiosmtplib.SMTP, host: str, *, is_tls: bool) -> None:
        """Say who we are, in the first way that both sides know, as Alertmanager does."""
        values = self._values
        user = values.text("auth_username")
        if not user or not client.supports_extension("auth"):
            return
        password, secret = values.secret("auth_password"), values.secret("auth_secret")
        for way in client.supported_auth_methods:
            if way == "cram-md5" and secret:
                await client.auth_crammd5(user, secret)
                return
            if way in {"plain", "login"} and password:
                if not is_tls and host not in _LOOPBACK:
                    raise NotSentError("a password is not sent without TLS", may_retry=False)
                if way == "login":
                    await client.auth_login(user, password)
                    return
                given = f"{values.text('auth_identity')}\x00{user}\x00{password}".encode()
                answer = await client.execute_command(b"AUTH", b"PLAIN", base64.b64encode(given))
                if answer.code != aiosmtplib.SMTPStatus.auth_successful:
                    raise aiosmtplib.SMTPAuthenticationError(answer.code, answer.message)
                return
        raise NotSentError(f"{host} takes none of the ways to log in that are configured", may_retry=False)

    def _failed(self, exc: Exception) -> NotSentError:
        if not isinstance(exc, aiosmtplib.SMTPResponseException):
            return NotSentError(self._values.masked(cut(one_line(str(exc)), _TOLD)), may_retry=True)
        said = f": {cut(one_line(exc.message), _TOLD)}" if self._means.outbound.allows_private else ""
        may_retry = not 500 <= exc.code < 600
        return NotSentError(self._values.masked(f"answered {exc.code}{said}"), may_retry=may_retry)


def _host_and_port(smarthost: str) -> tuple[str, int]:
    host, _, port = smarthost.rpartition(":")
    if not host or not port.isdigit():
        raise NotSentError(f"smarthost {smarthost!r} is no host:port", may_retry=False)
    return host.strip("[]"), int(port)


def _refusals(refused: dict[str, int], of: int) -> str:
    codes = ", ".join(str(code) for code in sorted(set(refused.values())))
    return f"{len(refused)} of {of} addresses refused: {codes}"
