"""What scrape jobs and Alertmanagers of a prometheus.yml have in common: where they are, and relabelling."""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pharos.document import Fields, Value
from pharos.errors import PharosError
from pharos.http_section import join, read_http
from pharos.ingest.scrape.job import DnsDiscovery, FileDiscovery, HttpDiscovery, TargetGroup
from pharos.relabel import Action, Rule

_ACTIONS: Final = frozenset(action.value for action in Action)
_FILE_NAME = re.compile(r"[^*]*(\*[^/]*)?\.(json|yml|yaml|JSON|YML|YAML)")


def read_scheme(fields: Fields) -> str:
    """Return the scheme by which something is reached. Raises PharosError(INVALID) with the line."""
    value = fields.take("scheme")
    if value is not None and value.text().lower() not in {"", "http", "https"}:
        raise value.fault(f"scheme must be http or https, got {value.text()!r}")
    return value.text() if value is not None else "http"


def read_rules(fields: Fields, name: str, *, legacy: bool) -> tuple[Rule, ...]:
    """Return the relabelling rules of a field; faults are noted with their lines."""
    kinds = {"relabel_configs": "target", "metric_relabel_configs": "metric"}
    place = f"{kinds[name]} relabeling rule in scrape config" if name in kinds else f"rule in {name}"

    def rule(one: Value) -> Rule:
        if one.is_null():
            raise one.fault(f"empty or null {place}")
        return _rule(one, legacy=legacy)

    return fields.read(name, lambda value: tuple(value.each(rule)), ())


def _rule(value: Value, *, legacy: bool) -> Rule:
    """Return one relabel rule; a field written as null or empty counts as written, as upstream."""
    fields = Fields(value, "relabel_config")
    action = fields.take("action")
    word = action.text().lower() if action is not None else Action.REPLACE.value
    if action is not None and word not in _ACTIONS:
        raise action.fault(f"unknown relabel action {action.text()!r}")
    given = {}
    for name in ("separator", "regex", "target_label", "replacement"):
        written = fields.take_set(name)
        if written is not None:
            given[name] = written.text()
    source_labels = fields.each("source_labels", _source_label)
    modulus = fields.read("modulus", Value.whole, 0)
    fields.done()
    try:
        return Rule(
            action=Action(word),
            source_labels=source_labels,
            modulus=modulus,
            legacy_names=legacy,
            **given,
        )
    except PharosError as exc:
        raise value.fault(exc.message) from exc


def _source_label(value: Value) -> str:
    # One that is null is an empty name upstream, which is not looked at.
    if not value.is_null() and not value.text():
        raise value.fault(f"{value.path}: '' is not a valid label name")
    return value.text()


def read_group(value: Value, source: str, *, check: bool) -> TargetGroup:
    """Return one target group (`targets` and `labels`); `check` refuses what looks like a URL.

    Raises PharosError(INVALID) with the line.
    """
    if value.is_null():
        raise value.fault("empty or null target group: write its targets, or leave it out")
    fields = Fields(value, "target group")
    targets = fields.take("targets")
    addresses = targets.items() if targets is not None else []
    for one in addresses if check else []:
        if "/" in one.text():
            raise one.fault(f"{one.text()!r} is not a valid hostname")
    labels = _group_labels(fields)
    fields.done()
    return TargetGroup(source, tuple(one.text() for one in addresses), tuple(sorted(labels.items())))


def _group_labels(fields: Fields) -> dict[str, str]:
    value = fields.take("labels")
    if value is None:
        return {}
    for name, line, _ in value.pairs():
        if not name:
            raise value.source.fault(line, f"{name!r} is not a valid label name")
    return value.group()


def read_static_groups(fields: Fields, *, check: bool) -> tuple[TargetGroup, ...]:
    """Return the groups of static_configs; faults are noted with their lines."""
    numbers = count()
    return fields.read(
        "static_configs",
        lambda value: tuple(value.each(lambda one: read_group(one, str(next(numbers)), check=check))),
        (),
    )


def read_file_discoveries(fields: Fields, base_dir: Path) -> tuple[FileDiscovery, ...]:
    """Return the file_sd_configs; faults are noted with their lines."""

    def discovery(one: Value) -> FileDiscovery:
        inner = Fields(one, "file_sd_config")
        files = inner.take("files")
        if files is None or not files.items():
            raise one.fault("file service discovery config must contain at least one path name")
        for path in files.items():
            if _FILE_NAME.fullmatch(path.text()) is None:
                raise path.fault(f"path name {path.text()!r} is not valid for file discovery")
        # Checked and no more: every file is looked at again more often than that.
        inner.read("refresh_interval", Value.duration_ms, 300_000)
        inner.done()
        return FileDiscovery(tuple(join(base_dir, text) for text in files.texts()))

    return fields.read("file_sd_configs", lambda value: tuple(value.each(discovery)), ())


def read_http_discoveries(fields: Fields, base_dir: Path) -> tuple[HttpDiscovery, ...]:
    """Return the http_sd_configs; faults are noted with their lines."""

    def discovery(one: Value) -> HttpDiscovery:
        inner = Fields(one, "http_sd_config")
        url = inner.take("url")
        if url is None or not url.text():
            raise one.fault("URL is missing")
        try:
            parts = urlsplit(url.text())
        except ValueError as exc:
            raise url.fault(f"url: it is no URL: {exc}") from exc
        if parts.scheme not in {"http", "https"}:
            raise url.fault("URL scheme must be 'http' or 'https'")
        if not parts.hostname:
            raise url.fault("host is missing in URL")
        refresh_ms = inner.read("refresh_interval", Value.duration_ms, 60_000)
        found = HttpDiscovery(url.text(), refresh_ms, read_http(inner, base_dir))
        inner.done()
        return found

    return fields.read("http_sd_configs", lambda value: tuple(value.each(discovery)), ())


def read_dns_discovery(value: Value) -> tuple[DnsDiscovery, ...]:
    """Return one dns_sd_config that was looked over, each of its names apart. Raises PharosError(INVALID)."""
    fields = Fields(value, "dns_sd_config")
    names = fields.texts("names")
    record = fields.read("type", Value.text, "") or "SRV"
    port = fields.read("port", Value.integer, 0)
    refresh_ms = fields.read("refresh_interval", Value.duration_ms, 30_000)
    fields.done()
    return tuple(DnsDiscovery(name, record.upper(), port, refresh_ms) for name in names)
