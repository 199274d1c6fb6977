"""The part of a server that lets people in: accounts, passwords, identity providers, outside issuers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

import orjson
from msgspec import Struct
from yarl import URL

from pharos import __version__
from pharos.access import ANONYMOUS, DEFAULT, Grant, HeldRole, RoleSource
from pharos.clock import Clock
from pharos.config import IssuerSettings, ProviderSettings, RoleRule, Settings
from pharos.errors import Kind, PharosError
from pharos.identity.accounts import Accounts
from pharos.identity.authenticator import Authenticator, Entry, Openness, SessionTimes
from pharos.identity.claims import Rule
from pharos.identity.directory import Directory, Vouching
from pharos.identity.issuers import Issuer, IssuerOptions
from pharos.identity.oidc import Provider, ProviderOptions
from pharos.identity.passwords import HashCost, Passwords
from pharos.identity.sign_in import SignIn
from pharos.identity.throttle import Throttle
from pharos.outbound import HttpOptions, Outbound, Request, SecretText
from pharos.secret import Secret
from pharos.state import PHAROS, State, Writing, sessions, tokens

_LOG = logging.getLogger(__name__)

_ANSWER_MAX_BYTES: Final = 1 << 20
_TIMEOUT_S: Final = 10.0
_NOTE_S: Final = 30.0
"""So often it is kept when tokens and sessions were used last."""
_ENDED_KEPT_MS: Final = 7 * 86_400_000


class Entrance(Struct, frozen=True):
    """What lets people in."""

    authenticator: Authenticator
    directory: Directory
    sign_in: SignIn
    accounts: Accounts
    providers: tuple[Provider, ...]
    times: SessionTimes

    async def first_link(self) -> str | None:
        """Return the path of the page where the first user comes in; None where others may already."""
        await self.directory.refresh()
        if self.authenticator.openness is not Openness.SETUP:
            return None
        code = await self.sign_in.first_link()
        return f"/welcome#{code.reveal()}"


@asynccontextmanager
async def open_entrance(
    state: State,
    settings: Settings,
    key: Secret,
    clock: Clock,
    chance: Random,
    cost: HashCost | None = None,
) -> AsyncIterator[Entrance]:
    """Open it over people's state; `key` is that of the data folder. On exit what was noted is kept.

    `cost` is that of a password's hash, which tests have smaller.

    Raises PharosError(INVALID) for settings that name an algorithm or a role that is none.
    """
    times = SessionTimes(settings.sessions.idle, settings.sessions.longest)
    async with AsyncExitStack() as stack:
        vouching = {
            one.issuer: Vouching(one.label or one.id, _rules(one.rules)) for one in settings.providers
        }
        directory = Directory(state, clock, vouching)
        stack.callback(directory.close)
        passwords = Passwords(cost)
        stack.callback(passwords.close)
        outbound = Outbound(allow_private=True, user_agent=f"pharos/{__version__}", random_source=chance)
        stack.push_async_callback(outbound.close)
        fetch = partial(_fetch, outbound)
        issuers = [Issuer(_issuer_options(one), fetch, clock) for one in settings.issuers]
        providers = [
            _provider(one, fetch, partial(_exchange, outbound), clock, chance) for one in settings.providers
        ]
        entry = Entry(
            key,
            is_open_without_users=_is_open_without_users(settings),
            anonymous=partial(_anonymous, directory, settings.anonymous),
        )
        authenticator = Authenticator(directory, issuers, entry, clock, times)
        with suppress(PharosError):
            # A database that is away keeps nobody from starting.
            await directory.refresh()
        if settings.anonymous and directory.role(settings.anonymous, DEFAULT.tenant) is None:
            raise PharosError(Kind.INVALID, f"anonymous: there is no role {settings.anonymous!r}")
        throttle = Throttle(clock)
        noting = asyncio.create_task(_note_now_and_then(state, authenticator, clock, times))
        stack.push_async_callback(_end, noting, state, authenticator, times)
        yield Entrance(
            authenticator,
            directory,
            SignIn(state, directory, passwords, throttle, clock, chance, times),
            Accounts(state, directory, passwords, chance),
            tuple(providers),
            times,
        )


def _is_open_without_users(settings: Settings) -> bool:
    """Return whether nobody is asked who they are while there is no user.

    Through a proxy others than this machine's may reach loopback too.
    """
    if settings.insecure:
        return not settings.providers
    return settings.is_for_loopback and not settings.providers and not settings.trusted_proxies


def _anonymous(directory: Directory, role: str) -> Grant | None:
    held = HeldRole(role, DEFAULT.tenant, RoleSource.SETTINGS)
    return directory.grant_of_roles(ANONYMOUS, [held]) if role else None


def _rules(settings: tuple[RoleRule, ...]) -> tuple[Rule, ...]:
    return tuple(Rule(one.role, dict(one.when), one.tenant, one.tenant_claim) for one in settings)


def _issuer_options(settings: IssuerSettings) -> IssuerOptions:
    return IssuerOptions(
        issuer=settings.issuer,
        audiences=settings.audience,
        jwks_url=settings.jwks_url,
        algorithms=settings.algorithms,
        leeway_s=settings.leeway // 1000,
        lasts_most_s=settings.longest // 1000,
        name_claims=settings.name_claims,
        rules=_rules(settings.rules),
    )


def _provider(
    settings: ProviderSettings,
    fetch: Callable[[str], Awaitable[Any]],
    exchange: Callable[..., Awaitable[Any]],
    clock: Clock,
    chance: Random,
) -> Provider:
    options = ProviderOptions(
        settings.id,
        settings.label or settings.id,
        settings.client_id,
        partial(_secret, settings.client_secret_file),
        settings.scopes,
    )
    issuer = IssuerOptions(
        issuer=settings.issuer,
        audiences=(settings.client_id,),
        algorithms=settings.algorithms,
        name_claims=settings.name_claims,
        rules=_rules(settings.rules),
    )
    return Provider(options, Issuer(issuer, fetch, clock), exchange, clock, chance)


def _secret(path: Path | None) -> Secret | None:
    """Return a client's secret, read at each use, so that a new one needs no restart."""
    return None if path is None else Secret(SecretText(path=str(path)).read())


