"""PNG of an SVG, by resvg, an option: it is loaded when the first picture is asked for."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

from pharos.errors import Kind, PharosError


def makes_png() -> bool:
    """Return whether the library is installed."""
    return find_spec("resvg_py") is not None


def png_of(svg: str) -> bytes:
    """Return an SVG as PNG; it takes some ten milliseconds, on a thread.

    Raises PharosError(UNSUPPORTED) where the library is not installed.
    """
    try:
        import resvg_py  # noqa: PLC0415 - an option: most servers do without it
    except ImportError as exc:
        raise PharosError(
            Kind.UNSUPPORTED,
            "this server makes no PNG",
            hint="install pharos[pictures], or ask with format=svg",
        ) from exc
    library: Any = resvg_py
    return bytes(library.svg_to_bytes(svg_string=svg))
