"""The one error: what it says and carries."""

from __future__ import annotations

from pharos.errors import Cause, Kind, PharosError


def test_an_error_says_what_is_wrong_and_what_helps() -> None:
    error = PharosError(Kind.INVALID, "no such port: x", hint="write a number")
    assert str(error) == "no such port: x (write a number)"
    assert (error.message, error.hint) == ("no such port: x", "write a number")


def test_without_a_hint_there_are_no_brackets() -> None:
    assert str(PharosError(Kind.BUG, "broken")) == "broken"


def test_an_error_carries_when_to_retry_and_where_the_fault_is() -> None:
    assert PharosError(Kind.MISSING, "no such tenant", cause=Cause.NO_TENANT).cause == "no_tenant"
    error = PharosError(Kind.LIMITED, "too much", retry_after_s=2.5, position=7)
    assert error.cause is None
    assert (error.kind, error.retry_after_s, error.position) == (Kind.LIMITED, 2.5, 7)


def test_the_names_of_kinds_are_what_json_shows() -> None:
    assert all(str(kind) == kind.value == kind.name.lower() for kind in Kind)
