"""Silences for our own pages: what one would hide is seen before, many are made and ended at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random
from typing import Literal

from msgspec import Struct
from pydantic import Field
from starlette.requests import Request

from pharos.alerting.alerts import Known, labels_by_fingerprint
from pharos.alerting.dispatch import Dispatcher
from pharos.alerting.silences import expire_silence, hidden_by, in_order, set_silence, state_of
from pharos.api.alertmanager.reading import parse_time
from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Body, Native, Shape
from pharos.clock import Clock
from pharos.errors import Kind, PharosError
from pharos.gotext.timestamps import format_time_ms
from pharos.identity.sign_in import author_of
from pharos.labels import Labels, MatchOp
from pharos.labels import Matcher as Stored
from pharos.state import State, Writing
from pharos.state.silences import Silence, list_silences

_MOST = 1000
"""So many are made or ended in one request."""
_SHOWN_OVER = 500
_LONGEST_MS = 10 * 366 * 86_400_000


class MatcherBody(Body):
    """One condition on a label."""

    name: str = Field(min_length=1, max_length=1024)
    op: Literal["=", "!=", "=~", "!~"] = "="
    value: str = Field(max_length=16_384)


class SilenceBody(Body):
    """A silence to be, or to be changed; or one for each of the alerts that `fingerprints` name."""

    id: str = Field(default="", max_length=100)
    matchers: tuple[MatcherBody, ...] = Field(default=(), max_length=100)
    fingerprints: tuple[str, ...] = Field(default=(), max_length=_MOST)
    starts: str = Field(default="", max_length=40)
    ends: str = Field(default="", max_length=40)
    lasts_s: int = Field(default=0, ge=0, le=10 * 366 * 86_400)
    """In place of `ends`: how many seconds after its start it ends."""
    comment: str = Field(min_length=1, max_length=4096)
    """Why: whoever misses a page will read it."""
    receiver: str = Field(default="", max_length=1024)
    """Of which receiver alone it holds pages back; empty for all of them."""
    remind_s: int = Field(default=0, ge=0, le=30 * 86_400)
    """So many seconds before the end those concerned are reminded of it; 0 reminds nobody."""


class PreviewBody(Body):
    """What a silence would match."""

    matchers: tuple[MatcherBody, ...] = Field(min_length=1, max_length=100)


class ExpireBody(Body):
    """Which silences end."""

    ids: tuple[str, ...] = Field(min_length=1, max_length=_MOST)


class MatcherShape(Shape):
    """One condition on a label."""

    name: str
    op: str
    value: str


class SilenceShape(Shape):
    """A silence."""

    id: str
    matchers: list[MatcherShape]
    starts: str
    ends: str
    updated: str
    created_by: str
    comment: str
    receiver: str
    state: str
    remind_s: int
    hides: int
    """How many alerts it would hold back at this moment, were it active."""


class SilencesShape(Shape):
    """Silences: active ones, those to come, and some that are over."""

    silences: list[SilenceShape]


class HiddenShape(Shape):
    """Alerts, by their fingerprints."""

    alerts: list[str]
    labels: dict[str, dict[str, str]]
    """Those alerts' labels, by fingerprint."""


