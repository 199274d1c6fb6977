"""The text that a pattern needs: what it is, and that every match holds it."""

from __future__ import annotations

from pathlib import Path

import pytest
import re2
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.search.literals import required_literal

_CASES = yaml.safe_load((Path(__file__).parent / "literals.yaml").read_text())
_ATOMS = st.sampled_from(
    [
        "a",
        "b",
        "ab",
        r"\.",
        r"\d",
        ".",
        "[ab]",
        "[^]a]",
        "(ab)",
        "(?:a|b)",
        "(?i:a)",
        "(?i)",
        "(?s)",
        "^",
        "$",
        r"\b",
    ]
)
_PIECES = st.tuples(
    _ATOMS, st.sampled_from(["", "", "*", "+", "?", "{0}", "{2}", "{1,}", "{0,2}", "*?", "|"])
)


@pytest.mark.parametrize(("pattern", "literal"), _CASES.items())
def test_a_pattern_needs_this_text(pattern: str, literal: str) -> None:
    assert required_literal(pattern) == literal


@given(st.lists(_PIECES, max_size=6), st.text("abAB.1", max_size=8))
def test_every_text_that_matches_holds_it(pieces: list[tuple[str, str]], text: str) -> None:
    pattern = "".join(map("".join, pieces))
    options = re2.Options()
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error:
        return
    if compiled.search(text):
        assert required_literal(pattern) in text
