"""A state with alerts in it, for tests of what follows the timeline: what dispatch writes is written here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pharos.alert import Alert, fingerprint
from pharos.alerting.config import AlertingConfig, parse_alerting
from pharos.clock import FakeClock
from pharos.labels import labels_of
from pharos.state import PHAROS, Author, State, Writing, acknowledgements, alerts, outbox, timeline
from pharos.state.acknowledgements import NewAcknowledgement
from pharos.state.alerts import Kept
from pharos.state.outbox import Owed
from pharos.state.timeline import Entry, Step

TENANT = "default"
CONFIG = """
global: {smtp_smarthost: "localhost:25", smtp_from: "pharos@example.org"}
route: {receiver: team}
receivers:
  - {name: team, webhook_configs: [{url: "http://127.0.0.1:1/"}]}
  - {name: dao_admins, webhook_configs: [{url: "http://127.0.0.1:1/"}]}
  - {name: dao_council, webhook_configs: [{url: "http://127.0.0.1:1/"}, {url: "http://127.0.0.1:2/"}]}
  - {name: ecosystem_governance, webhook_configs: [{url: "http://127.0.0.1:1/", send_resolved: false}]}
  - {name: incidents, pagerduty_configs: [{routing_key: k}], webhook_configs: [{url: "http://127.0.0.1:1/"}]}
"""


def config() -> AlertingConfig:
    """Return a configuration with some receivers."""
    return parse_alerting(CONFIG, "alertmanager.yml", Path("/"))


@dataclass(frozen=True, slots=True)
class World:
    """Alerts that come and go."""

    state: State
    clock: FakeClock

    async def fires(self, group: str = "g", **labels: str) -> str:
        """Have an alert fire and its group be told of; return its fingerprint."""
        found = labels_of(labels)
        name = fingerprint(found)
        alert = Alert(found, starts_ms=self.clock.now_ms(), updated_ms=self.clock.now_ms())

        def write(unit: Writing) -> None:
            alerts.put(unit, [Kept(TENANT, alert, unit.now_ms)])
            routed = {"receiver": "team", "group_labels": {"alertname": labels.get("alertname", "")}}
            steps: list[tuple[Step, Mapping[str, Any], str]] = [
                (Step.FIRING, {"labels": labels, "starts_ms": unit.now_ms}, ""),
                (Step.ROUTED, routed, group),
                (Step.QUEUED, {"receiver": "team", "integration": "webhook[0]", "reason": "first"}, group),
            ]
            timeline.append(
                unit,
                [Entry(TENANT, name, step, unit.now_ms, detail, key) for step, detail, key in steps],
            )

        await self.state.write(write, PHAROS)
        return name

    async def resolves(self, name: str, **labels: str) -> None:
        """Have an alert be over."""
        entry = Entry(TENANT, name, Step.RESOLVED, self.clock.now_ms(), {"labels": labels})

        def write(unit: Writing) -> None:
            timeline.append(unit, [entry])
            acknowledgements.end_resolved(unit, TENANT, [name])

        await self.state.write(write, PHAROS)

    async def acknowledges(self, name: str, who: str, lasts_ms: int | None = None) -> None:
        """Have somebody look after an alert."""
        expires_ms = None if lasts_ms is None else self.clock.now_ms() + lasts_ms
        new = NewAcknowledgement("mine", expires_ms)
        author = Author(f"user:{who}", who)
        await self.state.write(
            lambda unit: acknowledgements.acknowledge(unit, TENANT, [(name, "")], new), author
        )

    async def owed(self) -> list[Owed]:
        """Return what is owed, the oldest first."""
        return list(await self.state.read(lambda unit: outbox.list_all(unit, TENANT)))

    async def told(self) -> list[str]:
        """Return to whom what is owed, as `RECEIVER PURPOSE`, the oldest first, and let it be sent."""
        found = await self.owed()
        results = [outbox.Result(one, at_ms=self.clock.now_ms()) for one in found]
        await self.state.write(lambda unit: outbox.sent(unit, results), PHAROS)
        return [f"{one.receiver} {one.purpose.rpartition(':')[2]}" for one in found]
