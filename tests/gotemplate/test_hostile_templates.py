"""Templates of people one does not trust: they end, stay small, and reach nothing but their data."""

from __future__ import annotations

import re
from contextlib import suppress
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.gotemplate.test_go_templates import DATA, FUNCTIONS

from pharos.errors import Kind, PharosError
from pharos.gotemplate import Limits, Templates
from pharos.gotemplate.values import Compound
from pharos.notify.template_functions import FUNCTIONS as OF_NOTIFICATIONS

BOMBS: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "bombs.yaml").read_text("utf-8"))
LIMITS = Limits(steps=20_000, characters=500_000)
SMALL = Limits(steps=2_000, characters=20_000)


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb["template"][:60])
def test_a_bomb_ends_in_an_error_that_says_why(bomb: dict[str, str]) -> None:
    templates = Templates(OF_NOTIFICATIONS, LIMITS).reading("x", bomb["template"])
    with pytest.raises(PharosError) as raised:
        templates.expand("x", DATA)
    assert raised.value.kind in {Kind.LIMITED, Kind.INVALID}
    assert re.search(bomb["says"], raised.value.message), raised.value.message


def test_the_limits_are_told_with_the_place_that_met_them() -> None:
    templates = Templates({}, Limits(steps=100)).reading("x", "a\n{{ range 1000 }}{{ . }}{{ end }}")
    with pytest.raises(PharosError, match=r"template: x:2:\d+: .*takes more than 100 steps"):
        templates.expand("x", None)


@pytest.mark.parametrize(
    "template",
    [
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
        "{{ if 1 }}" * 5000 + "{{ end }}" * 5000,
        "{{ if 1 }}" + "{{ else if 1 }}" * 5000 + "{{ end }}",
        "{{ range 1 }}{{ with 1 }}" * 3000,
        "{{ " + "print " * 20_000 + "}}",
        "{{ 1" + " | print" * 20_000 + " }}",
        "{{ ." + ".a" * 100_000 + " }}",
        "{{" * 100_000,
        "{{/*" * 100_000,
        "{{ `" + "x" * 900_000,
        "x" * 2_000_000,
        '{{ "' + "\\u0041" * 100_000 + '" | len }}',
        "{{ " + "9" * 400_000 + " }}",
        "{{ 1." + "9" * 400_000 + " }}",
        "{{ 'a" + "b" * 400_000 + "' }}",
        "{{ 0x" + "f" * 400_000 + "p1 }}",
        '{{ printf "%' + "9" * 400_000 + 'd" 1 }}',
        '{{ printf "%[' + "9" * 400_000 + ']d" 1 }}',
    ],
    ids=lambda template: template[:20],
)
def test_what_is_deep_or_long_ends(template: str) -> None:
    with suppress(PharosError):
        assert len(Templates({}, SMALL).reading("x", template).expand("x", DATA)) <= SMALL.characters


@pytest.mark.parametrize(
    "path",
    [
        "__class__",
        "__init__",
        "fields",
        "items",
        "entries",
        "methods",
        "type_name",
        "moment",
        "zone",
        "shown",
    ],
)
def test_nothing_of_python_is_reached(path: str) -> None:
    templates = Templates(FUNCTIONS)
    for value in (".S", ".I", ".L", ".A", ".T", ".D", "."):
        at = "$." if value == "." else f"{value}."
        with pytest.raises(PharosError, match="can't evaluate field"):
            templates.reading("x", f"{{{{ {at.removeprefix('$')}{path} }}}}").expand("x", DATA)
    assert templates.reading("x", f"{{{{ .M.{path} }}}}").expand("x", DATA) == ""


def test_ranges_in_one_another_are_not_gone_through_over_and_over() -> None:
    nested = "{{ range 1 }}" * 90 + "<p>" + "{{ end }}" * 90
    assert _expanded(nested, DATA, is_html=True) == "<p>"
    nested = '<a href="x' + "{{ range 1 }}" * 90 + "?" + "{{ end }}" * 90 + '">'
    assert _expanded(nested, DATA, is_html=True) == '<a href="x?">'


@pytest.mark.parametrize("is_html", [False, True])
def test_a_long_chain_of_templates_ends(is_html: bool) -> None:
    links = "".join(f'{{{{ define "t{n}" }}}}{{{{ template "t{n + 1}" }}}}{{{{ end }}}}' for n in range(3000))
    with pytest.raises(PharosError, match=r"(depth|deep)"):
        _expanded('{{ template "t0" }}' + links, DATA, is_html=is_html)


@pytest.mark.parametrize("value", [chr(0xD800), chr(0xDC80), chr(0xDFFF) + "x"])
@pytest.mark.parametrize(
    "template",
    [
        "{{ . }}",
        "{{ len . }}",
        '{{ printf "%q %x %v" . . . }}',
        "{{ urlquery . }}{{ js . }}",
        "{{ slice . 0 1 }}",
    ],
)
def test_half_a_character_is_taken(template: str, value: str) -> None:
    for prefix in ("<p>", '<a href="', "<script>", "<a title="):
        end = {"<p>": "", "<script>": "</script>", "<a title=": ">"}.get(prefix, '">')
        templates = Templates({}).reading("x", prefix + template + end)
        templates.expand("x", value)
        templates.escaping("x").expand("x", value)


