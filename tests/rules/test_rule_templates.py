"""What labels and annotations of alerts say, and what becomes of templates that fail."""

from __future__ import annotations

import pytest

from pharos.errors import Kind, PharosError
from pharos.labels import Labels
from pharos.rules.template import Around, check_template, expand


def _answers(text: str) -> list[tuple[Labels, float]]:
    if text == "bad":
        raise PharosError(Kind.INVALID, "no such query")
    return [((("instance", f"i{number}"),), float(number)) for number in range(2)]


AROUND = Around(_answers, 1_700_000_000_000, (("cluster", "north"),), "https://mon.example.org/base")


def _expand(text: str, value: float | str = 1.0) -> str:
    return expand(text, {"job": "api"}, value, AROUND, "High")


def test_what_a_template_may_name_is_there() -> None:
    text = "{{ $labels.job }} {{ .Value }} {{ $externalLabels.cluster }} {{ $externalURL }}"
    assert (
        _expand(text + " {{ now }} {{ pathPrefix }}", 2.5)
        == "api 2.5 north https://mon.example.org/base 1.7e+09 /base"
    )


def test_a_histogram_is_its_text() -> None:
    assert _expand("{{ $value }}", "{count:3}") == "{count:3}"


@pytest.mark.parametrize(
    ("template", "message"),
    [
        ("{{ nosuch }}", 'function "nosuch" not defined'),
        ("{{ $nosuch }}", 'undefined variable "$nosuch"'),
        ("{{ tmpl `x` . }}", 'function "tmpl" not defined'),
        ("a {{ if }}", "missing value for if"),
        ("{{ end }}", "unexpected {{end}}"),
    ],
)
def test_what_is_no_template_is_refused_at_once(template: str, message: str) -> None:
    with pytest.raises(PharosError) as raised:
        check_template(template, "High")
    assert f"template: __alert_High:1: {message}" in raised.value.message


def test_what_fails_when_it_is_run_is_said_in_the_text() -> None:
    assert _expand("{{ humanize true }}") == (
        "<error expanding template: error executing template __alert_High: template: __alert_High:1:115:"
        ' executing "__alert_High" at <humanize true>: error calling humanize: can\'t convert bool to float>'
    )


def test_a_query_that_fails_is_said_in_the_text() -> None:
    assert "error calling query: no such query>" in _expand('{{ query "bad" }}')


def test_queries_are_bounded() -> None:
    text = "{{ range 1000 }}{{ query `up` | len }}{{ end }}"
    assert "takes more than" in _expand(text)
    assert _expand("{{ range 20 }}{{ query `up` | len }}{{ end }}") == "2" * 20


def test_samples_are_sorted_and_read() -> None:
    text = (
        "{{ with query `up` }}{{ . | first | label `instance` }} {{ . | first | value }}"
        "{{ range sortByLabel `instance` . }} {{ .Labels.instance }}={{ .Value }}{{ end }}{{ end }}"
    )
    assert _expand(text) == "i0 0 i0=0 i1=1"


def test_durations_and_times_are_values_of_their_own() -> None:
    text = (
        "{{ (toDuration 90).String }} {{ (parseDurationTime `1h`).Minutes }} {{ parseDuration `1m` }}"
        " {{ (toTime 0).Year }} {{ humanizeDuration (toDuration 61) }} {{ urlQueryEscape `a b&` }}"
    )
    assert _expand(text) == "1m30s 60 60 1970 1m 1s a+b%26"
