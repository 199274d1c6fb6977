"""Passwords: which are taken, how they are kept, and how one is checked, off the event loop.

They are kept as argon2id makes them, with the parameters of RFC 9106's second recommendation (64 MiB, three
passes) on one lane. One is hashed at a time, so that many who try cost one core and 64 MiB, not the server.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError
from msgspec import Struct

from pharos.errors import Kind, PharosError
from pharos.secret import Secret

T = TypeVar("T")

LENGTH_MIN: Final = 12
LENGTH_MAX: Final = 1000
_WAITING_MAX: Final = 64
_COMMON: Final = frozenset(
    {"admin", "administrator", "changeme", "iloveyou", "letmein", "password", "passw0rd", "qwerty"}
    | {"qwertyuiop", "qwertyuiopasdfghjkl", "secret", "superuser", "trustno", "welcome", "pharos"}
)
"""Words that are tried first."""


class HashCost(Struct, frozen=True):
    """What one hash takes."""

    passes: int = 3
    memory_kib: int = 64 << 10


class Checked(Struct, frozen=True):
    """Whether a password is the right one; `rehashed` is there when it should be kept so from now on."""

    is_right: bool
    rehashed: Secret | None = None


def check_password(password: str, name: str) -> None:
    """Raise PharosError(INVALID) for a password that is too short, too long, or no secret."""
    if len(password) < LENGTH_MIN:
        raise PharosError(
            Kind.INVALID,
            f"the password has {len(password)} characters, and {LENGTH_MIN} are the least",
            hint="a few words in a row are easy to keep and hard to guess",
        )
    if len(password) > LENGTH_MAX:
        raise PharosError(Kind.INVALID, f"the password has more than {LENGTH_MAX} characters")
    if _is_guessable(password.casefold(), name.casefold()):
        raise PharosError(
            Kind.INVALID, "the password is too easy to guess", hint="a few words in a row are hard to guess"
        )


def _is_guessable(password: str, name: str) -> bool:
    if len(set(password)) < 5 or password in (password + password)[1:-1]:
        return True
    # 123456789012 and abcdefghijkl; after 9 comes 0 on a keyboard.
    steps = {(ord(after) - ord(before)) % 10 for before, after in pairwise(password)}
    if steps in ({1}, {9}):
        return True
    # What everybody writes around a word, so that it is long enough, makes it no secret.
    word = re.sub(r"^[\d\W_]+|[\d\W_]+$", "", password)
    return word in _COMMON or (name != "" and (word == name or password.replace(name, "") == ""))


class Passwords:
    """Hashes and checks passwords on a thread of its own."""

    def __init__(self, cost: HashCost | None = None) -> None:
        cost = cost or HashCost()
        self._hasher = PasswordHasher(time_cost=cost.passes, memory_cost=cost.memory_kib, parallelism=1)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobodys: str | None = None

    def close(self) -> None:
        """Take nothing more."""
        self._thread.shutdown(wait=True, cancel_futures=True)

    async def hash(self, password: str) -> Secret:
        """Return what is kept of a password. Raises PharosError(LIMITED) when too many wait."""
        return await self._run(lambda: Secret(self._hasher.hash(password)))

    async def check(self, kept: Secret | None, password: str) -> Checked:
        """Return whether the password is the one of which `kept` was made.

        Without one it takes as long, so that the time does not tell whether there is such a user. Raises
        PharosError(LIMITED) when too many wait.
        """
        return await self._run(lambda: self._check(kept, password))

    async def _run(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING_MAX:
            raise PharosError(Kind.LIMITED, "too many sign in at this moment", retry_after_s=2.0)
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._thread, work)
        finally:
            self._waiting -= 1

    def _check(self, kept: Secret | None, password: str) -> Checked:
        if len(password) > LENGTH_MAX:
            return Checked(is_right=False)
        if kept is None:
            if self._nobodys is None:
                self._nobodys = self._hasher.hash("nobody's")
            self._is_of(self._nobodys, password)
            return Checked(is_right=False)
        if not self._is_of(kept.reveal(), password):
            return Checked(is_right=False)
        if self._hasher.check_needs_rehash(kept.reveal()):
            return Checked(is_right=True, rehashed=Secret(self._hasher.hash(password)))
        return Checked(is_right=True)

    def _is_of(self, kept: str, password: str) -> bool:
        try:
            return self._hasher.verify(kept, password)
        except (VerifyMismatchError, VerificationError, InvalidHashError):
            return False
