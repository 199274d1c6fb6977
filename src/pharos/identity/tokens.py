"""API tokens and other secrets that we make: how they look, and what is kept of them.

A token is `pha_<eight letters>_<secret><checksum>`: whoever finds one in a file knows what it is, and a
scanner can tell it from text that looks alike. Its secret has 256 bits, so what is kept is one SHA-256 of all
of it, and looking that up tells nothing by its time.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from random import Random
from typing import Final

from msgspec import Struct

from pharos.secret import Secret

_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_PUBLIC: Final = 8
_SECRET: Final = 43
_CHECK: Final = 6
TOKEN: Final = re.compile(rf"pha_[0-9A-Za-z]{{{_PUBLIC}}}_[0-9A-Za-z]{{{_SECRET + _CHECK}}}\Z")
"""How every token looks."""


class Minted(Struct, frozen=True):
    """A new secret: `hash` is kept, `prefix` shown in lists, and the text is shown once."""

    text: Secret
    prefix: str
    hash: str


def mint_token(chance: Random) -> Minted:
    """Return a new token."""
    prefix = f"pha_{_spelled(chance.getrandbits(48) % 62**_PUBLIC, _PUBLIC)}"
    body = f"{prefix}_{_spelled(chance.getrandbits(256), _SECRET)}"
    text = body + _checksum(body)
    return Minted(Secret(text), prefix, hash_of(text))


def mint_secret(chance: Random) -> Minted:
    """Return a new secret of 256 bits, for a cookie or a link."""
    text = _spelled(chance.getrandbits(256), _SECRET)
    return Minted(Secret(text), text[:4], hash_of(text))


def is_ours(text: str) -> bool:
    """Return whether the text begins as our tokens do, and no token of an issuer does."""
    return text.startswith("pha_")


def is_token(text: str) -> bool:
    """Return whether the text is a token that was made by Pharos, at some time, here or elsewhere."""
    return TOKEN.match(text) is not None and _checksum(text[:-_CHECK]) == text[-_CHECK:]


def hash_of(text: str) -> str:
    """Return what is kept of a secret of 256 bits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _checksum(body: str) -> str:
    return _spelled(zlib.crc32(body.encode()), _CHECK)


def _spelled(number: int, length: int) -> str:
    letters = []
    for _ in range(length):
        number, rest = divmod(number, 62)
        letters.append(_LETTERS[rest])
    return "".join(reversed(letters))
