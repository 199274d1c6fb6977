"""The section `alerting` of a prometheus.yml: which Alertmanagers outside are told of alerts, and how."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from pharos.document import Fields, Value
from pharos.errors import Kind
from pharos.http_section import read_http
from pharos.ingest.scrape.job import AlertingSection, AlertmanagerConfig
from pharos.ingest.scrape.other_discovery import OTHER_DISCOVERY
from pharos.ingest.scrape.sections import (
    read_file_discoveries,
    read_http_discoveries,
    read_rules,
    read_scheme,
    read_static_groups,
)
from pharos.outbound import HttpOptions


def read_alerting(value: Value, base_dir: Path, *, legacy: bool = False) -> AlertingSection:
    """Return the section; faults are noted with their lines."""
    fields = Fields(value, "alerting")
    found = AlertingSection(
        fields.read(
            "alertmanagers",
            lambda listed: tuple(listed.each(partial(_alertmanager, base_dir=base_dir))),
            (),
        ),
        read_rules(fields, "alert_relabel_configs", legacy=legacy),
    )
    fields.done()
    return found


def _alertmanager(value: Value, base_dir: Path) -> AlertmanagerConfig:
    fields = Fields(value, "alertmanager config")
    version = fields.take("api_version")
    if version is not None and version.text() != "v2":
        raise version.fault(f"expected Alertmanager api version to be one of [v2] but got {version.text()}")
    sigv4 = fields.take("sigv4")
    if sigv4 is not None:
        raise sigv4.fault("sigv4: signing requests for AWS is not supported", Kind.UNSUPPORTED)
    rules = read_rules(fields, "relabel_configs", legacy=False)
    found = AlertmanagerConfig(
        scheme=fields.attempt(read_scheme, "http"),
        path_prefix=fields.read("path_prefix", Value.text, ""),
        timeout_ms=fields.read("timeout", Value.duration_ms, 10_000),
        http=fields.attempt(partial(read_http, base_dir=base_dir), HttpOptions()),
        relabel_rules=rules,
        alert_rules=read_rules(fields, "alert_relabel_configs", legacy=False),
        static_groups=read_static_groups(fields, check=not rules),
        file_discoveries=read_file_discoveries(fields, base_dir),
        http_discoveries=read_http_discoveries(fields, base_dir),
    )
    for name, line, _ in fields.left():
        if name in OTHER_DISCOVERY:
            fields.take(name)
            raise value.source.fault(
                line,
                f"{name}: Alertmanagers are found by static_configs, file_sd_configs and http_sd_configs",
                Kind.UNSUPPORTED,
            )
    fields.done()
    return found
