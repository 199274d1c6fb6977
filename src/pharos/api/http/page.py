"""The built page: its files, packed where the browser takes that; the page itself for its own addresses."""

from __future__ import annotations

import mimetypes
from pathlib import Path
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, PlainTextResponse, Response

STATIC: Final = Path(__file__).parents[1] / "static"
_PACKED: Final = (("br", ".br"), ("gzip", ".gz"))
_NAMED: Final = ("runs/", "workflows/")
"""Addresses that end with a name that somebody gave: a dot in it says nothing."""
_SUFFIXES: Final = tuple(suffix for _, suffix in _PACKED)


def page(path: str, headers: Headers) -> Response:
    """Return a file of the built page; to a browser the page for every address that it routes by itself."""
    missing = PlainTextResponse("not found\n", 404)
    accept_encoding = headers.get("accept-encoding", "")
    is_named = path.startswith(_NAMED)
    if not is_named:
        if path.endswith(_SUFFIXES):
            return missing
        wanted = (STATIC / path).resolve()
        if path and wanted.is_file() and wanted.is_relative_to(STATIC.resolve()):
            hashed = path.startswith("assets/")
            caching = "public, max-age=31536000, immutable" if hashed else "no-cache"
            return _file(wanted, caching, accept_encoding)
    index = STATIC / "index.html"
    # Who does not ask for a page has the address of something else wrong, and must not get a 200.
    is_file = "." in path.rsplit("/", 1)[-1] and not is_named
    if is_file or (path and "text/html" not in headers.get("accept", "")):
        return missing
    if not index.is_file():
        return PlainTextResponse("The page is not built: run `make ui`.\n", 404)
    return _file(index, "no-cache", accept_encoding)


def _file(wanted: Path, caching: str, accept_encoding: str) -> Response:
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding"}
    media_type = mimetypes.guess_type(wanted.name)[0] or "application/octet-stream"
    accepted = {part.partition(";")[0].strip().lower() for part in accept_encoding.split(",")}
    for encoding, suffix in _PACKED:
        packed = wanted.with_name(wanted.name + suffix)
        if encoding in accepted and packed.is_file():
            headers["Content-Encoding"] = encoding
            return FileResponse(packed, headers=headers, media_type=media_type)
    return FileResponse(wanted, headers=headers, media_type=media_type)
