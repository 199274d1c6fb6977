"""Regular expressions of RE2, which every language that has some compiles in its own way."""

from __future__ import annotations

from typing import Any

import re2

from pharos.errors import Kind, PharosError


def compiled(pattern: str, wrong: str, *, dot_takes_breaks: bool = False) -> Any:
    """Return a pattern compiled by RE2.

    Raises PharosError(INVALID) for one that RE2 refuses: `wrong`, which says what it is in, and the reason.
    """
    options = re2.Options()
    options.log_errors = False
    options.dot_nl = dot_takes_breaks
    try:
        return re2.compile(pattern, options)
    except re2.error as exc:
        reason = exc.args[0] if exc.args else exc
        text = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise PharosError(Kind.INVALID, f"{wrong}: {text}") from exc
    except UnicodeEncodeError as exc:
        # What cannot be written down is not written into an answer either.
        shown = wrong.encode("utf-8", "backslashreplace").decode()
        raise PharosError(Kind.INVALID, f"{shown}: invalid UTF-8") from exc
