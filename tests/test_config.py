"""Settings: what a file may say, and how its faults are named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from pharos.config import Settings, check_prometheus, external_url, load_settings, sampling_of, split_address
from pharos.document import FaultsError
from pharos.errors import Kind, PharosError


def _file(folder: Path, text: str) -> Path:
    path = folder / "pharos.yml"
    path.write_text(text)
    return path


def test_without_a_file_every_setting_has_its_default() -> None:
    assert load_settings(None, {}) == Settings()


def test_an_empty_file_is_a_file_of_defaults(tmp_path: Path) -> None:
    assert load_settings(_file(tmp_path, "# nothing yet\n"), {}) == Settings()


def test_durations_and_sizes_are_read_with_their_units(tmp_path: Path) -> None:
    text = (
        "retention:\n  metrics: 1d12h\n"
        "ingest:\n  max_body: 1.5MB\n  min_free_disk: 2 GB\n"
        "engine:\n  memory: 1073741824\n"
    )
    settings = load_settings(_file(tmp_path, text), {})
    assert settings.retention.metrics == 36 * 3_600_000
    assert settings.ingest.max_body == 1536 << 10
    assert settings.ingest.min_free_disk == 2 << 30
    assert settings.engine.memory == 1 << 30


def test_a_zero_needs_no_unit(tmp_path: Path) -> None:
    assert load_settings(_file(tmp_path, "retention: {metrics: 0}\n"), {}).retention.metrics == 0


def test_what_the_command_line_says_wins(tmp_path: Path) -> None:
    path = _file(tmp_path, "listen: 127.0.0.1:9000\ninsecure: true\n")
    settings = load_settings(path, {"listen": "127.0.0.1:1", "insecure": None})
    assert (settings.listen, settings.insecure) == ("127.0.0.1:1", True)


def test_paths_in_a_file_count_from_that_file(tmp_path: Path) -> None:
    settings = load_settings(_file(tmp_path, "data: store\nprometheus: /etc/p.yml\n"), {})
    assert settings.data == tmp_path / "store"
    assert settings.prometheus == Path("/etc/p.yml")
    assert load_settings(_file(tmp_path, "data: store\n"), {"data": Path("here")}).data == Path("here")


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("listne: x\n", ":1: listne: "),
        ("retention:\n  metric: 5d\n", ":2: retention.metric: "),
        ("retention:\n  metrics: soon\n", ':2: retention.metrics: not a valid duration string: "soon"'),
        ("retention: {metrics: 59m}\n", ":1: retention.metrics: must be at least 1h, or 0, which keeps them"),
        ("retention: {metrics: 51y}\n", ":1: retention.metrics: must be at most 50y"),
        ("listen: nowhere\n", ":1: listen: not an address: 'nowhere'"),
        ("self_scrape_interval: 0\n", ":1: self_scrape_interval: must be at least 100ms"),
        ("ingest: {max_pending: 0}\n", ":1: ingest.max_pending: must be at least 32MB"),
        ("ingest: {max_body: 0}\n", ":1: ingest.max_body: must be at least 64KB"),
        ("ingest: {min_free_disk: -1GB}\n", ":1: ingest.min_free_disk: must be between 0 and"),
        ("promql: {lookback: 0s}\n", ":1: promql.lookback: must be at least 1s"),
        ("promql: {timeout: 0}\n", ":1: promql.timeout: must be at least 100ms"),
        ("promql: {max_memory: 1KB}\n", ":1: promql.max_memory: must be at least 1MB, or 0"),
        ("promql:\n  cache: -1\n", ":2: promql.cache: must be between 0 and"),
        ("engine: {memory: 1}\n", ":1: engine.memory: must be at least 256MB"),
        ("engine: {memory: infGB}\n", ":1: engine.memory: not a size: 'infGB'"),
        ("engine: {memory: true}\n", ":1: engine.memory: not a size: 'true'"),
        ("# a comment\n\nengine:\n  query_threads: 0\n", ":4: engine.query_threads: "),
        ("engine:\n  query_threads: 65\n", ":2: engine.query_threads: "),
        ("engine:\n  query_threads: many\n", ":2: engine.query_threads: "),
        ("engine: 4\n", ":1: engine: "),
        ("ingest:\n  max_body: 3 parsecs\n", ":2: ingest.max_body: not a size: '3 parsecs'"),
        ("insecure: perhaps\n", ":1: insecure: "),
        ("promql: {max_steps: 1, max_samples: -1}\n", ":1: promql.max_samples: "),
    ],
)
def test_a_fault_names_file_line_and_key(tmp_path: Path, text: str, where: str) -> None:
    path = _file(tmp_path, text)
    with pytest.raises(PharosError) as raised:
        load_settings(path, {})
    assert raised.value.kind is Kind.INVALID
    assert str(path) in str(raised.value)
    assert where in str(raised.value)


def test_every_fault_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(PharosError) as raised:
        load_settings(_file(tmp_path, "a: 1\nb: 2\n"), {})
    assert "pharos.yml:1: a: " in str(raised.value)
    assert "pharos.yml:2: b: " in str(raised.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"a: [1,\n", "pharos.yml:2: not valid YAML"),
        (b"- a list\n", "pharos.yml:1: a mapping of settings is expected"),
        (b"just words", "pharos.yml:1: a mapping of settings is expected"),
        (b"# a\ndata: \xff\n", "pharos.yml:2: the document is not UTF-8 text"),
        (b'# a\ndata: "\x01"\n', "pharos.yml:2: not valid YAML: control characters are not allowed"),
        (b"listen: a\nlisten: b\n", "pharos.yml:2: key 'listen' already set"),
        (b"a: &x [1]\nb: !!python/object:os.system {}\n", "pharos.yml"),
    ],
    ids=["unfinished", "list", "words", "no UTF-8", "control", "twice the same key", "a tag"],
)
def test_what_is_no_settings_file_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "pharos.yml"
    path.write_bytes(content)
    with pytest.raises(PharosError) as raised:
        load_settings(path, {})
    assert says in str(raised.value)
    assert "\n" not in str(raised.value)
    assert "allow_duplicate_keys" not in str(raised.value)


def test_a_prometheus_yml_that_is_not_there_is_named_with_its_line(tmp_path: Path) -> None:
    path = _file(tmp_path, "# scraping\nprometheus: gone.yml\n")
    for file, overrides, where in (
        (path, {}, f"{path}:2: prometheus: {tmp_path / 'gone.yml'}: there is no such file"),
        (path, {"prometheus": Path("other.yml")}, "settings: prometheus: other.yml: there is no such file"),
        (None, {"prometheus": Path("other.yml")}, "settings: prometheus: other.yml: there is no such file"),
    ):
        settings = load_settings(file, overrides)
        with pytest.raises(PharosError) as raised:
            check_prometheus(file, settings)
        assert where in str(raised.value)
    (tmp_path / "gone.yml").touch()
    check_prometheus(path, load_settings(path, {}))
    check_prometheus(None, load_settings(None, {}))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PharosError, match=r"gone\.yml: there is no such file"):
        load_settings(tmp_path / "gone.yml", {})


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_bytes(b"#" * ((1 << 20) + 1))
    with pytest.raises(PharosError) as raised:
        load_settings(path, {})
    assert raised.value.kind is Kind.TOO_LARGE


@pytest.mark.parametrize(
    ("listen", "address"),
    [
        ("127.0.0.1:8080", ("127.0.0.1", 8080)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:9090", ("::1", 9090)),
        (":80", ("0.0.0.0", 80)),
    ],
)
def test_an_address_is_host_and_port(listen: str, address: tuple[str, int]) -> None:
    assert split_address(listen) == address


@pytest.mark.parametrize("listen", ["", "8080", "host", "host:", "host:http", "host:65536", "host:-1"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(PharosError) as raised:
        split_address(listen)
    assert raised.value.kind is Kind.INVALID


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("listen: 127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("listen: '[::1]:8080'", "http://[::1]:8080"),
        ("{listen: 'a.example:8443', tls: {cert: a.pem, key: b.pem}}", "https://a.example:8443"),
        ("{listen: 127.0.0.1:8080, url: 'https://pharos.example'}", "https://pharos.example"),
        ("listen: 127.0.0.1:0", ""),
    ],
)
def test_links_lead_to_where_the_server_listens_unless_it_is_said(
    tmp_path: Path, text: str, url: str
) -> None:
    assert external_url(load_settings(_file(tmp_path, text + "\n"), {})) == url


def test_every_fault_is_told_once_each_a_line_sorted(tmp_path: Path) -> None:
    path = tmp_path / "pharos.yml"
    path.write_text(
        "lisen: 127.0.0.1:1\npromql:\n  max_steps: many\n  lookbak: 5m\n  cache: [1]\n"
        "retention: 3\nengine:\n  query_threads: 65\nadmin_api: perhaps\nhosts: a.example\n"
    )
    with pytest.raises(FaultsError) as raised:
        load_settings(path, {})
    assert str(raised.value).replace(f"{path}:", "").splitlines() == [
        '1: lisen: there is no such setting, did you mean "listen"?',
        "3: promql.max_steps: expected a whole number, got 'many'",
        '4: promql.lookbak: there is no such setting, did you mean "lookback"?',
        "5: promql.cache: not a size: a list (write it as 512MB or 2GB)",
        "6: retention: expected a mapping, got '3'",
        "8: engine.query_threads: must be at most 64, is '65'",
        "9: admin_api: expected true or false, got 'perhaps'",
        "10: hosts: expected a list, got 'a.example'",
    ]


def _settings_of(model: type[BaseModel], prefix: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, field in model.model_fields.items():
        yield (*prefix, name)
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from _settings_of(field.annotation, (*prefix, name))


@pytest.mark.parametrize("keys", list(_settings_of(Settings)), ids=".".join)
@pytest.mark.parametrize("value", ["~", "a b", "-1", "1.5", "[1]", "{a: 1}", "true", "1e999", "''"])
def test_no_fault_is_told_in_the_words_of_a_library(
    tmp_path: Path, keys: tuple[str, ...], value: str
) -> None:
    path = tmp_path / "pharos.yml"
    for key in reversed(keys):
        value = f"{{{key}: {value}}}"
    path.write_text(value)
    told = ""
    try:
        load_settings(path, {})
    except PharosError as exc:
        told = str(exc)
    for words in ("Input", "not understood", "a valid", "unable", "pydantic"):
        assert words not in told.replace("a valid duration string", "")


def test_a_hundred_faults_are_told_and_that_there_are_more(tmp_path: Path) -> None:
    path = _file(tmp_path, "".join(f"key_{i}: 1\n" for i in range(50_000)))
    with pytest.raises(FaultsError) as caught:
        load_settings(path, {})
    told = str(caught.value).splitlines()
    assert len(told) == 101
    assert told[0].startswith(f"{path}:1: key_0: ")
    assert told[99].startswith(f"{path}:100: key_99: ")
    assert told[100] == f"{path}: and more"


def test_rules_of_sampling_are_read(tmp_path: Path) -> None:
    text = """