async def _fetch(outbound: Outbound, url: str) -> Any:
    """Return the JSON document at an address. Raises PharosError(UNAVAILABLE)."""
    return await _json(outbound, Request(URL(url), timeout_s=_TIMEOUT_S, body_limit=_ANSWER_MAX_BYTES))


async def _exchange(
    outbound: Outbound, url: str, fields: Mapping[str, str], client: tuple[str, Secret] | None
) -> Any:
    """Post a form and return the JSON that comes back. Raises PharosError(UNAVAILABLE)."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    request = Request(
        URL(url), "POST", headers, urlencode(fields).encode(), _TIMEOUT_S, body_limit=_ANSWER_MAX_BYTES
    )
    if client is None:
        return await _json(outbound, request, HttpOptions(follow_redirects=False))
    name, secret = client
    options = HttpOptions(SecretText(Secret(name)), SecretText(secret), follow_redirects=False)
    return await _json(outbound, request, options)


async def _json(outbound: Outbound, request: Request, options: HttpOptions | None = None) -> Any:
    """Return the JSON of an answer; of one that is no success too, since that may say why."""
    host = request.url.host
    try:
        reply = await outbound.send(request, options)
        return orjson.loads(reply.body)
    except PharosError as exc:
        _LOG.warning("%s: %s", host, exc)
        raise PharosError(Kind.UNAVAILABLE, f"{host} does not answer", retry_after_s=5.0) from exc
    except orjson.JSONDecodeError as exc:
        raise PharosError(Kind.UNAVAILABLE, f"{host} does not answer with JSON") from exc


async def _note_now_and_then(
    state: State, authenticator: Authenticator, clock: Clock, times: SessionTimes
) -> None:
    while True:
        await asyncio.sleep(_NOTE_S)
        await _note(state, authenticator, times, drop_before_ms=clock.now_ms() - _ENDED_KEPT_MS)


async def _end(
    noting: asyncio.Task[None], state: State, authenticator: Authenticator, times: SessionTimes
) -> None:
    noting.cancel()
    with suppress(asyncio.CancelledError):
        await noting
    await _note(state, authenticator, times)


async def _note(
    state: State, authenticator: Authenticator, times: SessionTimes, drop_before_ms: int = 0
) -> None:
    """Keep when tokens and sessions were used last; while the database is away that waits."""
    used_ms, seen_ms = dict(authenticator.used_ms), dict(authenticator.seen_ms)
    if not used_ms and not seen_ms:
        return

    def write(unit: Writing) -> None:
        tokens.note_used(unit, used_ms)
        ends_ms = {one: at_ms + times.idle_ms for one, at_ms in seen_ms.items()}
        sessions.note_seen(unit, seen_ms, expires_ms=ends_ms)
        if drop_before_ms:
            sessions.drop_ended(unit, drop_before_ms)

    try:
        await state.write(write, PHAROS)
    except PharosError as exc:
        _LOG.debug("when tokens were used last is not kept now: %s", exc)
        return
    for noted, kept in ((authenticator.used_ms, used_ms), (authenticator.seen_ms, seen_ms)):
        for one, at_ms in kept.items():
            if noted.get(one) == at_ms:
                del noted[one]
