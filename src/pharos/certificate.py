"""The certificate that the server shows: read again when its files change, while connections go on."""

from __future__ import annotations

import asyncio
import logging
import ssl
from pathlib import Path
from typing import Final, Self

from pharos.config import Tls
from pharos.errors import Kind, PharosError
from pharos.named_file import read_named

_LOG = logging.getLogger(__name__)

_LOOK_S: Final = 2.0
_FILE_MAX_BYTES: Final = 1 << 20


class Certificate:
    """A certificate, its key, and the context in which connections are made with them."""

    def __init__(self, cert: Path, key: Path, client_ca: Path | None) -> None:
        self._cert, self._key, self._client_ca = cert, key, client_ca
        self._seen = self._stamp()
        self.pem: tuple[bytes, bytes, bytes | None]
        """The last good certificate, its key, and who signs those of clients, as the files hold them."""
        self.context = self._read()
        """Connections that are made from now on show what was loaded into it last."""

    @classmethod
    def of(cls, settings: Tls) -> Self | None:
        """Return the settings' certificate; None without one. Raises PharosError(INVALID) for a bad one."""
        if settings.cert is None or settings.key is None:
            return None
        return cls(settings.cert, settings.key, settings.client_ca)

    def _stamp(self) -> tuple[tuple[int, int], ...]:
        """Return what is otherwise when a file is."""
        files = [self._cert, self._key, *([self._client_ca] if self._client_ca else [])]
        stats = [file.stat() for file in files if file.exists()]
        return tuple((stat.st_mtime_ns, stat.st_ino) for stat in stats)

    def _read(self) -> ssl.SSLContext:
        """Return a context of what the files hold now. Raises PharosError(INVALID) that names them."""
        cert, key = read_named(self._cert, _FILE_MAX_BYTES), read_named(self._key, _FILE_MAX_BYTES)
        client_ca = None if self._client_ca is None else read_named(self._client_ca, _FILE_MAX_BYTES)
        try:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            context.load_cert_chain(self._cert, self._key)
            if self._client_ca is not None:
                context.load_verify_locations(self._client_ca)
                context.verify_mode = ssl.CERT_REQUIRED
        except (OSError, ssl.SSLError) as exc:
            raise PharosError(
                Kind.INVALID,
                f"tls: {self._cert} and {self._key} are no certificate and its key: {exc}",
                hint="both must be PEM, and belong together",
            ) from exc
        self.pem = cert, key, client_ca
        return context

    def look(self) -> bool:
        """Take over what the files hold if they have changed; return whether it was taken over.

        What is not good is logged, and the last good certificate stays.
        """
        stamp = self._stamp()
        if stamp == self._seen:
            return False
        self._seen = stamp
        try:
            self._read()
            self.context.load_cert_chain(self._cert, self._key)
            if self._client_ca is not None:
                self.context.load_verify_locations(self._client_ca)
        except (PharosError, OSError) as exc:
            _LOG.error("the certificate was not read again, the last good one stays: %s", exc)
            return False
        _LOG.info("the certificate was read again")
        return True

    async def watch(self) -> None:
        """Look now and then, for ever."""
        while True:
            await asyncio.sleep(_LOOK_S)
            await asyncio.to_thread(self.look)
