"""The handshake of the Forward protocol: both sides prove that they know a key, and tell it nobody."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any, Final

import msgpack

from pharos.errors import Kind, PharosError

_NONCE_BYTES: Final = 16
_PING_PARTS: Final = 6


def digest(salt: bytes, host: bytes, nonce: bytes, key: bytes) -> str:
    """Return what proves the key (specification, Shared key digest)."""
    return hashlib.sha512(salt + host + nonce + key).hexdigest()


class Handshake:
    """The server's side for one connection; `random_bytes` makes what nobody outside may guess."""

    def __init__(self, key: str, name: str, random_bytes: Callable[[int], bytes]) -> None:
        self._key = key.encode()
        self._name = name.encode()
        self._nonce = random_bytes(_NONCE_BYTES)

    def hello(self) -> bytes:
        """Return what the server says first."""
        return _packed(["HELO", {"nonce": self._nonce, "auth": b"", "keepalive": True}])

    def answer(self, ping: Any) -> tuple[bytes, PharosError | None]:
        """Return the answer to a PING, and why the connection is to be closed; None if it may go on."""
        if not isinstance(ping, list) or len(ping) != _PING_PARTS or _raw(ping[0]) != b"PING":
            error = PharosError(Kind.UNAUTHENTICATED, "a PING with the shared key's digest is expected")
            return _packed(["PONG", False, str(error), "", ""]), error
        host, salt, told = _raw(ping[1]), _raw(ping[2]), _raw(ping[3])
        expected = digest(salt, host, self._nonce, self._key)
        if not hmac.compare_digest(expected.encode(), told):
            error = PharosError(Kind.UNAUTHENTICATED, "shared_key mismatch")
            return _packed(["PONG", False, str(error), "", ""]), error
        proof = digest(salt, self._name, self._nonce, self._key)
        return _packed(["PONG", True, "", self._name.decode(), proof]), None


def _raw(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape")
    return value if isinstance(value, bytes) else b""


def _packed(value: Any) -> bytes:
    packed: bytes = msgpack.packb(value, use_bin_type=True)
    return packed
