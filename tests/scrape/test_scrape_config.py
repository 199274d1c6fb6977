"""prometheus.yml: what is taken from it, what is refused at which line, and that it cannot hurt or leak."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.job import DEFAULT_PROTOCOLS, FileDiscovery, JobConfig, TargetGroup
from pharos.outbound import SecretText
from pharos.secret import Secret

CASES = YAML(typ="safe").load(Path(__file__).parent / "cases" / "config.yaml")
ELSEWHERE = YAML(typ="safe").load(Path(__file__).parent / "cases" / "elsewhere.yaml")

FULL = """\
# A file with most of what a prometheus.yml may hold.
global:
  scrape_interval: 15s
  evaluation_interval: 30s
  external_labels:
    monitor: codelab
    region: ${REGION}-$ZONE
    price: $$5
    gone: ${NOT_SET}
  body_size_limit: 15MB
  sample_limit: 1500
  query_log_file: query.log
rule_files: [first.rules, "my/*.rules"]
alerting:
  alertmanagers: [{static_configs: [{targets: [a:9093]}]}]
remote_write: [{url: http://x/y}]
defaults: &defaults
  scrape_timeout: 4s
"""

JOBS = """\
global: {scrape_interval: 15s, sample_limit: 1500, label_limit: 30}
scrape_configs:
- job_name: prometheus
  honor_labels: true
  honor_timestamps: no
  track_timestamps_staleness: yes
  scrape_interval: 50s
  scrape_timeout: 5s
  metrics_path: /my_path
  scheme: https
  params: {module: [http_2xx, other], target: [x]}
  body_size_limit: 10MB
  sample_limit: 1000
  target_limit: 35
  keep_dropped_targets: 3
  fallback_scrape_protocol: PrometheusText0.0.4
  enable_compression: false
  extra_scrape_metrics: true
  bearer_token_file: valid_token_file
  tls_config: {ca_file: ca.crt, server_name: other, insecure_skip_verify: true, min_version: TLS12}
  follow_redirects: false
  proxy_url: http://user:secret@proxy:3128
  http_headers: {X-Tenant: {values: [one]}}
  file_sd_configs:
  - files: [foo/*.slow.json, /abs/single.yml]
    refresh_interval: 10m
  static_configs:
  - targets: ['localhost:9090', localhost:9191]
    labels: {my: label, number: 5}
  relabel_configs:
  - {source_labels: [job, __meta_dns_name], regex: '(.*)some-[regex]', target_label: job,
      replacement: 'foo-${1}'}
  - {source_labels: [], regex: null, target_label: abc}
  kubernetes_sd_configs: [{role: pod}]
- job_name: plain
  basic_auth: {username: admin, password: "multiline\\nmysecret"}
"""


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["error"])
def test_refused_with_file_and_line(case: dict[str, Any]) -> None:
    with pytest.raises(PharosError) as raised:
        load_scrape_config(case["text"])
    assert str(raised.value).startswith(case["error"])
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize("case", ELSEWHERE, ids=lambda case: case.get("error") or case["text"])
def test_what_is_not_served_is_refused_where_prometheus_refuses_it(case: dict[str, str]) -> None:
    if "error" not in case:
        assert load_scrape_config(case["text"]).notices
        return
    with pytest.raises(PharosError) as caught:
        load_scrape_config(case["text"])
    assert caught.value.message.startswith(case["error"])


def test_global_fields_environment_and_notices(tmp_path: Path) -> None:
    config = load_scrape_config(
        FULL.partition("defaults:")[0], tmp_path, environment={"REGION": "eu", "ZONE": "1"}
    )
    assert config.external_labels == (
        ("gone", ""),
        ("monitor", "codelab"),
        ("price", "$5"),
        ("region", "eu-1"),
    )
    assert config.evaluation_interval_ms == 30_000
    assert config.rule_files == (str(tmp_path / "first.rules"), str(tmp_path / "my/*.rules"))
    assert [(one.line, one.section) for one in config.notices] == [
        (12, "global.query_log_file"),
        (16, "remote_write"),
    ]
    assert str(config.notices[1]).startswith("prometheus.yml:16: remote_write: accepted but not served: ")


def test_every_field_of_a_job(tmp_path: Path) -> None:
    config = load_scrape_config(JOBS, tmp_path)
    job, plain = config.jobs
    assert (job.scrape_interval_ms, job.scrape_timeout_ms, job.metrics_path, job.scheme) == (
        50_000,
        5_000,
        "/my_path",
        "https",
    )
    assert (job.honor_labels, job.honor_timestamps, job.track_timestamps_staleness) == (True, False, True)
    assert job.params == (("module", ("http_2xx", "other")), ("target", ("x",)))
    limits = job.limits
    assert (limits.body_size_limit, limits.sample_limit, limits.target_limit, limits.label_limit) == (
        10 * 1024 * 1024,
        1000,
        35,
        30,
    )
    assert (job.enable_compression, job.extra_scrape_metrics) == (False, True)
    assert job.fallback_scrape_protocol == "PrometheusText0.0.4"
    http = job.http
    assert (http.authorization_type, http.credentials) == (
        "Bearer",
        SecretText(path=str(tmp_path / "valid_token_file")),
    )
    assert (http.tls.ca_path, http.tls.server_name) == (str(tmp_path / "ca.crt"), "other")
    assert (http.tls.insecure_skip_verify, http.tls.min_version) == (True, "TLS12")
    assert http.follow_redirects is False
    assert http.proxy_url.reveal() == "http://user:secret@proxy:3128"
    assert http.headers == (("X-Tenant", SecretText(Secret("one"))),)
    assert job.file_discoveries == (FileDiscovery((str(tmp_path / "foo/*.slow.json"), "/abs/single.yml")),)
    assert job.static_groups == (
        TargetGroup("0", ("localhost:9090", "localhost:9191"), (("my", "label"), ("number", "5"))),
    )
    assert job.relabel_rules[0].replacement == "foo-${1}"
    assert job.relabel_rules[1].regex == ""
    assert [(one.line, one.section) for one in config.notices] == [(34, "kubernetes_sd_configs")]
    assert plain.http.password.read() == "multiline\nmysecret"
    assert (plain.scrape_interval_ms, plain.scrape_timeout_ms) == (15_000, 10_000)
    assert plain.scrape_protocols == DEFAULT_PROTOCOLS


def test_empty_configuration_and_empty_global_have_the_defaults() -> None:
    for text in ("", "# nothing\n", "global:\n", "scrape_configs:\n"):
        assert load_scrape_config(text).jobs == ()
    assert load_scrape_config("scrape_configs: [{job_name: a}]").jobs == (JobConfig("a"),)


def test_timeout_follows_a_short_interval() -> None:
    job = load_scrape_config("global: {scrape_interval: 5s}\nscrape_configs: [{job_name: a}]").jobs[0]
    assert (job.scrape_interval_ms, job.scrape_timeout_ms) == (5_000, 5_000)


def test_native_histograms_ask_for_protobuf_first() -> None:
    text = "scrape_configs: [{job_name: a, scrape_native_histograms: true}]"
    assert load_scrape_config(text).jobs[0].scrape_protocols == ("PrometheusProto", *DEFAULT_PROTOCOLS)


def test_classic_names_ask_for_escaped_ones() -> None:
    jobs = load_scrape_config(
        "scrape_configs:\n- {job_name: a, metric_name_validation_scheme: legacy}\n"
        "- {job_name: b, metric_name_escaping_scheme: dots}\n- {job_name: c}\n"
    ).jobs
    assert [(job.legacy_names, job.escaping) for job in jobs] == [
        (True, "underscores"),
        (False, "dots"),
        (False, "allow-utf-8"),
    ]


def test_anchors_and_merge_keys_work_as_in_prometheus() -> None:
    text = (
        "scrape_configs:\n- &base\n  job_name: a\n  scrape_interval: 7s\n  metrics_path: /x\n"
        "- <<: *base\n  job_name: b\n  metrics_path: /y\n"
    )
    jobs = load_scrape_config(text).jobs
    assert [(job.job_name, job.scrape_interval_ms, job.metrics_path) for job in jobs] == [
        ("a", 7_000, "/x"),
        ("b", 7_000, "/y"),
    ]


def test_scrape_config_files_are_read_and_checked_for_names(tmp_path: Path) -> None:
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "a.yml").write_text(
        "scrape_configs:\n- job_name: b\n  tls_config: {ca_file: ca.pem}\n"
    )
    main = tmp_path / "prometheus.yml"
    main.write_text("scrape_config_files: [more/*.yml]\nscrape_configs: [{job_name: a}]\n")
    config = load_scrape_config(main)
    assert [job.job_name for job in config.jobs] == ["a", "b"]
    assert config.jobs[1].http.tls.ca_path == str(tmp_path / "more" / "ca.pem")
    (tmp_path / "more" / "b.yml").write_text("scrape_configs:\n\n- job_name: a\n")
    with pytest.raises(PharosError) as raised:
        load_scrape_config(main)
    assert str(raised.value) == (
        f"{tmp_path}/more/b.yml:3: found multiple scrape configs with job name 'a', first found in {main}"
    )


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(PharosError) as raised:
        load_scrape_config(tmp_path / "nothing.yml")
    assert raised.value.kind is Kind.MISSING
    assert "nothing.yml" in str(raised.value)


def test_secrets_do_not_print() -> None:
    config = load_scrape_config(
        "scrape_configs:\n- job_name: a\n  basic_auth: {username: u, password: hunter2}\n"
        "  proxy_url: http://u:hunter2@p:1\n- job_name: b\n  authorization: {credentials: hunter2}\n"
        "- job_name: c\n  http_headers: {X: {secrets: [hunter2]}}\n"
    )
    assert "hunter2" not in repr(config)
    assert "hunter2" not in str(config)


def test_alias_bomb_is_bounded() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 12)]
    bomb = "{" + ", ".join(rows) + "}"
    with pytest.raises(PharosError, match="field a0 not found"):
        load_scrape_config(bomb)
    merged = "x0: &x0 {a: 1}\n" + "".join(
        f"x{n}: &x{n} {{<<: [{', '.join([f'*x{n - 1}'] * 10)}], b{n}: 1}}\n" for n in range(1, 12)
    )
    with pytest.raises(PharosError) as raised:
        load_scrape_config(merged + "global: *x11\n")
    assert raised.value.kind is Kind.TOO_LARGE


def test_large_and_deep_documents_are_refused() -> None:
    with pytest.raises(PharosError) as raised:
        load_scrape_config("#" * (17 * 1024 * 1024))
    assert raised.value.kind is Kind.TOO_LARGE
    with pytest.raises(PharosError, match="nested too deeply"):
        load_scrape_config("[" * 100_000)
