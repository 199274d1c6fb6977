"""A mail server: aiosmtpd on a free port, with what it is told to refuse, and what it took."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session


class Mails:
    """What came in, and how the server behaves."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, list[str], bytes]] = []
        self.logins: list[tuple[str, str, str]] = []
        self.refused: dict[str, str] = {}
        """Answers by address of a recipient."""
        self.data_answer = "250 OK queued as 1"
        self.hangs = False
        self.address = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.hangs:
            await asyncio.Event().wait()
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.original_content or b""
        if self.data_answer.startswith("250"):
            self.taken.append((envelope.mail_from or "", list(envelope.rcpt_tos), content))
        return self.data_answer

    def log_in(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any
    ) -> AuthResult:
        assert isinstance(given, LoginPassword)
        self.logins.append((mechanism, given.login.decode(), given.password.decode()))
        return AuthResult(success=given.password == b"right", handled=False)

    def letter(self, number: int = -1) -> EmailMessage:
        found = message_from_bytes(self.taken[number][2], policy=default)
        assert isinstance(found, EmailMessage)
        return found


def certificate(folder: Path) -> ssl.SSLContext:
    """Make a certificate for localhost in a folder (`cert.pem`); return a server's context with it."""
    files = ["-keyout", str(folder / "key.pem"), "-out", str(folder / "cert.pem")]
    name = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    subprocess.run(["openssl", "req", "-x509", *curve, *name, *files], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


@asynccontextmanager
async def mailing(
    *,
    starttls: ssl.SSLContext | None = None,
    implicit: ssl.SSLContext | None = None,
    needs_login: bool = False,
) -> AsyncIterator[Mails]:
    """Serve until the block ends."""
    mails = Mails()
    loop = asyncio.get_running_loop()
    open_ones: list[SMTP] = []

    def made() -> SMTP:
        found = SMTP(
            mails,
            tls_context=starttls,
            auth_required=needs_login,
            auth_require_tls=starttls is not None,
            authenticator=mails.log_in,
            loop=loop,
            hostname="fake",
        )
        open_ones.append(found)
        return found

    server = await loop.create_server(made, "127.0.0.1", 0, ssl=implicit)
    mails.address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield mails
    finally:
        server.close()
        for one in open_ones:
            if one.transport is not None:
                one.transport.close()
            if one._handler_coroutine is not None:  # noqa: SLF001 - nothing public ends it
                one._handler_coroutine.cancel()  # noqa: SLF001
        await server.wait_closed()