sampling:
  strategies: strategies.json
  logs:
    - {services: [pay-*], tenants: [a], shares: {info: 1}}
    - {shares: {debug: 10%, info: 0.5, unknown: 0}}
  traces:
    - {services: [checkout], share: 1}
    - {operations: ["job *"], share: 1%}
  slow: 2s
  decide_after: 1m
  metrics:
    - {metrics: [hits_by_user], share: 10%}
"""
    settings = load_settings(_file(tmp_path, text), {}).sampling
    assert settings.strategies == tmp_path / "strategies.json"
    rules = sampling_of(settings)
    assert rules.shares_of_logs("a", "pay-api") == (1.0,) * 7
    assert rules.shares_of_logs("b", "pay-api") == (0.0, 1.0, 0.1, 0.5, 1.0, 1.0, 1.0)
    assert [rule.share for rule in rules.traces] == [1.0, 0.01]
    assert (rules.slow_ms, rules.decide_after_ms) == (2_000, 60_000)
    assert rules.shares_of_metrics("a") == {"hits_by_user": 0.1}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("logs: [{shares: {debug: 1.5}}]", "sampling.logs.0.shares.debug: not a share: '1.5'"),
        ("logs: [{shares: {debug: -1%}}]", "not a share: '-1%'"),
        ("logs: [{shares: {debug: nan}}]", "not a share: 'nan'"),
        ("logs: [{shares: {debg: 0.1}}]", "'debg' is none of unknown, trace, debug"),
        ("logs: [{services: [a]}]", "sampling.logs.0.shares: it is missing"),
        ("logs: [{shares: {}, service: [a]}]", 'did you mean "services"'),
        ("traces: [{services: [a]}]", "sampling.traces.0.share: it is missing"),
        ("decide_after: 1s", "sampling.decide_after: must be at least 10s"),
        ("metrics: [{metrics: [], share: 0.1}]", "must not be empty"),
        ("metrics: [{metrics: [a_bucket], share: 0.1}]", "'a_bucket' are buckets of a histogram"),
    ],
)
def test_faults_in_rules_of_sampling_are_named(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PharosError) as raised:
        load_settings(_file(tmp_path, f"sampling:\n  {text}\n"), {})
    assert message in str(raised.value)
    assert "pharos.yml:2: " in str(raised.value)
