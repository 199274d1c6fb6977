"""How fast tenants may send: a bucket of tokens each, one for a sample.

A request is let in as long as the bucket is not empty, and takes what it holds of samples, into debt if need
be: over time the rate is exact, and a request that is turned away costs no decoding. What is more than the
whole bucket at once would be turned away for ever, so it is refused for good.

Who is turned away again and again is told so later and later: one that is answered at once, and sends
again at once, costs the others.
"""

from __future__ import annotations

from typing import Final

from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.limits import LimitsOf

_LONGEST_S: Final = 60.0
"""Nobody is told to wait longer: the limit may be raised meanwhile."""
_AT_ONCE: Final = 10
"""So many refusals of a tenant are told at once,"""
_A_SECOND: Final = 5.0
"""and so many a second after that."""
_LATEST_S: Final = 5.0
"""No later: senders give up after ten seconds and more, and send again."""


class Rates:
    """The buckets; `take` is serialised by the caller, so is `turn_away`, `check` is for any thread."""

    def __init__(self, clock: Clock, limits_of: LimitsOf) -> None:
        self._clock = clock
        self._limits_of = limits_of
        self._tokens: dict[str, tuple[float, float]] = {}
        """By tenant: how many there were, and when."""
        self._refused: dict[str, tuple[float, float]] = {}
        """By tenant: how many refusals are not told yet, and when that was."""

    def _filled(self, tenant: str, rate: int, burst: int) -> tuple[float, float]:
        """Return how many tokens there are, and the time."""
        now_s = self._clock.monotonic_s()
        tokens, at_s = self._tokens.get(tenant, (float(burst), now_s))
        return min(float(burst), tokens + (now_s - at_s) * rate), now_s

    def check(self, tenant: str) -> None:
        """Raise PharosError(LIMITED) that says when to come again while the tenant's bucket is empty."""
        limits = self._limits_of(tenant)
        rate = limits.ingest_rate
        if not rate:
            return
        tokens, _ = self._filled(tenant, rate, limits.burst)
        if tokens <= 0:
            raise _too_fast(tenant, rate, tokens)

    def turn_away(self, tenant: str) -> float:
        """Count a refusal, and return in how many seconds it is to be told."""
        now_s = self._clock.monotonic_s()
        untold, at_s = self._refused.get(tenant, (0.0, now_s))
        untold = max(0.0, untold - (now_s - at_s) * _A_SECOND) + 1
        self._refused[tenant] = untold, now_s
        return min(_LATEST_S, max(0.0, (untold - _AT_ONCE) / _A_SECOND))

    def take(self, tenant: str, samples: int) -> None:
        """Count samples.

        Raises PharosError: INVALID for more than may ever come at once, LIMITED as `check` does, where others
        that were let in at the same time have emptied the bucket meanwhile.
        """
        limits = self._limits_of(tenant)
        rate, burst = limits.ingest_rate, limits.burst
        if not rate:
            self._tokens.pop(tenant, None)
            return
        if samples > burst:
            raise PharosError(
                Kind.INVALID,
                f"the request has {samples} samples, tenant {tenant} may send {burst} at once",
                hint="send fewer in a request, or have ingest_burst raised",
            )
        tokens, now_s = self._filled(tenant, rate, burst)
        if tokens <= 0:
            raise _too_fast(tenant, rate, tokens)
        self._tokens[tenant] = (tokens - samples, now_s)


def _too_fast(tenant: str, rate: int, tokens: float) -> PharosError:
    return PharosError(
        Kind.LIMITED,
        f"tenant {tenant} sends more than {rate} samples a second, its limit",
        hint="send again later, or have ingest_rate raised",
        retry_after_s=min(_LONGEST_S, max(1.0, (1 - tokens) / rate)),
    )
