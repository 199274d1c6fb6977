"""Sections of a prometheus.yml that Pharos serves elsewhere or not at all: accepted with a notice each, and
refused where Prometheus refuses them (config/config.go).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from pharos.document import Fields, Value
from pharos.http_section import read_tls
from pharos.ingest.scrape.looked_over import (
    Check,
    Form,
    LookedOver,
    at_most_one_of,
    is_one_of,
    is_readable_url,
    look_over,
    needs,
    section_of,
)
from pharos.ingest.scrape.sections import read_rules

_REASONS: Final = {
    "remote_write": "samples are stored here and not sent on",
    "remote_read": "queries read what is stored here",
    "storage": "storage is set in pharos.yml",
    "tracing": "Pharos' own traces are set in pharos.yml",
    "runtime": "settings of the Go runtime have no meaning here",
}
_RESERVED: Final = frozenset(
    {
        "authorization",
        "host",
        "content-encoding",
        "content-length",
        "content-type",
        "user-agent",
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "www-authenticate",
        "accept-encoding",
        "x-prometheus-remote-write-version",
        "x-prometheus-remote-read-version",
        # Added by SigV4.
        "x-amz-date",
        "x-amz-security-token",
        "x-amz-content-sha256",
    }
)


def _headers(section: LookedOver) -> str:
    given = section.value("headers")
    for name in {} if given is None else given.group():
        if name.lower() == "authorization":
            return "headers: authorization is set by basic_auth, authorization or oauth2"
        if name.lower() in _RESERVED:
            return f"headers: {name} is reserved and must not be set"
    return ""


def _has_url(section: LookedOver) -> str:
    # An empty one is taken, as Prometheus takes it.
    return "url is missing" if section.value("url") is None else ""


_COMMON: Final[tuple[Check, ...]] = (_has_url, is_readable_url("url"), _headers)
_REMOTE: Final = {
    "remote_write": Form(
        "remote_write",
        (
            *_COMMON,
            is_one_of(
                "protobuf_message",
                "prometheus.WriteRequest",
                "io.prometheus.write.v2.Request",
                default="prometheus.WriteRequest",
            ),
            at_most_one_of("basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"),
        ),
        {
            "remote_timeout": Value.duration_ms,
            "queue_config": section_of(
                capacity=Value.integer,
                max_shards=Value.integer,
                min_shards=Value.integer,
                max_samples_per_send=Value.integer,
                batch_send_deadline=Value.duration_ms,
                min_backoff=Value.duration_ms,
                max_backoff=Value.duration_ms,
                retry_on_http_429=Value.boolean,
                sample_age_limit=Value.duration_ms,
            ),
            "metadata_config": section_of(
                send=Value.boolean, send_interval=Value.duration_ms, max_samples_per_send=Value.integer
            ),
            "send_exemplars": Value.boolean,
            "send_native_histograms": Value.boolean,
            "name": Value.text,
        },
    ),
    "remote_read": Form(
        "remote_read",
        _COMMON,
        {
            "remote_timeout": Value.duration_ms,
            "read_recent": Value.boolean,
            "required_matchers": Value.group,
            "filter_external_labels": Value.boolean,
            "name": Value.text,
        },
    ),
}
_TRACING: Final = Form(
    "tracing",
    (
        needs("endpoint"),
        is_one_of("client_type", "grpc", "http", default="grpc"),
        is_one_of("compression", "", "gzip"),
        _headers,
    ),
    {"sampling_fraction": Value.number, "insecure": Value.boolean, "timeout": Value.duration_ms},
    has_http=False,
)


def read_elsewhere(fields: Fields, base_dir: Path, note: Callable[[int, str, str], None]) -> None:
    """Take the sections; faults are noted with their lines, by `note` that they are not served."""
    for name, reason in _REASONS.items():
        value = fields.take_set(name)
        if value is None:
            continue
        note(value.line, name, f"accepted but not served: {reason}")
        if name in _REMOTE:
            value.source.attempt(partial(_look_over_remote, name, value, base_dir), None)
        elif name == "tracing" and not value.is_null():
            value.source.attempt(partial(_look_over_tracing, value, base_dir), None)
        else:
            value.source.attempt(partial(Fields, value, name), None)


def _look_over_remote(name: str, value: Value, base_dir: Path) -> None:
    names: set[str] = set()
    for one in value.items():
        value.source.attempt(partial(_look_over_one, name, one, base_dir, names), None)


def _look_over_one(name: str, one: Value, base_dir: Path, names: set[str]) -> None:
    look_over(_REMOTE[name], one, base_dir)
    section = LookedOver(one, name)
    own = section.text("name")
    if own and own in names:
        raise one.fault(f"{name}: there is another of the name {own!r}; names must be unique")
    names.add(own)
    if name == "remote_write":
        read_rules(section.fields, "write_relabel_configs", legacy=False)


def _look_over_tracing(value: Value, base_dir: Path) -> None:
    look_over(_TRACING, value, base_dir)
    tls = LookedOver(value, "tracing").value("tls_config")
    if tls is not None:
        read_tls(tls, base_dir, notes=True)
