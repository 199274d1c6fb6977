"""Rules, alerts and where alerts go: the shapes, empty until rules are evaluated."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from pharos.api.prometheus.answers import success
from pharos.api.prometheus.parameters import Parameters, invalid
from pharos.api.prometheus.routes import Route
from pharos.api.prometheus.shapes import Alertmanagers, Alerts, Notification, RuleGroups
from pharos.gotext.quoting import quote


@dataclass(frozen=True, slots=True)
class RulesApi:
    """What upstream answers about rules."""

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/rules", "alerts.view", self.rules, RuleGroups, ("type", "match[]")),
            Route("/alerts", "alerts.view", self.alerts, Alerts),
            Route("/alertmanagers", "alerts.view", self.alertmanagers, Alertmanagers),
            Route("/notifications", "alerts.view", self.notifications, list[Notification]),
        ]

    async def rules(self, parameters: Parameters, request: Request) -> Response:
        """Return the groups of rules."""
        for kind in parameters.all("type")[:1]:
            if kind.lower() not in {"alert", "record"}:
                raise invalid("type", f"not supported value {quote(kind)}")
        return success({"groups": []})

    async def alerts(self, parameters: Parameters, request: Request) -> Response:
        """Return the alerts that are pending or firing."""
        return success({"alerts": []})

    async def alertmanagers(self, parameters: Parameters, request: Request) -> Response:
        """Return where alerts are sent."""
        return success({"activeAlertmanagers": [], "droppedAlertmanagers": []})

    async def notifications(self, parameters: Parameters, request: Request) -> Response:
        """Return what the operator should know."""
        return success([])
