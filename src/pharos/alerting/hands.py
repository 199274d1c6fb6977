"""By what automatic responses are carried out: requests, and commands and clusters of pharos.yml."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from yarl import URL

from pharos.alerting.actions import Call, Run
from pharos.errors import Kind, PharosError
from pharos.http_options import HttpOptions, SecretText, TlsOptions
from pharos.outbound import Outbound, Request

_ANSWER_MOST_BYTES: Final = 64 << 10
_SHOWN: Final = 2_000
_SUCCESS: Final = range(200, 300)
_ENVIRONMENT: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "LANG": "C.UTF-8",
}
"""What a command sees beside what it is told: nothing of our own, since secrets may stand there."""

Ask = Callable[[str, str], Awaitable[str]]
"""Answers a query of a tenant as text."""


class Cluster(Struct, frozen=True):
    """The API of a Kubernetes cluster."""

    server: str
    token: SecretText = field(default_factory=SecretText)
    ca_path: str = ""


class Allowed(Struct, frozen=True):
    """What whoever runs the server allows actions to do."""

    commands: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Programs with their first arguments, by name."""
    clusters: Mapping[str, Cluster] = field(default_factory=dict)


class OwnHands:
    """Carries responses out from this process.

    `abroad` sends to addresses that tenants chose, `within` to clusters that the settings name.
    """

    def __init__(self, abroad: Outbound, within: Outbound, allowed: Allowed, ask: Ask) -> None:
        self._abroad = abroad
        self._within = within
        self._allowed = allowed
        self._ask = ask

    async def ask(self, tenant: str, query: str) -> str:
        """Return the answer to a query as text. Raises PharosError."""
        return await self._ask(tenant, query)

    async def call(self, call: Call, timeout_s: float) -> str:
        """Send a request once and return its answer, shortened. Raises PharosError where it is not 2xx."""
        options, outbound, url = HttpOptions(follow_redirects=False), self._abroad, call.target
        if call.cluster:
            cluster = self._allowed.clusters.get(call.cluster)
            if cluster is None:
                raise PharosError(
                    Kind.DENIED,
                    f"there is no cluster {call.cluster!r}",
                    hint="actions.clusters of pharos.yml names them",
                )
            options = HttpOptions(
                authorization_type="Bearer" if cluster.token else "",
                credentials=cluster.token,
                tls=TlsOptions(ca_path=cluster.ca_path),
                follow_redirects=False,
            )
            outbound, url = self._within, f"{cluster.server.rstrip('/')}/{call.target}"
        request = Request(
            URL(url),
            call.method,
            call.headers,
            call.body,
            timeout_s=timeout_s,
            body_limit=_ANSWER_MOST_BYTES,
        )
        reply = await outbound.send(request, options)
        shown = f"{reply.status} {reply.reason} {reply.body[:_SHOWN].decode(errors='replace')}".strip()
        if reply.status not in _SUCCESS:
            raise PharosError(Kind.UNAVAILABLE, shown)
        return shown

    async def run(self, run: Run, timeout_s: float) -> str:
        """Run an allowed command and return what it wrote, shortened.

        Raises PharosError: DENIED for another one, UNAVAILABLE where it fails, TIMEOUT. One that takes too
        long is killed, with all that it started.
        """
        allowed = self._allowed.commands.get(run.name)
        if not allowed:
            raise PharosError(
                Kind.DENIED,
                f"the command {run.name!r} is not allowed",
                hint="actions.commands of pharos.yml names them",
            )
        try:
            process = await asyncio.create_subprocess_exec(
                *allowed,
                *run.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                env={**_ENVIRONMENT, **run.environment},
                start_new_session=True,
            )
        except OSError as exc:
            raise PharosError(Kind.UNAVAILABLE, f"{allowed[0]} cannot be started: {exc.strerror}") from exc
        try:
            async with asyncio.timeout(timeout_s):
                written = await _read(process)
                code = await process.wait()
        except TimeoutError as exc:
            # Also where it has ended itself, and what it started holds on to what we read.
            _end_group(process)
            raise PharosError(
                Kind.TIMEOUT, f"{run.name} took longer than {timeout_s:g} s and was killed"
            ) from exc
        finally:
            await _kill(process)
        shown = written[-_SHOWN:].decode(errors="replace").strip()
        if code:
            raise PharosError(Kind.UNAVAILABLE, f"{run.name} ended with code {code}: {shown}")
        return shown or "it wrote nothing"


async def _read(process: asyncio.subprocess.Process) -> bytes:
    """Return the end of what a process writes."""
    kept = b""
    if process.stdout is not None:
        while piece := await process.stdout.read(_ANSWER_MOST_BYTES):
            kept = (kept + piece)[-_ANSWER_MOST_BYTES:]
    return kept


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a process and all that it started, if anything of it is there still."""
    if process.returncode is None:
        _end_group(process)
        await process.wait()


def _end_group(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
