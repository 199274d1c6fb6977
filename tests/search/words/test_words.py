"""The search language: what each thing that people type asks for, and what is said of what cannot be read."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.errors import Kind, PharosError
from pharos.search.tree import All, And, Contains, Field, Has, Matches, Not, Or, Origins, Place, Tree, Words
from pharos.search.words import parse_search

HERE = Path(__file__).parent
SEARCHES: list[tuple[str, str]] = yaml.safe_load((HERE / "searches.yaml").read_text())
FAULTS: list[tuple[str, str]] = yaml.safe_load((HERE / "faults.yaml").read_text())


def shown(tree: Tree) -> str:
    """Return a tree as the cases write it."""
    match tree:
        case All():
            return "All"
        case And(parts) | Or(parts):
            return f"{type(tree).__name__}({', '.join(map(shown, parts))})"
        case Not(part):
            return f"Not({shown(part)})"
        case Contains(text, ignores_case):
            return f'Contains("{text}"{", i" if ignores_case else ""})'
        case Words(text):
            return f'Words("{text}")'
        case Matches(pattern):
            return f'Matches("{pattern}")'
        case Field(name, op, value, place, number):
            of_number = "" if number is None else f" {number}"
            of_place = "" if place is Place.ANY else f" in {place}"
            return f'Field({name} {op} "{value}"{of_number}{of_place})'
        case Has(name):
            return f"Has({name})"
        case Origins():
            raise AssertionError("nobody types hashes")


@pytest.mark.parametrize(("text", "tree"), SEARCHES)
def test_what_is_typed_asks_for(text: str, tree: str) -> None:
    assert shown(parse_search(text)) == tree


@pytest.mark.parametrize(("text", "message"), FAULTS)
def test_what_cannot_be_read_says_where_and_why(text: str, message: str) -> None:
    with pytest.raises(PharosError) as refused:
        parse_search(text)
    assert (refused.value.kind, refused.value.message) == (Kind.INVALID, f"search, {message}")


@given(st.text(max_size=60))
def test_whatever_is_typed_is_read_or_refused(text: str) -> None:
    with suppress(PharosError):
        shown(parse_search(text))


@pytest.mark.parametrize(
    "text", ["(" * 100 + "a" + ")" * 100, "NOT " * 4_000 + "a", "-(" * 100 + "a" + ")" * 100]
)
def test_what_is_nested_too_deep_is_refused(text: str) -> None:
    with pytest.raises(PharosError, match="nested more than 64 deep"):
        parse_search(text)
