"""What is wrong with a regular expression, in the words of Go's regexp/syntax instead of RE2's."""

from __future__ import annotations

from typing import Final

from pharos.errors import PharosError
from pharos.gotext.quoting import quote

_GO_WORDS: Final = (
    ("no argument for repetition operator", "missing argument to repetition operator"),
    ("bad repetition operator", "invalid nested repetition operator"),
    ("invalid repetition size", "invalid repeat count"),
    ("invalid perl operator", "invalid or unsupported Perl syntax"),
    ("invalid named capture group", "invalid named capture"),
    ("invalid group name", "invalid named capture"),
    ("missing )", "missing closing )"),
    ("missing ]", "missing closing ]"),
    ("unexpected )", "unexpected )"),
    ("trailing \\", "trailing backslash at end of expression"),
)


def regex_fault(error: PharosError) -> str:
    """Return the message for a regular expression that `compile_regex` has refused.

    RE2 and Go's regexp have the same rules and name them differently; what has no counterpart stays as it is.
    """
    cause = error.__cause__
    if isinstance(cause, UnicodeEncodeError):
        return f"error parsing regexp: invalid UTF-8: `{quote(cause.object)[1:-1]}`"
    raw = cause.args[0] if cause is not None and cause.args else error.message
    text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
    for ours, theirs in _GO_WORDS:
        if text.startswith(ours):
            rest = text[len(ours) :].removeprefix(":").strip()
            place = f": `{rest}`" if rest else ": ``"
            return f"error parsing regexp: {theirs}{place}"
    head, colon, rest = text.partition(": ")
    return f"error parsing regexp: {head}" + (f": `{rest}`" if colon else "")