def test_values_that_look_like_templates_stay_text() -> None:
    templates = Templates({}).reading("x", "{{ . }}").expand("x", "{{ .Secret }}")
    assert templates == "{{ .Secret }}"


# --- random templates

_WORDS = st.sampled_from(
    [
        *("{{", "}}", "{{-", " -}}", "{{/*", "*/}}", " ", "\n", "|", "(", ")", ".", "$", ":=", "=", ","),
        *(
            "if",
            "else",
            "else if",
            "end",
            "range",
            "with",
            "define",
            "template",
            "block",
            "break",
            "continue",
        ),
        *("nil", "true", "len", "print", "printf", "eq", "lt", "and", "or", "not", "index", "slice", "html"),
        *(
            "js",
            "urlquery",
            "call",
            "list",
            "dict",
            "append",
            "join",
            "match",
            "reReplaceAll",
            "toJson",
            "date",
        ),
        *(".S", ".I", ".F", ".L", ".M", ".A", ".T", ".D", ".N", ".M.k1", "$x", "$y", ".T.Format", ".T.Add"),
        *('"a"', '"%d"', '"%[3]*.[2]*f"', '"%9999v"', "`r`", "'c'", "1", "-1", "1.5", "1e9", "0x1p-2", '"x"'),
        *("<a href=", "<p>", '"', "'", "<script>", "</script>", "<style>", ">", "?", "#", "<!--", "-->", "/"),
    ]
)
_ACTIONS = st.lists(_WORDS, max_size=8).map(lambda words: "{{ " + " ".join(words) + " }}")
_BLOCKS = st.recursive(
    st.one_of(_ACTIONS, st.text(max_size=5), _WORDS),
    lambda inner: st.one_of(
        st.tuples(st.sampled_from([".L", ".A", "$x := .M", "1000", ".B", "."]), inner, inner).map(
            lambda parts: f"{{{{ range {parts[0]} }}}}{parts[1]}{{{{ else }}}}{parts[2]}{{{{ end }}}}"
        ),
        st.tuples(st.sampled_from(["$x := 1", ".L", ".N", 'eq .S "a"']), inner).map(
            lambda parts: f"{{{{ with {parts[0]} }}}}{parts[1]}{{{{ end }}}}"
        ),
        st.lists(inner, max_size=3).map("".join),
        inner.map(lambda body: '{{ define "t" }}' + body + '{{ end }}{{ template "t" . }}'),
    ),
    max_leaves=12,
)


_NO_SPACE_TO_BROWSERS = "".join(c for c in map(chr, range(0x3001)) if c.isspace() and c not in " \t\n\f\r\v")
"""What Python's parser of HTML takes for space and browsers do not."""


class _Tags(HTMLParser):
    """Collects tags with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, *(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(("/", tag))


def _tags(text: str) -> list[tuple[str, ...]]:
    parser = _Tags()
    parser.feed(text)
    parser.close()
    return parser.found


def _expanded(text: str, data: Any, *, is_html: bool) -> str:
    templates = Templates({**FUNCTIONS, **OF_NOTIFICATIONS}, SMALL).reading("x", text)
    return (templates.escaping("x") if is_html else templates).expand("x", data)


@settings(max_examples=400, deadline=None)
@given(_BLOCKS, st.booleans())
def test_any_template_gives_text_within_limits_or_says_what_is_wrong(text: str, is_html: bool) -> None:
    with suppress(PharosError):
        assert len(_expanded(text, DATA, is_html=is_html)) <= SMALL.characters


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(
        [
            "<p>{{ . }}</p>",
            '<p title="{{ . }}">',
            "<p title='{{ . }}'>",
            "<p title={{ . }}>",
            '<a href="{{ . }}">',
            '<a href="/x?q={{ . }}">',
            "<script>var x = {{ . }};</script>",
            "<script>var x = '{{ . }}';</script>",
            '<p style="color: {{ . }}">',
            '<p onclick="f({{ . }})">',
            "<textarea>{{ . }}</textarea>",
            "<!-- {{ . }} -->",
        ]
    ),
    st.one_of(
        st.text(st.characters(exclude_characters=_NO_SPACE_TO_BROWSERS), max_size=20),
        st.sampled_from(
            ["</script><script>x", '"><img src=x onerror=y>', "' onclick='x", "javascript:x", "--><b>", "`"]
        ),
    ),
)
def test_no_value_changes_the_tags_of_html(template: str, value: str) -> None:
    templates = Templates({}).reading("x", template).escaping("x")
    assert _tags(templates.expand("x", value)) == _tags(templates.expand("x", "v"))
    assert "javascript:" not in templates.expand("x", value) or "href" not in template


def test_compounds_know_their_methods_by_name_alone() -> None:
    assert all(isinstance(name, str) for kind in Compound.__subclasses__() for name in kind.methods)