class SilencesApi(Struct, frozen=True):
    """`/api/alerting/silences`."""

    native: Native
    dispatcher: Dispatcher
    state: State
    clock: Clock
    chance: Random

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, silences = self.native.operation, "/api/alerting/silences"
        view, change = "alerts.view", "alerts.silence"
        yield make(f"GET {silences}", view, self.silences, SilencesShape)
        yield make(f"POST {silences}", change, self.make_silences, SilencesShape, SilenceBody)
        yield make(f"POST {silences}/preview", view, self.preview_silence, HiddenShape, PreviewBody)
        yield make(f"POST {silences}/expire", change, self.expire_silences, SilencesShape, ExpireBody)
        yield make(f"DELETE {silences}/{{silence}}", change, self.end_silence, SilencesShape)

    async def silences(self, request: Request) -> SilencesShape:
        """Return silences: active ones, next to end first, those to come, and those that ended last."""
        tenant, now_ms = scope_of(request).alone().tenant, self.clock.now_ms()
        found = in_order(await self.state.read(lambda unit: list_silences(unit, tenant)), now_ms)
        over = [one for one in found if one.is_over_at(now_ms)]
        living = found[: len(found) - len(over)]
        return self._shown(tenant, [*living, *over[:_SHOWN_OVER]])

    async def preview_silence(self, request: Request, body: PreviewBody) -> HiddenShape:
        """Return which alerts a silence with these matchers would hold back now."""
        tenant = scope_of(request).alone().tenant
        hidden = hidden_by(_stored(body.matchers), self._living(tenant))
        labels = labels_by_fingerprint(hidden)
        return HiddenShape(alerts=sorted(labels), labels=labels)

    async def make_silences(self, request: Request, body: SilenceBody) -> SilencesShape:
        """Make a silence, change one, or make one for each of some alerts, all or none."""
        scope = scope_of(request).alone()
        wanted = list(self._wanted(scope.tenant, scope.who.person or scope.who.name, body))
        chance = self.chance

        def make(unit: Writing) -> list[Silence]:
            return [set_silence(unit, one, chance) for one in wanted]

        made = await self.state.write(make, author_of(scope.who, body.comment[:200]))
        await self.dispatcher.read_silences()
        return self._shown(scope.tenant, made)

    def _wanted(self, tenant: str, name: str, body: SilenceBody) -> Iterator[Silence]:
        if bool(body.matchers) == bool(body.fingerprints) or (body.id and body.fingerprints):
            raise PharosError(Kind.INVALID, "a silence has either matchers or fingerprints of alerts")
        now_ms = self.clock.now_ms()
        if bool(body.ends) == bool(body.lasts_s):
            raise PharosError(Kind.INVALID, "a silence has either ends or lasts_s")
        starts_ms = parse_time(body.starts, "starts") or now_ms
        ends_ms = parse_time(body.ends, "ends") or starts_ms + body.lasts_s * 1000
        if ends_ms - now_ms > _LONGEST_MS:
            raise PharosError(Kind.INVALID, "a silence ends within ten years")
        sets = [_stored(body.matchers)] if body.matchers else self._exact(tenant, body.fingerprints)
        for matchers in sets:
            yield Silence(
                id=body.id,
                tenant_id=tenant,
                matchers=tuple(matchers),
                starts_ms=starts_ms,
                ends_ms=ends_ms,
                created_by=name,
                comment=body.comment,
                receiver=body.receiver,
                remind_ms=body.remind_s * 1000,
            )

    def _exact(self, tenant: str, fingerprints: Sequence[str]) -> Iterator[list[Stored]]:
        alerts = self.dispatcher.desk(tenant).alerts
        for fingerprint in dict.fromkeys(fingerprints):
            known = alerts.get(fingerprint)
            if known is None:
                raise PharosError(Kind.MISSING, f"there is no alert {fingerprint[:80]}")
            yield _all_of(known.alert.labels)

    async def expire_silences(self, request: Request, body: ExpireBody) -> SilencesShape:
        """End silences now, all or none."""
        return await self._expire(request, body.ids)

    async def end_silence(self, request: Request) -> SilencesShape:
        """End a silence now."""
        return await self._expire(request, [request.path_params["silence"]])

    async def _expire(self, request: Request, ids: Sequence[str]) -> SilencesShape:
        scope = scope_of(request).alone()

        def expire(unit: Writing) -> list[Silence]:
            for one in ids:
                expire_silence(unit, scope.tenant, one)
            return [one for one in list_silences(unit, scope.tenant) if one.id in set(ids)]

        ended = await self.state.write(expire, author_of(scope.who))
        await self.dispatcher.read_silences()
        return self._shown(scope.tenant, ended)

    def _living(self, tenant: str) -> list[Known]:
        return self.dispatcher.desk(tenant).alerts.living(self.dispatcher.moment().now_s)

    def _shown(self, tenant: str, silences: Sequence[Silence]) -> SilencesShape:
        now_ms, living = self.clock.now_ms(), self._living(tenant)
        return SilencesShape(silences=[_shape(one, living, now_ms) for one in silences])


def _shape(silence: Silence, living: Sequence[Known], now_ms: int) -> SilenceShape:
    state = state_of(silence, now_ms)
    hides = 0 if silence.is_over_at(now_ms) else len(hidden_by(silence.matchers, living))
    return SilenceShape(
        id=silence.id,
        matchers=[MatcherShape(name=one.name, op=one.op.value, value=one.value) for one in silence.matchers],
        starts=format_time_ms(silence.starts_ms),
        ends=format_time_ms(silence.ends_ms),
        updated=format_time_ms(silence.updated_ms),
        created_by=silence.created_by,
        comment=silence.comment,
        receiver=silence.receiver,
        state=state.value,
        remind_s=silence.remind_ms // 1000,
        hides=hides,
    )


def _stored(matchers: Sequence[MatcherBody]) -> list[Stored]:
    return [Stored(one.name, MatchOp(one.op), one.value) for one in matchers]


def _all_of(labels: Labels) -> list[Stored]:
    return [Stored(name, MatchOp.EQUAL, value) for name, value in labels]
