"""Secrets of checks: shown to nobody, and kept where what is saved says that they stay as they are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pharos.errors import Kind, PharosError
from pharos.health.check import HIDDEN

_ONE: Final = frozenset({"bearer_token", "password"})
_ALL: Final = frozenset({"headers"})
"""Mappings, all values of which are secret: nobody knows which of them is."""


def without_secrets(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a check's document as it may be shown."""
    return {name: _hidden(name, value) for name, value in document.items()}


def _hidden(name: str, value: Any) -> Any:
    if name in _ONE and value:
        return HIDDEN
    if name in _ALL and isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    return without_secrets(value) if isinstance(value, Mapping) else value


def with_secrets(document: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return a document with the secrets of `before` where it says that they stay.

    Raises PharosError(INVALID) where there is none that could stay, and where the check would be sent
    elsewhere with them: whoever may change an address must not be told a secret by that.
    """
    known = before or {}
    found = {name: _kept(name, value, known.get(name)) for name, value in document.items()}
    if found != dict(document) and _target(document) != _target(known):
        raise PharosError(
            Kind.INVALID,
            "the check goes to another address, so its secrets do not go with it",
            hint=f"write them anew instead of {HIDDEN}",
        )
    return found


def _target(document: Mapping[str, Any]) -> str:
    """Return where a check goes to: scheme, host and port of its address."""
    return "/".join(str(document.get("url", "")).split("/")[:3]).lower()


def _kept(name: str, value: Any, before: Any) -> Any:
    if value == HIDDEN:
        if not isinstance(before, str) or not before:
            raise PharosError(Kind.INVALID, f"{name}: there is no secret yet that could stay as it is")
        return before
    if isinstance(value, Mapping):
        known = before if isinstance(before, Mapping) else {}
        return {key: _kept(key, inner, known.get(key)) for key, inner in value.items()}
    return value
