"""Makes a check once: the look of its kind, in its time, again where it failed and may be tried again."""

from __future__ import annotations

import asyncio

from msgspec import Struct

from pharos.access import Scope
from pharos.errors import Kind, PharosError
from pharos.health.check import OF_HOST, AnyCheck
from pharos.health.looking import Found, Means, Outcome
from pharos.health.probes import probe_of

_QUERIES = frozenset({"promql", "logql"})
_PAUSE_S = 0.2
_SLACK_S = 1.0
"""A look tells by itself that it took too long; this ends one that does not."""


class Looks(Struct, frozen=True):
    """Looks at things, with the means for who says so."""

    trusted: Means
    """For checks of files: whoever writes those owns the server."""
    guarded: Means
    """For checks that people make over the API."""

    async def look(self, check: AnyCheck, scope: Scope, *, is_trusted: bool) -> Outcome:
        """Return what comes of a check now; it never raises for what the check looks at."""
        means = self.trusted if is_trusted else self.guarded
        outcome = await self._once(check, scope, means)
        for _ in range(check.retries):
            if outcome.is_good:
                break
            await asyncio.sleep(_PAUSE_S)
            outcome = await self._once(check, scope, means)
        return outcome

    async def _once(self, check: AnyCheck, scope: Scope, means: Means) -> Outcome:
        clock, at_ms = means.clock, means.clock.now_ms()
        began_s = clock.monotonic_s()
        found, reason, is_unknown = Found(), "", False
        try:
            probe = await probe_of(check)
            began_s = clock.monotonic_s()
            async with asyncio.timeout(check.timeout_ms / 1000 + _SLACK_S):
                found = await probe(check, means, scope)
        except TimeoutError:
            reason = f"no answer within {check.timeout_ms / 1000:g}s"
        except PharosError as exc:
            # What Pharos cannot do here says nothing of what it would look at.
            reason, is_unknown = str(exc), exc.kind is Kind.UNSUPPORTED
        except OSError as exc:
            reason = exc.strerror or str(exc) or type(exc).__name__
        took_s = clock.monotonic_s() - began_s
        # A query that cannot be answered says nothing of what it asks about.
        is_unknown = is_unknown or (bool(reason) and check.type in _QUERIES)
        return Outcome(at_ms, took_s, reason or "; ".join(found.faults), found.facts, is_unknown)


def needs_host(check: AnyCheck) -> bool:
    """Return whether a check looks at the host of Pharos, which is nobody's business but its owner's."""
    return check.type in OF_HOST
