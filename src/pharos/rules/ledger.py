"""What is written down of alerts: how each stands, and what happened, in one transaction."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct, field

from pharos.alert import fingerprint
from pharos.errors import Kind, PharosError
from pharos.gotext.numbers import format_json, parse_float
from pharos.labels import Labels
from pharos.rules.evaluate import ActiveAlert, AlertState, Transition
from pharos.rules.running import RunningRule
from pharos.state import State, rule_alerts, timeline
from pharos.state.rule_alerts import Key, Row
from pharos.state.timeline import Entry, Step
from pharos.state.unit import PHAROS, Unit, Writing

_LOG = logging.getLogger(__name__)

_STEPS_AT_MOST: Final = 50_000
"""So many steps of a group wait for a database that is away; older ones are given up."""
_TEXT_MOST: Final = 10_000
"""Characters of a text in a timeline."""
_STEPS: Final = {
    AlertState.PENDING: Step.PENDING,
    AlertState.FIRING: Step.FIRING,
    AlertState.INACTIVE: Step.RESOLVED,
}


def storable(text: str) -> str:
    """Return a text as people's state can hold it: what series and templates say may be anything."""
    return text.replace("\0", "\ufffd")


def _pairs(labels: Labels) -> Labels:
    return tuple((storable(name), storable(value)) for name, value in labels)


def _shortened(labels: Labels) -> dict[str, str]:
    return {storable(name): storable(value[:_TEXT_MOST]) for name, value in labels}


def row_of(alert: ActiveAlert, at_ms: int) -> Row:
    """Return an alert as it is kept."""
    return Row(
        labels=_pairs(alert.labels),
        annotations=_pairs(alert.annotations),
        state=str(alert.state),
        value=format_json(alert.value),
        active_ms=alert.active_ms,
        fired_ms=alert.fired_ms,
        resolved_ms=alert.resolved_ms,
        gone_ms=alert.gone_ms,
        at_ms=at_ms,
    )


def alert_of(row: Row) -> ActiveAlert:
    """Return an alert of what was kept."""
    return ActiveAlert(
        row.labels,
        row.annotations,
        AlertState(row.state),
        parse_float(row.value),
        row.active_ms,
        row.fired_ms,
        row.resolved_ms,
        row.gone_ms,
    )


class Ledger(Struct):
    """What of a group of rules is not written down yet."""

    tenant_id: str
    group: str
    shown: Callable[[Labels], Labels | None]
    _rows: dict[Key, Row | None] = field(default_factory=dict)
    _entries: list[Entry] = field(default_factory=list)

    def key(self, rule: str, labels: Labels) -> Key:
        """Return under what an alert is kept."""
        return Key(self.tenant_id, self.group, storable(rule), fingerprint(labels))

    def note(self, rule: str, changes: Iterable[Transition], facts: dict[str, str]) -> None:
        """Note how alerts of a rule changed; `facts` are told with each."""
        for change in changes:
            alert = change.alert
            is_kept = alert.state is not AlertState.INACTIVE or change.before is AlertState.FIRING
            self._rows[self.key(rule, alert.labels)] = row_of(alert, change.at_ms) if is_kept else None
            detail: dict[str, object] = {
                "labels": _shortened(self.shown(alert.labels) or alert.labels),
                "annotations": _shortened(alert.annotations),
                "value": format_json(alert.value),
                "before": str(change.before),
                "starts_ms": alert.fired_ms or alert.active_ms,
                **{name: storable(text[:_TEXT_MOST]) for name, text in facts.items()},
            }
            self.step(alert.labels, _STEPS[alert.state], change.at_ms, detail)

    def note_unknown(self, labels: Labels, at_ms: int, facts: dict[str, str]) -> None:
        """Note that nobody knows how it stands with an alert."""
        told = {name: storable(text[:_TEXT_MOST]) for name, text in facts.items()}
        self.step(labels, Step.UNKNOWN, at_ms, {**told, "labels": _shortened(labels)})

    def step(self, labels: Labels, step: Step, at_ms: int, detail: dict[str, object]) -> None:
        """Note a step of an alert."""
        name = fingerprint(self.shown(labels) or labels)
        self._entries.append(Entry(self.tenant_id, name, step, at_ms, detail))

    def keep(self, rule: str, alert: ActiveAlert, at_ms: int) -> None:
        """Note how an alert stands, of which nothing is told."""
        self._rows[self.key(rule, alert.labels)] = row_of(alert, at_ms)

    def forget(self, rule: str, gone: Iterable[Labels]) -> None:
        """Note that alerts are over for so long that nobody needs to hear of them again."""
        for labels in gone:
            self._rows[self.key(rule, labels)] = None

    def forget_keys(self, keys: Iterable[Key]) -> None:
        """The same, by what they are kept under."""
        for key in keys:
            self._rows[key] = None

    def move(self, run: RunningRule, to: Ledger, at_ms: int) -> None:
        """Note that a rule goes on in another group."""
        self.forget(run.key, run.state.alerts)
        for alert in run.state.alerts.values():
            to.keep(run.key, alert, at_ms)

    def take_over(self, before: Ledger) -> None:
        """Write down what another one has not: it is of the same group."""
        self._rows = {**before._rows, **self._rows}
        self._entries = [*before._entries, *self._entries]
        before._rows, before._entries = {}, []

    def clear(self) -> None:
        """Forget what is not written down: another process knows better."""
        self._rows, self._entries = {}, []

    @property
    def is_written(self) -> bool:
        """Whether there is nothing to be written down."""
        return not self._rows and not self._entries

    async def write(self, state: State, require: Callable[[Unit], None]) -> bool:
        """Write all down; return whether that was done. What was not is tried again the next time.

        Raises what `require` raises in the transaction, which is PharosError(CANCELLED) for a group that
        another process has.
        """
        if self.is_written:
            return True
        rows, entries = dict(self._rows), list(self._entries)

        def put(unit: Writing) -> None:
            require(unit)
            rule_alerts.put(unit, [(key, row) for key, row in rows.items() if row is not None])
            rule_alerts.drop(unit, [key for key, row in rows.items() if row is None])
            timeline.append(unit, entries)

        try:
            await state.write(put, PHAROS)
        except PharosError as exc:
            if exc.kind is Kind.CANCELLED:
                raise
            if len(self._entries) > _STEPS_AT_MOST:
                del self._entries[: len(self._entries) - _STEPS_AT_MOST]
            _LOG.warning("what alerts became is not written down yet: %s", exc)
            return False
        del self._entries[: len(entries)]
        self._rows = {key: row for key, row in self._rows.items() if key not in rows or rows[key] is not row}
        return True
