"""What a tenant may send, keep and ask: one record, looked up wherever something is let in.

They bound what Mimir's do. Whoever looks a limit up does so anew for each request, so that a change counts
from the next one on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration

_MOST: Final = 1 << 53
"""What every reader of JSON takes for a whole number."""


class TenantLimits(Struct, frozen=True):
    """The limits of one tenant; 0 is none of its own: what bounds everybody still does."""

    ingest_rate: int = 0
    """Samples a second."""
    ingest_burst: int = 0
    """Samples at once; 0 is ten seconds of the rate."""
    max_series: int = 0
    """Active series: those with a sample in the last one to two hours."""
    max_label_names: int = 0
    """Labels of a series, the metric's name among them."""
    max_label_name_length: int = 0
    """In bytes."""
    max_label_value_length: int = 0
    """In bytes."""
    max_queries: int = 0
    """Evaluated at once."""
    max_query_samples: int = 0
    """That one query loads."""
    max_query_series: int = 0
    """That one query selects."""
    max_query_range_ms: int = 0
    """From the start of a range query to its end."""
    max_query_lookback_ms: int = 0
    """Samples that are older are not seen by queries."""
    retention_ms: int = 0
    """Samples that are older are not seen, and deleted."""
    retention_logs_ms: int = 0
    """Log records that came earlier are deleted."""
    retention_logs_debug_ms: int = 0
    """Of these the ones of the levels trace and debug."""
    retention_logs_info_ms: int = 0
    retention_logs_warn_ms: int = 0
    retention_traces_ms: int = 0
    """Spans that came earlier are deleted."""

    @property
    def burst(self) -> int:
        """How many samples may come at once; 0 is any number."""
        return self.ingest_burst or 10 * self.ingest_rate

    @property
    def oldest_ms(self) -> int:
        """How old a sample may be to be seen; 0 is any age."""
        return least_of(self.max_query_lookback_ms, self.retention_ms)


LimitsOf: TypeAlias = Callable[[str], TenantLimits]
"""Returns the limits of a tenant as they are now."""

NO_LIMITS: Final = TenantLimits()
LIMIT_NAMES: Final = tuple(name.removesuffix("_ms") for name in TenantLimits.__struct_fields__)
"""As pharos.yml, the API and the command line call them; times are durations there."""
LIMIT_FIELDS: Final = {name.removesuffix("_ms"): name for name in TenantLimits.__struct_fields__}
"""The fields of `TenantLimits` by these names."""
_KNOWN: Final = frozenset(LIMIT_FIELDS.values())


def no_limits(_tenant: str) -> TenantLimits:
    """Return no limits, whoever asks."""
    return NO_LIMITS


def least_of(*limits: int) -> int:
    """Return the least of those that are set, 0 if none is."""
    return min(filter(None, limits), default=0)


def least(limits: Iterable[TenantLimits]) -> TenantLimits:
    """Return for each limit the least of those that are set: what counts where several tenants are read."""
    found = list(limits)
    return TenantLimits(
        **{name: least_of(*(getattr(one, name) for one in found)) for name in TenantLimits.__struct_fields__}
    )


def read_limits(asked: Mapping[str, object]) -> dict[str, int]:
    """Return limits by the names of `TenantLimits`; null stands for what is to be as for everybody: left out.

    Raises PharosError(INVALID) that names the one at fault.
    """
    found: dict[str, int] = {}
    for name, value in asked.items():
        if name not in LIMIT_FIELDS:
            raise PharosError(
                Kind.INVALID, f"there is no limit {name!r}", hint=f"the limits are {', '.join(LIMIT_NAMES)}"
            )
        if value is not None:
            found[LIMIT_FIELDS[name]] = _read(name, value)
    return found


def _read(name: str, value: object) -> int:
    is_time = LIMIT_FIELDS[name] != name
    wanted = "a duration such as 15d, or 0 for none" if is_time else "a whole number, 0 for none"
    fault = PharosError(Kind.INVALID, f"the limit {name} is {wanted}, not {str(value)[:100]!r}")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise fault
    if is_time and isinstance(value, str):
        try:
            return parse_duration(value)
        except PharosError as exc:
            raise fault from exc
    text = str(value)
    if not text.isascii() or not text.isdecimal() or (is_time and text != "0") or int(text) > _MOST:
        raise fault
    return int(text)


def check_bounds(bounds: Mapping[str, int | None]) -> None:
    """Raise PharosError(INVALID) for a bound, by the fields of `TenantLimits`, that is none."""
    for name, bound in bounds.items():
        if name not in _KNOWN:
            known = ", ".join(sorted(_KNOWN))
            raise PharosError(
                Kind.INVALID, f"there is no limit {name[:100]!r}", hint=f"the limits are {known}"
            )
        if bound is not None and not 0 <= bound <= _MOST:
            raise PharosError(Kind.INVALID, f"the limit {name} must be between 0 and {_MOST}, is {bound}")


def shown_limits(limits: TenantLimits) -> dict[str, int | str]:
    """Return limits as `read_limits` reads them."""
    return {name: _shown(name, getattr(limits, field)) for name, field in LIMIT_FIELDS.items()}


def shown_overrides(overrides: Mapping[str, int]) -> dict[str, int | str]:
    """Return what is a tenant's own of its limits, as `read_limits` reads it."""
    return {
        name: _shown(name, overrides[field]) for name, field in LIMIT_FIELDS.items() if field in overrides
    }


def _shown(name: str, value: int) -> int | str:
    return value if LIMIT_FIELDS[name] == name or not value else format_duration(value)


class LimitTable:
    """The limits of all tenants: those of everybody, what the settings say of a tenant, and what people say.

    The later ones win. To look one up takes no lock; a change takes the place of all at once.
    """

    def __init__(
        self, everybody: TenantLimits = NO_LIMITS, settings: Mapping[str, Mapping[str, int]] | None = None
    ) -> None:
        self._settings = {tenant: dict(own) for tenant, own in (settings or {}).items()}
        self._said: dict[str, dict[str, int]] = {}
        self._everybody = everybody
        self._own: dict[str, TenantLimits] = {}
        self._made()

    def __call__(self, tenant: str) -> TenantLimits:
        """Return the limits of a tenant."""
        return self._own.get(tenant, self._everybody)

    @property
    def everybody(self) -> TenantLimits:
        """The limits of a tenant of which nothing is said."""
        return self._everybody

    def overrides(self, tenant: str) -> dict[str, int]:
        """Return what is a tenant's own."""
        return {**self._settings.get(tenant, {}), **self._said.get(tenant, {})}

    def say(self, said: Mapping[str, Mapping[str, int]]) -> None:
        """Take over what people say of tenants, in the place of what they said before.

        Limits that only a newer version knows are left out.
        """
        self._said = {
            tenant: {name: bound for name, bound in own.items() if name in _KNOWN}
            for tenant, own in said.items()
        }
        self._made()

    def tenants(self) -> tuple[str, ...]:
        """Return those that have limits of their own."""
        return tuple(self._own)

    def settle(self, of: LimitTable) -> None:
        """Take over what another table's settings say, in the place of what these said before."""
        self._settings, self._everybody = of._settings, of._everybody
        self._made()

    def _made(self) -> None:
        named = [*self._settings, *self._said]
        self._own = {tenant: replace(self._everybody, **self.overrides(tenant)) for tenant in named}
