"""Rules, alerts and where alerts go."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import DEFAULT
from pharos.api.http.identity import scope_of
from pharos.api.prometheus.answers import rfc3339, success
from pharos.api.prometheus.parameters import Parameters, invalid, read_selectors
from pharos.api.prometheus.routes import Route
from pharos.api.prometheus.shapes import Alertmanagers, Alerts, Notification, RuleGroups
from pharos.errors import PharosError
from pharos.gotext.numbers import format_e, parse_decimal_int
from pharos.gotext.quoting import quote
from pharos.labels import Labels, Matcher
from pharos.promql.language.parse import parse
from pharos.promql.language.printer import to_text
from pharos.rules.engine import RuleEngine
from pharos.rules.evaluate import ActiveAlert, AlertState, RuleState
from pharos.rules.group import RunningGroup
from pharos.rules.outside import Outside
from pharos.rules.running import RunningRule, Unknown
from pharos.rules.spec import AlertingRule, Language

_RULES = (
    "type",
    "rule_name[]",
    "rule_group[]",
    "file[]",
    "exclude_alerts",
    "match[]",
    "group_limit",
    "group_next_token",
)


class _Wanted(Struct, frozen=True):
    """Which rules are asked for."""

    kind: str
    names: frozenset[str]
    groups: frozenset[str]
    files: frozenset[str]
    selectors: tuple[tuple[Matcher, ...], ...]

    def group(self, group: RunningGroup) -> bool:
        return (not self.groups or group.group.name in self.groups) and (
            not self.files or group.group.file in self.files
        )

    def rule(self, run: RunningRule) -> bool:
        if self.kind and (self.kind == "alert") != run.is_alerting:
            return False
        if self.names and run.rule.name not in self.names:
            return False
        own = dict(run.rule.labels)
        return not self.selectors or any(
            all(one.matches(own.get(one.name, "")) for one in matchers) for matchers in self.selectors
        )


class _Page(Struct, frozen=True):
    """How many groups are asked for, and from which on."""

    limit: int
    token: str


class RulesApi(Struct, frozen=True):
    """What upstream answers about rules."""

    engine: RuleEngine
    outside: Outside

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/rules", "alerts.view", self.rules, RuleGroups, _RULES),
            Route("/alerts", "alerts.view", self.alerts, Alerts),
            Route("/alertmanagers", "alerts.view", self.alertmanagers, Alertmanagers),
            Route("/notifications", "alerts.view", self.notifications, list[Notification]),
        ]

    async def rules(self, parameters: Parameters, request: Request) -> Response:
        """Return the groups of rules, how each was evaluated last, and their alerts."""
        wanted = await _wanted(parameters)
        page = _page(parameters)
        try:
            with_alerts = not parameters.flag("exclude_alerts")
        except PharosError as exc:
            raise invalid("exclude_alerts", f"error converting exclude_alerts: {exc.message}") from exc
        found: list[dict[str, Any]] = []
        after, is_found = "", not page.token
        for group in self._groups(request):
            token = _token(group)
            is_found = is_found or token == page.token
            if not is_found or not wanted.group(group):
                continue
            language = group.group.language
            rules = [_rule(run, language, with_alerts) for run in group.runs if wanted.rule(run)]
            if not rules:
                continue
            if 0 < page.limit <= len(found):
                after = token
                break
            found.append(_group(group, rules))
        if not is_found:
            message = f"invalid group_next_token '{page.token}'. were rule groups changed?"
            raise invalid("group_next_token", message)
        return success({"groups": found, **({"groupNextToken": after} if after else {})})

    async def alerts(self, parameters: Parameters, request: Request) -> Response:
        """Return the alerts that are pending or firing."""
        found: list[dict[str, Any]] = []
        for group in self._groups(request):
            for run in group.runs:
                found += [_alert(one) for one in (*_active(run.state), *_active(run.told))]
        return success({"alerts": found})

    async def alertmanagers(self, parameters: Parameters, request: Request) -> Response:
        """Return where alerts are sent."""
        # They are the default tenant's, as scraped targets are.
        is_seen = DEFAULT.tenant in scope_of(request).tenants
        active, dropped = (self.outside.active, self.outside.dropped) if is_seen else ([], [])
        return success(
            {
                "activeAlertmanagers": [{"url": url} for url in active],
                "droppedAlertmanagers": [{"url": url} for url in dropped],
            }
        )

    async def notifications(self, parameters: Parameters, request: Request) -> Response:
        """Return what the operator should know."""
        return success([])

    def _groups(self, request: Request) -> Iterator[RunningGroup]:
        for tenant in scope_of(request).tenants:
            yield from self.engine.groups(tenant)


async def _wanted(parameters: Parameters) -> _Wanted:
    kinds = parameters.all("type")[:1]
    if any(kind.lower() not in {"alert", "record"} for kind in kinds):
        raise invalid("type", f"not supported value {quote(kinds[0])}")
    selectors = await read_selectors(parameters)
    return _Wanted(
        "".join(kinds).lower(),
        frozenset(parameters.all("rule_name[]")),
        frozenset(parameters.all("rule_group[]")),
        frozenset(parameters.all("file[]")),
        tuple(selectors),
    )


def _page(parameters: Parameters) -> _Page:
    limit, token = parameters.first("group_limit"), parameters.first("group_next_token")
    if token and not limit:
        message = "group_limit needs to be present in order to paginate over the groups"
        raise invalid("group_next_token", message)
    if not limit:
        return _Page(0, "")
    try:
        number = parse_decimal_int(limit)
    except PharosError as exc:
        raise invalid("group_limit", f"group_limit needs to be a valid number: {exc.message}") from exc
    if number <= 0:
        raise invalid("group_limit", "group_limit needs to be greater than 0")
    return _Page(number, token)


def _token(group: RunningGroup) -> str:
    return hashlib.sha1(group.key.encode(), usedforsecurity=False).hexdigest()


def _group(group: RunningGroup, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": group.group.name,
        "file": group.group.file,
        "rules": rules,
        "interval": group.interval_ms / 1000,
        "limit": group.group.limit,
        "evaluationTime": group.took_s,
        "lastEvaluation": rfc3339(group.last_ms),
    }


@lru_cache(maxsize=10_000)
def _canonical(expr: str) -> str:
    return to_text(parse(expr))


def _rule(run: RunningRule, language: Language, with_alerts: bool) -> dict[str, Any]:
    rule = run.rule
    found: dict[str, Any] = {
        "name": rule.name,
        "query": _canonical(rule.expr) if language is Language.PROMQL else rule.expr,
        "labels": dict(rule.labels),
        "health": "unknown" if not run.last_ms else "err" if run.error else "ok",
        "evaluationTime": run.took_s,
        "lastEvaluation": rfc3339(run.last_ms),
    }
    if language is not Language.PROMQL:
        found["language"] = str(language)
    if run.error:
        found["lastError"] = run.error
    if run.unknown is not Unknown.NOT:
        found["unknown"] = str(run.unknown)
    if not isinstance(rule, AlertingRule):
        return {**found, "type": "recording"}
    return {
        **found,
        "state": _worst(run.state),
        "duration": rule.for_ms / 1000,
        "keepFiringFor": rule.keep_firing_for_ms / 1000,
        "annotations": dict(rule.annotations),
        "alerts": [_alert(one) for one in _active(run.state)] if with_alerts else [],
        "type": "alerting",
    }


def _worst(state: RuleState) -> str:
    states = {alert.state for alert in state.alerts.values()}
    return str(max(states, key=list(AlertState).index, default=AlertState.INACTIVE))


def _active(state: RuleState) -> list[ActiveAlert]:
    return [one for one in state.alerts.values() if one.state is not AlertState.INACTIVE]


def _alert(alert: ActiveAlert) -> dict[str, Any]:
    found: dict[str, Any] = {
        "labels": _shown(alert.labels),
        "annotations": _shown(alert.annotations),
        "state": str(alert.state),
        "activeAt": rfc3339(alert.active_ms),
        "value": format_e(alert.value),
    }
    if alert.gone_ms:
        found["keepFiringSince"] = rfc3339(alert.gone_ms)
    return found


def _shown(labels: Labels) -> dict[str, str]:
    return dict(labels)
