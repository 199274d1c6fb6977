"""What is scraped, how it fares, and what relabelling made of it."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from pharos.access import DEFAULT
from pharos.api.http.identity import grant_of, scope_of
from pharos.api.http.off_loop import off_loop
from pharos.api.prometheus.answers import rfc3339, success
from pharos.api.prometheus.parameters import Parameters, invalid
from pharos.api.prometheus.routes import ANY_COUNT, Route
from pharos.api.prometheus.shapes import RelabelSteps, ScrapePools, TargetMetadata, Targets
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration
from pharos.ingest.scrape.digest import Metadata
from pharos.ingest.scrape.scraper import Scraper
from pharos.ingest.scrape.target import TargetStatus
from pharos.labels import Labels, Matcher
from pharos.promql.language.parse import parse_selector
from pharos.relabel import Rule


class TargetsApi(Struct, frozen=True):
    """Targets; what is scraped belongs to the default tenant, and who has no role there does not see it."""

    scraper: Scraper

    def routes(self) -> list[Route]:
        """Return the routes."""
        return [
            Route("/targets", "metrics.view", self.targets, Targets, ("state", "scrapePool")),
            Route(
                "/targets/metadata",
                "metrics.view",
                self.target_metadata,
                list[TargetMetadata],
                ("match_target", "metric", "limit"),
                schemas=ANY_COUNT,
            ),
            Route(
                "/targets/relabel_steps",
                "metrics.view",
                self.relabel_steps,
                RelabelSteps,
                ("scrapePool", "labels"),
                ("scrapePool", "labels"),
            ),
            Route("/scrape_pools", "metrics.view", self.scrape_pools, ScrapePools),
        ]

    async def targets(self, parameters: Parameters, request: Request) -> Response:
        """Return what is scraped and how it fares, and why some of it may not be known."""
        state = parameters.first("state").lower()
        pool = parameters.first("scrapePool")
        found = [one for one in self._targets(request) if not pool or one.scrape_pool == pool]
        found.sort(key=lambda one: one.scrape_pool)
        dropped = [one for one in found if one.dropped]
        counts: dict[str, int] = {one.scrape_pool: 0 for one in found}
        for one in dropped:
            counts[one.scrape_pool] += 1
        active = [_active(one) for one in found if not one.dropped]
        return success(
            {
                "activeTargets": active if state in {"", "any", "active"} else [],
                "droppedTargets": [
                    {"discoveredLabels": dict(one.discovered_labels), "scrapePool": one.scrape_pool}
                    for one in dropped
                ]
                if state in {"", "any", "dropped"}
                else [],
                "droppedTargetCounts": counts if state in {"", "any", "dropped"} else {},
                "discoveryErrors": [
                    {"scrapePool": job, "error": error}
                    for job, error in (self.scraper.discovery_errors() if _may_see(request) else ())
                    if not pool or job == pool
                ],
            }
        )

    async def target_metadata(self, parameters: Parameters, request: Request) -> Response:
        """Return what each target says of its metrics."""
        limit = parameters.count("limit")
        metric = parameters.first("metric")
        matchers: tuple[Matcher, ...] = ()
        if text := parameters.first("match_target"):
            try:
                matchers = await off_loop(len(text), partial(parse_selector, text))
            except PharosError as exc:
                raise invalid("match_target", exc.message) from exc
        found: list[dict[str, Any]] = []
        for labels, entries in self.scraper.target_metadata() if _may_see(request) else ():
            if 0 <= limit <= len(found):
                break
            if matches(labels, matchers):
                found += [
                    _described(labels, entry, metric) for entry in entries if metric in {"", entry.family}
                ]
        return success(found if limit < 0 else found[:limit])

    async def relabel_steps(self, parameters: Parameters, request: Request) -> Response:
        """Return what each relabelling rule of a job makes of a target's labels."""
        name = parameters.first("scrapePool")
        if not name:
            raise PharosError(Kind.INVALID, "no scrapePool parameter provided")
        jobs = self.scraper.config.jobs if _may_see(request) else ()
        job = next((job for job in jobs if job.job_name == name), None)
        if job is None:
            raise PharosError(Kind.INVALID, f"scrape pool {name!r} not found")
        labels = _label_object(parameters.first("labels"))
        steps: list[dict[str, Any]] = []
        for rule in job.relabel_rules:
            keep = rule.apply(labels)
            steps.append(
                {"rule": _rule(rule), "output": {k: v for k, v in labels.items() if v}, "keep": keep}
            )
            if not keep:
                break
        return success({"steps": steps})

    async def scrape_pools(self, parameters: Parameters, request: Request) -> Response:
        """Return the names of all jobs."""
        return success({"scrapePools": sorted({one.scrape_pool for one in self._targets(request)})})

    def _targets(self, request: Request) -> list[TargetStatus]:
        return list(self.scraper.targets()) if _may_see(request) else []


def _may_see(request: Request) -> bool:
    return scope_of(request) == DEFAULT or "metrics.view" in grant_of(request).everywhere


def matches(labels: Labels, matchers: tuple[Matcher, ...]) -> bool:
    """Return whether a label set satisfies every matcher."""
    values = dict(labels)
    return all(matcher.matches(values.get(matcher.name, "")) for matcher in matchers)


def _described(labels: Labels, entry: Metadata, metric: str) -> dict[str, Any]:
    described = {"target": dict(labels), "type": entry.kind, "help": entry.help, "unit": entry.unit}
    # Whoever asked for one metric knows its name; upstream leaves it out.
    return described if metric else {**described, "metric": entry.family}


def _label_object(text: str) -> dict[str, str]:
    try:
        labels = json.loads(text)
    except ValueError as exc:
        raise PharosError(Kind.INVALID, f"error parsing labels: {exc}") from exc
    if not isinstance(labels, dict) or not all(isinstance(value, str) for value in labels.values()):
        raise PharosError(Kind.INVALID, "error parsing labels: an object of texts is expected")
    return labels


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "source_labels": list(rule.source_labels),
        "separator": rule.separator,
        "regex": rule.regex,
        "modulus": rule.modulus,
        "target_label": rule.target_label,
        "replacement": rule.replacement,
        "action": str(rule.action),
    }


def _active(target: TargetStatus) -> dict[str, Any]:
    return {
        "discoveredLabels": dict(target.discovered_labels),
        "labels": dict(target.labels),
        "scrapePool": target.scrape_pool,
        "scrapeUrl": target.scrape_url,
        "globalUrl": target.global_url,
        "lastError": target.last_error,
        "lastScrape": rfc3339(target.last_scrape_ms),
        "lastScrapeDuration": target.last_scrape_duration_s,
        "health": str(target.health),
        "scrapeInterval": format_duration(target.interval_ms),
        "scrapeTimeout": format_duration(target.timeout_ms),
    }
