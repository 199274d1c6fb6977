"""Label sets and matchers: the identity of a series.

A label set is a tuple of (name, value) pairs sorted by name, `__name__` included, without empty values:
a label with an empty value is the same as no label (Prometheus data model).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, TypeAlias

from msgspec import Struct

from pharos.patterns import compiled

Labels: TypeAlias = tuple[tuple[str, str], ...]

METRIC_NAME = "__name__"
BUCKET_LABEL = "le"
TENANT_LABEL: Final = "__tenant_id__"
"""Which of several tenants that are read at once a series is of (Mimir's tenant federation)."""
ORIGINAL_TENANT_LABEL: Final = "original___tenant_id__"
"""What a series' own label of that name is called then."""

LEGACY_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LEGACY_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
"""Names that need no quotes: all that was legal before names could be any UTF-8 (model.LegacyValidation)."""


def labels_of(pairs: Mapping[str, str] | Iterable[tuple[str, str]]) -> Labels:
    """Return the canonical label set of `pairs`: sorted by name, empty values left out."""
    items = pairs.items() if isinstance(pairs, Mapping) else pairs
    return tuple(sorted((name, value) for name, value in items if value))


class MatchOp(StrEnum):
    """The four ways a matcher compares a label's value."""

    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Any:
    """Return `pattern` compiled by RE2, to be used with `fullmatch`, newlines matched by a dot as upstream.

    Raises PharosError(INVALID) for a pattern that RE2 refuses.
    """
    return compiled(pattern, f"error parsing regexp {pattern!r}", dot_takes_breaks=True)


class Matcher(Struct, frozen=True):
    """One condition on a label; an absent label has the empty value."""

    name: str
    op: MatchOp
    value: str

    def matches(self, value: str) -> bool:
        """Return whether a label with this value satisfies the matcher."""
        match self.op:
            case MatchOp.EQUAL:
                return value == self.value
            case MatchOp.NOT_EQUAL:
                return value != self.value
            case MatchOp.REGEX:
                return compile_regex(self.value).fullmatch(value) is not None
            case MatchOp.NOT_REGEX:
                return compile_regex(self.value).fullmatch(value) is None

    def matches_empty(self) -> bool:
        """Return whether a series without the label satisfies the matcher."""
        return self.matches("")
