"""prometheus.yml as it is: what is scraped from here, and a notice for each section that Pharos serves
elsewhere.

Field names, defaults and checks are those of Prometheus 3 (config/config.go). Unknown fields are refused
with their line, as Prometheus refuses them; known sections that are not scraping's business, and discovery
mechanisms that are not served, are accepted where Prometheus accepts them, and kept as notices. Environment
references are expanded in external_labels only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.document import FaultsError, Fields, Value, load_document
from pharos.errors import PharosError
from pharos.http_options import HttpOptions
from pharos.http_section import join, read_http
from pharos.ingest.otlp.promotion import NOTHING_PROMOTED
from pharos.ingest.scrape.alerting_section import read_alerting
from pharos.ingest.scrape.elsewhere import read_elsewhere
from pharos.ingest.scrape.job import (
    DEFAULT_PROTOCOLS,
    ESCAPING_SCHEMES,
    SCRAPE_PROTOCOLS,
    AlertingSection,
    DnsDiscovery,
    JobConfig,
    KubernetesDiscovery,
    Limits,
    Notice,
    ScrapeConfig,
)
from pharos.ingest.scrape.kubernetes_section import SECTION as KUBERNETES
from pharos.ingest.scrape.kubernetes_section import read_kubernetes
from pharos.ingest.scrape.other_discovery import (
    OTHER_DISCOVERY,
    look_over_discoveries,
    look_over_discovery,
)
from pharos.ingest.scrape.otlp_section import read_otlp
from pharos.ingest.scrape.sections import (
    read_dns_discovery,
    read_file_discoveries,
    read_http_discoveries,
    read_rules,
    read_scheme,
    read_static_groups,
)
from pharos.named_file import read_named
from pharos.relabel import is_label_name

_DNS: Final = "dns_sd_configs"
_GLOB_NAME = re.compile(r"[^*]*(\*[^/]*)?")
_VARIABLE = re.compile(r"\$(?:(\$)|\{([^}]*)\}|(\w+))")


class _Global(Struct, frozen=True):
    """What jobs inherit."""

    job: JobConfig
    protocols: tuple[str, ...] | None
    escaping: str
    evaluation_interval_ms: int
    rule_query_offset_ms: int
    external_labels: tuple[tuple[str, str], ...]


class _Reading:
    """One reading of a configuration: where relative paths start, and the notices so far."""

    def __init__(self, name: str, base_dir: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.base_dir = base_dir
        self.environment = environment
        self.notices: list[Notice] = []

    def note(self, line: int, section: str, text: str) -> None:
        self.notices.append(Notice(self.name, line, section, text))


def load_scrape_config(
    source: Path | str, base_dir: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> ScrapeConfig:
    """Return the configuration in a file (a Path) or a text (a str, with `base_dir` for relative paths).

    `environment` fills `${VAR}` in external_labels. Raises FaultsError with a `file:line: message` for each
    fault: INVALID for what Prometheus would refuse, UNSUPPORTED for what would change the meaning if it were
    ignored; PharosError(MISSING) for no file.
    """
    if isinstance(source, Path):
        name, text = str(source), read_named(source)
        base_dir = base_dir or source.parent
    else:
        name, text = "prometheus.yml", source.encode()
    reading = _Reading(name, (base_dir or Path()).absolute(), environment or {})
    root = load_document(text, name)
    fields = Fields(root, "the configuration")
    common = _global(fields, reading)
    read_elsewhere(fields, reading.base_dir, reading.note)
    rule_files = _patterns(fields, "rule_files", reading)
    alerting = fields.read(
        "alerting", lambda value: read_alerting(value, reading.base_dir), AlertingSection()
    )
    otlp = fields.read(
        "otlp", lambda value: read_otlp(value, reading.note, legacy=common.job.legacy_names), NOTHING_PROMOTED
    )
    extra_files = _patterns(fields, "scrape_config_files", reading)
    jobs = _jobs(fields, common, reading)
    fields.done()
    faults = list(root.source.ordered())
    origin = dict.fromkeys((job.job_name for job in jobs), name)
    for pattern in extra_files:
        base = Path(pattern)
        for path in sorted(base.parent.glob(base.name)):
            try:
                more = _more_jobs(path, common, reading, origin)
            except PharosError as exc:
                faults += exc.faults if isinstance(exc, FaultsError) else [exc]
            else:
                jobs += more
    if faults:
        raise FaultsError(tuple(faults))
    return ScrapeConfig(
        jobs=tuple(jobs),
        notices=tuple(reading.notices),
        external_labels=common.external_labels,
        evaluation_interval_ms=common.evaluation_interval_ms,
        rule_query_offset_ms=common.rule_query_offset_ms,
        rule_files=rule_files,
        alerting=alerting,
        otlp=otlp,
    )


def _more_jobs(path: Path, common: _Global, reading: _Reading, origin: dict[str, str]) -> list[JobConfig]:
    """Return the jobs of a file of scrape_config_files; `origin` says where each name was given first."""
    more = _Reading(str(path), path.parent, reading.environment)
    root = load_document(read_named(path), str(path))
    fields = Fields(root, "the scrape config file")
    jobs = _jobs(fields, common, more)
    for job in jobs:
        if job.job_name in origin:
            message = (
                f"found multiple scrape configs with job name {job.job_name!r}, "
                f"first found in {origin[job.job_name]}"
            )
            root.source.faults.append(root.source.fault(job.line, message))
        origin.setdefault(job.job_name, str(path))
    fields.done()
    root.source.raise_faults()
    reading.notices += more.notices
    return jobs


def _patterns(fields: Fields, name: str, reading: _Reading) -> tuple[str, ...]:
    what = "rule file" if name == "rule_files" else "scrape config file"

    def pattern(one: Value) -> str:
        if _GLOB_NAME.fullmatch(one.text()) is None:
            raise one.fault(f"invalid {what} path {one.text()!r}")
        return join(reading.base_dir, one.text())

    return fields.read(name, lambda value: tuple(value.each(pattern)), ())


def _global(fields: Fields, reading: _Reading) -> _Global:
    absent = _Global(JobConfig(""), None, "", 60_000, 0, ())
    return fields.read("global", lambda value: _global_of(value, reading), absent)


def _global_of(value: Value, reading: _Reading) -> _Global:
    inner = Fields(value, "global")
    interval = inner.read("scrape_interval", Value.duration_ms, 0) or 60_000
    timeout = inner.read("scrape_timeout", Value.duration_ms, 0)
    if timeout > interval and not value.source.faults:
        fault = value.fault("global scrape timeout greater than scrape interval")
        value.source.faults.append(fault)
    legacy = inner.attempt(partial(_is_legacy, default=False), False)
    job = JobConfig(
        job_name="",
        scrape_interval_ms=interval,
        scrape_timeout_ms=timeout or min(10_000, interval),
        limits=_limits(inner, Limits()),
        legacy_names=legacy,
        scrape_native_histograms=inner.read("scrape_native_histograms", Value.boolean, default=False),
        always_scrape_classic_histograms=inner.read(
            "always_scrape_classic_histograms", Value.boolean, default=False
        ),
        extra_scrape_metrics=inner.read("extra_scrape_metrics", Value.boolean, default=False),
    )
    inner.attempt(partial(_not_converted, reading=reading), None)
    for name in ("query_log_file", "scrape_failure_log_file"):
        given = inner.take(name)
        if given is not None:
            reading.note(given.line, f"global.{name}", "accepted but not served")
    found = _Global(
        job=job,
        protocols=inner.attempt(partial(_protocols, where="global config"), None),
        escaping=inner.attempt(partial(_escaping, legacy=legacy, inherited=""), ""),
        evaluation_interval_ms=inner.read("evaluation_interval", Value.duration_ms, 0) or 60_000,
        rule_query_offset_ms=inner.read("rule_query_offset", Value.duration_ms, 0),
        external_labels=inner.attempt(partial(_external_labels, legacy=legacy, reading=reading), ()),
    )
    inner.done()
    return found


def _external_labels(fields: Fields, legacy: bool, reading: _Reading) -> tuple[tuple[str, str], ...]:
    value = fields.take("external_labels")
    if value is None:
        return ()

    def expand(one: re.Match[str]) -> str:
        return "$" if one[1] else reading.environment.get(one[2] or one[3] or "", "")

    labels = {}
    for name, line, inner in value.pairs():
        if not is_label_name(name, legacy):
            raise value.source.fault(line, f"{name!r} is not a valid label name")
        labels[name] = _VARIABLE.sub(expand, inner.text())
    return tuple(sorted(labels.items()))


def _is_legacy(fields: Fields, *, default: bool) -> bool:
    value = fields.take("metric_name_validation_scheme")
    if value is None or not value.text():
        return default
    if value.text() not in {"legacy", "utf8"}:
        raise value.fault(
            "unknown scrape config name validation method specified, must be either '', 'legacy' or 'utf8', "
            f"got {value.text()}"
        )
    return value.text() == "legacy"


def _escaping(fields: Fields, legacy: bool, inherited: str) -> str:
    value = fields.take("metric_name_escaping_scheme")
    text = value.text() if value is not None else ""
    if value is not None and text not in {"", *ESCAPING_SCHEMES}:
        raise value.fault(
            "unknown name escaping method specified, must be one of "
            f"{', '.join(ESCAPING_SCHEMES)}, got {text!r}"
        )
    if value is not None and legacy and text == "allow-utf-8":
        raise value.fault("utf8 metric names requested but validation scheme is not set to UTF8")
    return text or inherited or ("underscores" if legacy else "allow-utf-8")


def _limits(fields: Fields, inherited: Limits) -> Limits:
    found = {
        name: fields.read(name, Value.whole, 0) or getattr(inherited, name)
        for name in (
            "sample_limit",
            "target_limit",
            "label_limit",
            "label_name_length_limit",
            "label_value_length_limit",
            "keep_dropped_targets",
        )
    }
    size = fields.read("body_size_limit", Value.size_bytes, 0) or inherited.body_size_limit
    return replace(Limits(**found), body_size_limit=size)


def _protocols(fields: Fields, where: str) -> tuple[str, ...] | None:
    value = fields.take_set("scrape_protocols")
    if value is None:
        return None
    names = value.texts()
    if not names:
        raise value.fault(f"scrape_protocols cannot be empty for {where}")
    if len({name.lower() for name in names}) != len(names):
        raise value.fault(f"duplicated protocol in scrape_protocols, got {list(names)} for {where}")
    for name in names:
        _check_protocol(value, name)
    return names


def _check_protocol(value: Value, name: str) -> None:
    if name not in SCRAPE_PROTOCOLS:
        raise value.fault(f"unknown scrape protocol {name}, supported: {', '.join(sorted(SCRAPE_PROTOCOLS))}")


def _not_converted(fields: Fields, reading: _Reading) -> None:
    value = fields.take("convert_classic_histograms_to_nhcb")
    if value is not None and value.boolean():
        reading.note(value.line, value.path, "classic histograms are stored as they come, not converted")


def _jobs(fields: Fields, common: _Global, reading: _Reading) -> list[JobConfig]:
    names: set[str] = set()

    def job(one: Value) -> JobConfig:
        if one.is_null():
            raise one.fault("empty or null scrape config section")
        found = _job(one, common, reading)
        if found.job_name in names:
            raise one.fault(f"found multiple scrape configs with job name {found.job_name!r}")
        names.add(found.job_name)
        return found

    return fields.read("scrape_configs", lambda value: list(value.each(job)), [])


def _job(value: Value, common: _Global, reading: _Reading) -> JobConfig:
    fields = Fields(value, "scrape_config")
    source = value.source
    known = len(source.faults)
    name = fields.read("job_name", Value.text, "")
    if not name and len(source.faults) == known:
        source.faults.append(value.fault("job_name is empty"))
    inherited = common.job
    interval = fields.read("scrape_interval", Value.duration_ms, 0) or inherited.scrape_interval_ms
    timeout = fields.read("scrape_timeout", Value.duration_ms, 0)
    if timeout > interval and len(source.faults) == known:
        message = f"scrape timeout greater than scrape interval for scrape config with job name {name!r}"
        source.faults.append(value.fault(message))
    legacy, escaping = fields.attempt(
        partial(_names, common=common), (inherited.legacy_names, common.escaping)
    )
    rules = read_rules(fields, "relabel_configs", legacy=legacy)
    native = fields.read("scrape_native_histograms", Value.boolean, inherited.scrape_native_histograms)
    job = JobConfig(
        job_name=name,
        scrape_interval_ms=interval,
        scrape_timeout_ms=timeout or min(inherited.scrape_timeout_ms, interval),
        metrics_path=fields.read("metrics_path", Value.text, "") or "/metrics",
        scheme=fields.attempt(read_scheme, "http"),
        params=fields.attempt(_params, ()),
        honor_labels=fields.read("honor_labels", Value.boolean, default=False),
        honor_timestamps=fields.read("honor_timestamps", Value.boolean, default=True),
        track_timestamps_staleness=fields.read("track_timestamps_staleness", Value.boolean, default=False),
        scrape_protocols=fields.attempt(lambda one: _job_protocols(one, name, common, native), ()),
        fallback_scrape_protocol=fields.attempt(_fallback, ""),
        scrape_native_histograms=native,
        always_scrape_classic_histograms=fields.read(
            "always_scrape_classic_histograms", Value.boolean, inherited.always_scrape_classic_histograms
        ),
        enable_compression=fields.read("enable_compression", Value.boolean, default=True),
        extra_scrape_metrics=fields.read(
            "extra_scrape_metrics", Value.boolean, inherited.extra_scrape_metrics
        ),
        legacy_names=legacy,
        escaping=escaping,
        limits=_limits(fields, inherited.limits),
        http=fields.attempt(partial(read_http, base_dir=reading.base_dir), HttpOptions()),
        relabel_rules=rules,
        metric_relabel_rules=read_rules(fields, "metric_relabel_configs", legacy=legacy),
        static_groups=read_static_groups(fields, check=not rules),
        file_discoveries=read_file_discoveries(fields, reading.base_dir),
        http_discoveries=read_http_discoveries(fields, reading.base_dir),
        dns_discoveries=_dns(fields, reading),
        clusters=_clusters(fields, reading),
        line=value.line,
    )
    fields.attempt(partial(_not_converted, reading=reading), None)
    _note_unserved(fields, reading)
    fields.done()
    return job


def _names(fields: Fields, common: _Global) -> tuple[bool, str]:
    """Return (classic names only, escaping asked for) of a job."""
    given = [name for name, _, _ in fields.left() if name == "metric_name_validation_scheme"]
    legacy = _is_legacy(fields, default=common.job.legacy_names)
    inherited = "" if given and legacy != common.job.legacy_names else common.escaping
    return legacy, _escaping(fields, legacy, inherited)


def _params(fields: Fields) -> tuple[tuple[str, tuple[str, ...]], ...]:
    value = fields.take("params")
    return () if value is None else tuple(sorted(value.mapping(Value.texts).items()))


def _job_protocols(fields: Fields, name: str, common: _Global, native: bool) -> tuple[str, ...]:
    own = _protocols(fields, f"scrape config with job name {name!r}")
    if own is not None or common.protocols is not None:
        return own or common.protocols or ()
    return ("PrometheusProto", *DEFAULT_PROTOCOLS) if native else DEFAULT_PROTOCOLS


def _fallback(fields: Fields) -> str:
    value = fields.take("fallback_scrape_protocol")
    if value is None or not value.text():
        return ""
    _check_protocol(value, value.text())
    return value.text()


def _looked_over(fields: Fields, name: str, reading: _Reading) -> Iterator[Value]:
    """Yield those discoveries of a kind that Prometheus takes; faults of the others are noted."""
    value = fields.take(name)
    for one in value.items() if value is not None else ():
        known = len(one.source.faults)
        look_over_discovery(name, one, reading.base_dir)
        if len(one.source.faults) == known:
            yield one


def _dns(fields: Fields, reading: _Reading) -> tuple[DnsDiscovery, ...]:
    found: list[DnsDiscovery] = []
    for one in _looked_over(fields, _DNS, reading):
        found += one.source.attempt(partial(read_dns_discovery, one), ())
    return tuple(found)


def _clusters(fields: Fields, reading: _Reading) -> tuple[KubernetesDiscovery, ...]:
    found = []
    for one in _looked_over(fields, KUBERNETES, reading):
        read = partial(read_kubernetes, one, reading.base_dir, reading.environment, reading.note)
        found.append(one.source.attempt(read, None))
    return tuple(one for one in found if one is not None)


def _note_unserved(fields: Fields, reading: _Reading) -> None:
    """Take what is known but not served out of a job, with a notice for each."""
    reasons = {
        "native_histogram_bucket_limit": "native histograms are stored as they come",
        "native_histogram_min_bucket_factor": "native histograms are stored as they come",
        "scrape_failure_log_file": "failed scrapes are shown by /api/v1/targets",
    }
    for name, line, value in fields.left():
        if name in OTHER_DISCOVERY:
            value.source.attempt(partial(look_over_discoveries, name, value, reading.base_dir), None)
            reading.note(
                line,
                name,
                "this discovery is not served yet: use http_sd_configs, file_sd_configs or static_configs",
            )
        elif name in reasons:
            reading.note(line, name, f"accepted but not served: {reasons[name]}")
    for name in (*OTHER_DISCOVERY, *reasons):
        # Those that are not written too: what is misspelt is told what it may be.
        fields.take(name)
