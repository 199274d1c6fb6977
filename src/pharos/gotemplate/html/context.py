"""Where in HTML a place of a template is."""

from __future__ import annotations

from enum import Enum, auto
from typing import Final

from msgspec import Struct
from msgspec.structs import replace


class State(Enum):
    """What the text at a place is."""

    TEXT = auto()
    TAG = auto()
    ATTR_NAME = auto()
    AFTER_NAME = auto()
    BEFORE_VALUE = auto()
    COMMENT = auto()
    RCDATA = auto()
    ATTR = auto()
    URL = auto()
    SRCSET = auto()
    JS = auto()
    JS_DOUBLE = auto()
    JS_SINGLE = auto()
    JS_TEMPLATE = auto()
    JS_REGEXP = auto()
    JS_BLOCK_COMMENT = auto()
    JS_LINE_COMMENT = auto()
    CSS = auto()
    CSS_DOUBLE = auto()
    CSS_SINGLE = auto()
    CSS_URL = auto()
    CSS_DOUBLE_URL = auto()
    CSS_SINGLE_URL = auto()
    CSS_BLOCK_COMMENT = auto()
    CSS_LINE_COMMENT = auto()
    DEAD = auto()
    """Behind a `break` or `continue`, where nothing is reached."""


COMMENTS: Final = frozenset(
    [
        State.COMMENT,
        State.JS_BLOCK_COMMENT,
        State.JS_LINE_COMMENT,
        State.CSS_BLOCK_COMMENT,
        State.CSS_LINE_COMMENT,
    ]
)
LITERALS: Final = frozenset([State.JS_DOUBLE, State.JS_SINGLE, State.JS_TEMPLATE, State.JS_REGEXP])


class Part(Enum):
    """Which part of an address: what stands before it decides what may come."""

    NONE = auto()
    BEFORE_QUERY = auto()
    QUERY = auto()
    UNKNOWN = auto()


class Slash(Enum):
    """What a slash would begin in a script."""

    REGEXP = auto()
    DIVISION = auto()
    UNKNOWN = auto()


class Context(Struct, frozen=True):
    """Where a place is."""

    state: State = State.TEXT
    ends: str = ""
    """What ends the attribute's value: a quote, or `>` for space and the tag's end; empty outside."""
    part: Part = Part.NONE
    slash: Slash = Slash.REGEXP
    attribute: str = ""
    """`script`, `style`, `url`, `srcset`, `type` (of a script), or empty."""
    element: str = ""
    """`script`, `style`, `textarea`, `title`, or empty."""

    def name(self) -> str:
        """Return what tells this context from others."""
        parts = (self.state.name, self.ends, self.part.name, self.slash.name, self.attribute, self.element)
        return "/".join(parts)


VALUE_STATES: Final = {
    "": State.ATTR,
    "type": State.ATTR,
    "script": State.JS,
    "style": State.CSS,
    "url": State.URL,
    "srcset": State.SRCSET,
}


def nudged(context: Context) -> Context:
    """Return the context as an action sees it that writes something: a name or a value begins there."""
    match context.state:
        case State.TAG:
            return replace(context, state=State.ATTR_NAME)
        case State.BEFORE_VALUE:
            return replace(context, state=VALUE_STATES[context.attribute], ends=">", attribute="")
        case State.AFTER_NAME:
            return replace(context, state=State.ATTR_NAME, attribute="")
    return context


def joined(one: Context, other: Context) -> Context | None:
    """Return the context behind two branches; None if they lead to places that have nothing in common."""
    if one.state is State.DEAD or one == other:
        return other
    if other.state is State.DEAD:
        return one
    if replace(one, part=other.part) == other:
        return replace(one, part=Part.UNKNOWN)
    if replace(one, slash=other.slash) == other:
        return replace(one, slash=Slash.UNKNOWN)
    ahead = nudged(one), nudged(other)
    return joined(*ahead) if ahead != (one, other) else None
