"""The colours of pictures: those that the pages have, dark and light."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

from pharos.errors import Kind, PharosError


class Theme(Struct, frozen=True):
    """What a picture is painted with."""

    paper: str
    line: str
    text: str
    dim: str
    limit: str
    """Of thresholds."""
    series: tuple[str, ...]


DARK: Final = Theme(
    paper="#151b24",
    line="#253040",
    text="#d9e0ea",
    dim="#93a0b1",
    limit="#ff6b6b",
    series=(
        *("#4c9dff", "#7fe3e8", "#e0459f", "#9a74e0", "#d9e05a"),
        *("#5a8fb0", "#cba4e2", "#aab4c0", "#7c70ff", "#dfa47c"),
    ),
)
LIGHT: Final = Theme(
    paper="#ffffff",
    line="#dde4ec",
    text="#1b2430",
    dim="#5a6878",
    limit="#b0121f",
    series=(
        *("#2873ef", "#35898a", "#b63fa3", "#5a1fa8", "#747a0c"),
        *("#045f80", "#9a6fd0", "#4a5260", "#4a32e5", "#79402a"),
    ),
)
THEMES: Final = {"dark": DARK, "light": LIGHT}


def theme_named(name: str) -> Theme:
    """Return a theme, the dark one for no name. Raises PharosError(INVALID) for another name."""
    found = THEMES.get(name or "dark")
    if found is None:
        raise PharosError(Kind.INVALID, f"theme {name[:40]!r} is not one of {', '.join(THEMES)}")
    return found
