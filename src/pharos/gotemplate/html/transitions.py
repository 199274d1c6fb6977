"""Where the text of a template leads: from one context to the next, as a browser would read it."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from typing import Final

from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotemplate.html.context import COMMENTS, LITERALS, VALUE_STATES, Context, Part, Slash, State
from pharos.gotext.quoting import quote

_SPACE: Final = re.compile(r"[ \t\n\f\r]*")
_TAG_NAME: Final = re.compile(r"[a-zA-Z](?:[a-zA-Z0-9]|[:-](?=[a-zA-Z0-9]))*")
_ATTR_NAME: Final = re.compile(r"[^ \t\n\f\r=><\"'`]*")
_UNQUOTED_END: Final = re.compile(r"[ \t\n\f\r>]")
_NOT_UNQUOTED: Final = re.compile(r"[\"'<=`]")
_SPECIAL: Final = frozenset(["script", "style", "textarea", "title"])
_CONTENTS: Final = {
    "script": State.JS,
    "style": State.CSS,
    "textarea": State.RCDATA,
    "title": State.RCDATA,
}
_URL_NAMES: Final = frozenset(
    [
        "action",
        "archive",
        "background",
        "cite",
        "classid",
        "codebase",
        "data",
        "formaction",
        "href",
        "icon",
        "longdesc",
        "manifest",
        "ping",
        "poster",
        "profile",
        "src",
        "usemap",
        "xmlns",
    ]
)
_PLAIN_NAMES: Final = frozenset(["srcdoc", "srclang"])
_SCRIPT_TYPES: Final = re.compile(
    r"(?:application|text)/(?:ecmascript|javascript|json|ld\+json|x-ecmascript|x-javascript|jscript|livescript"
    r"|javascript1\.[0-5])|module|",
    re.IGNORECASE,
)
_JS_START: Final = re.compile(r"[\"'`/]")
_CSS_START: Final = re.compile(r"[(\"'/]")
_BEFORE_REGEXP: Final = frozenset(
    [
        "break",
        "case",
        "continue",
        "delete",
        "do",
        "else",
        "finally",
        "in",
        "instanceof",
        "return",
        "throw",
        "try",
        "typeof",
        "void",
    ]
)


def kind_of_attribute(name: str) -> str:
    """Return what an attribute's value is: `url`, `script`, `style`, `srcset`, or empty for plain text."""
    space, _, rest = name.partition(":")
    if rest:
        if space == "xmlns":
            return "url"
        name = rest
    name = name.removeprefix("data-")
    if name in {"style", "srcset"}:
        return name
    if name in _URL_NAMES:
        return "url"
    if name in _PLAIN_NAMES:
        return ""
    if name.startswith("on"):
        return "script"
    return "url" if any(part in name for part in ("src", "uri", "url")) else ""


def after_text(context: Context, text: str) -> tuple[Context, int]:
    """Return where the beginning of `text` leads, and how many characters that is.

    Raises PharosError(INVALID) for text that no browser reads in one way.
    """
    if not context.ends:
        end = _special_end(context, text)
        if end == 0:
            return Context(), 0
        return _STEPS[context.state](context, text if end is None else text[:end])
    found = _end_of_value(context, text)
    if found is None:
        return _within_value(context, text), len(text)
    element = context.element
    is_type = context.state is State.ATTR and element == "script" and context.attribute == "type"
    if is_type and not _SCRIPT_TYPES.fullmatch(text[:found].strip()):
        element = ""
    return Context(State.TAG, element=element), found + (context.ends != ">")


def _end_of_value(context: Context, text: str) -> int | None:
    if context.ends == ">":
        end = _UNQUOTED_END.search(text)
        at = end.start() if end else len(text)
        bad = _NOT_UNQUOTED.search(text, 0, at)
        if bad:
            raise _fault(f"{quote(bad[0])} in unquoted attr: {quote(text[:at])}")
        return at if end else None
    at = text.find(context.ends)
    return at if at >= 0 else None


def _within_value(context: Context, text: str) -> Context:
    """Return where a part of a value leads, its entities read."""
    plain = html.unescape(text)
    while plain:
        context, count = _STEPS[context.state](context, plain)
        plain = plain[count:]
    return context


def _special_end(context: Context, text: str) -> int | None:
    """Return where the end tag of a script, a style or the like begins; None if it does not."""
    if not context.element or context.state in {State.TAG, State.ATTR_NAME, State.AFTER_NAME}:
        return None
    if context.state is State.BEFORE_VALUE:
        return None
    if context.element == "script" and (context.state in LITERALS or context.state in COMMENTS):
        return None
    found = re.compile(rf"</{context.element}(?=[ \t\n\f/>])", re.IGNORECASE).search(text)
    return found.start() if found else None


# --- markup


def _text(context: Context, text: str) -> tuple[Context, int]:
    at = 0
    while True:
        at = text.find("<", at)
        if at < 0 or at + 1 == len(text):
            return context, len(text)
        if text.startswith("<!--", at):
            return Context(State.COMMENT), at + 4
        at += 1
        is_end = text[at] == "/"
        name = _TAG_NAME.match(text, at + is_end)
        if name:
            element = name[0].lower()
            return Context(
                State.TAG, element="" if is_end or element not in _SPECIAL else element
            ), name.end()


def _tag(context: Context, text: str) -> tuple[Context, int]:
    start = _skipped(text)
    if start == len(text):
        return context, start
    if text[start] == ">":
        return Context(_CONTENTS.get(context.element, State.TEXT), element=context.element), start + 1
    end = _name_end(text, start)
    if end == start:
        raise _fault(f"expected space, attr name, or end of tag, but got {quote(text[start : start + 20])}")
    name = text[start:end].lower()
    kind = "type" if context.element == "script" and name == "type" else kind_of_attribute(name)
    state = State.ATTR_NAME if end == len(text) else State.AFTER_NAME
    return Context(state, element=context.element, attribute=kind), end


def _attr_name(context: Context, text: str) -> tuple[Context, int]:
    end = _name_end(text, 0)
    return (replace(context, state=State.AFTER_NAME) if end < len(text) else context), end


def _name_end(text: str, at: int) -> int:
    found = _ATTR_NAME.match(text, at)
    end = found.end() if found else at
    if end < len(text) and text[end] in "\"'<`":
        raise _fault(f"{quote(text[end])} in attribute name: {quote(text[:20])}")
    return end


def _after_name(context: Context, text: str) -> tuple[Context, int]:
    at = _skipped(text)
    if at == len(text):
        return context, at
    if text[at] != "=":
        return replace(context, state=State.TAG, attribute=""), at
    return replace(context, state=State.BEFORE_VALUE), at + 1


def _before_value(context: Context, text: str) -> tuple[Context, int]:
    at = _skipped(text)
    if at == len(text):
        return context, at
    ends = text[at] if text[at] in "\"'" else ">"
    return replace(context, state=VALUE_STATES[context.attribute], ends=ends), at + (ends != ">")


def _comment(context: Context, text: str) -> tuple[Context, int]:
    end = text.find("-->")
    return (Context(), end + 3) if end >= 0 else (context, len(text))


def _stays(context: Context, text: str) -> tuple[Context, int]:
    return context, len(text)


def _url(context: Context, text: str) -> tuple[Context, int]:
    if "#" in text or "?" in text:
        return replace(context, part=Part.QUERY), len(text)
    if context.part is Part.NONE and _skipped(text) < len(text):
        return replace(context, part=Part.BEFORE_QUERY), len(text)
    return context, len(text)


def _skipped(text: str) -> int:
    found = _SPACE.match(text)
    return found.end() if found else 0


# --- scripts


def _js(context: Context, text: str) -> tuple[Context, int]:
    found = _JS_START.search(text)
    slash = _slash_after(text[: found.start()] if found else text, context.slash)
    if found is None:
        return replace(context, slash=slash), len(text)
    at = found.start()
    match found[0]:
        case '"':
            state = State.JS_DOUBLE
        case "'":
            state = State.JS_SINGLE
        case "`":
            state = State.JS_TEMPLATE
        case _:
            return _js_slash(context, text, at, slash)
    return replace(context, state=state, slash=Slash.REGEXP), at + 1


def _js_slash(context: Context, text: str, at: int, slash: Slash) -> tuple[Context, int]:
    if text.startswith("//", at):
        return replace(context, state=State.JS_LINE_COMMENT, slash=slash), at + 2
    if text.startswith("/*", at):
        return replace(context, state=State.JS_BLOCK_COMMENT, slash=slash), at + 2
    if slash is Slash.REGEXP:
        return replace(context, state=State.JS_REGEXP, slash=slash), at + 1
    if slash is Slash.DIVISION:
        return replace(context, slash=Slash.REGEXP), at + 1
    raise _fault(f"'/' could start a division or regexp: {quote(text[at : at + 20])}")


def _slash_after(text: str, before: Slash) -> Slash:
    """Return what a slash behind `text` would begin: a regular expression where a value is awaited."""
    text = text.rstrip(" \t\n\f\r\u2028\u2029")
    if not text:
        return before
    last = text[-1]
    if last in "+-":
        run = len(text) - len(text.rstrip(last))
        return Slash.REGEXP if run % 2 else Slash.DIVISION
    if last == ".":
        return Slash.DIVISION if text[-2:-1].isdigit() else Slash.REGEXP
    if last in ",<>=*%&|^?!~([:;{}":
        return Slash.REGEXP
    word = re.search(r"[\w$]*$", text)
    return Slash.REGEXP if word and word[0] in _BEFORE_REGEXP else Slash.DIVISION


_ENDS: Final = {
    State.JS_DOUBLE: '"',
    State.JS_SINGLE: "'",
    State.JS_TEMPLATE: "`",
    State.JS_REGEXP: "/",
    State.CSS_DOUBLE: '"',
    State.CSS_SINGLE: "'",
    State.CSS_DOUBLE_URL: '"',
    State.CSS_SINGLE_URL: "'",
}


def _js_literal(context: Context, text: str) -> tuple[Context, int]:
    """Go through a text in quotes or a regular expression, in whose brackets a slash ends nothing."""
    end = _ENDS[context.state]
    in_brackets = False
    at = 0
    while at < len(text):
        char = text[at]
        if char == "\\":
            at += 1
            if at == len(text):
                raise _fault(f"unfinished escape sequence in JS string: {quote(text[-20:])}")
        elif context.state is State.JS_REGEXP and char in "[]":
            in_brackets = char == "["
        elif char == end and not in_brackets:
            return replace(context, state=State.JS, slash=Slash.DIVISION), at + 1
        at += 1
    if in_brackets:
        raise _fault(f"unfinished JS regexp charset: {quote(text[-20:])}")
    return context, len(text)


def _block_comment(context: Context, text: str) -> tuple[Context, int]:
    end = text.find("*/")
    if end < 0:
        return context, len(text)
    state = State.JS if context.state is State.JS_BLOCK_COMMENT else State.CSS
    return replace(context, state=state), end + 2


def _line_comment(context: Context, text: str) -> tuple[Context, int]:
    found = re.search(r"[\n\r\f\u2028\u2029]", text)
    if found is None:
        return context, len(text)
    state = State.JS if context.state is State.JS_LINE_COMMENT else State.CSS
    return replace(context, state=state), found.start()


# --- styles


def _css(context: Context, text: str) -> tuple[Context, int]:
    at = 0
    while True:
        found = _CSS_START.search(text, at)
        if found is None:
            return context, len(text)
        at = found.start()
        match found[0]:
            case '"':
                return replace(context, state=State.CSS_DOUBLE), at + 1
            case "'":
                return replace(context, state=State.CSS_SINGLE), at + 1
            case "/" if text.startswith("/*", at):
                return replace(context, state=State.CSS_BLOCK_COMMENT), at + 2
            case "/" if text.startswith("//", at):
                return replace(context, state=State.CSS_LINE_COMMENT), at + 2
            case "(" if re.search(r"(?i)(?<![\w-])url[ \t\n\f\r]*$", text[:at]):
                end = at + 1 + _skipped(text[at + 1 :])
                quoted = {'"': State.CSS_DOUBLE_URL, "'": State.CSS_SINGLE_URL}.get(text[end : end + 1])
                if quoted:
                    return replace(context, state=quoted), end + 1
                return replace(context, state=State.CSS_URL), end
        at += 1


def _css_literal(context: Context, text: str) -> tuple[Context, int]:
    at = 0
    while at < len(text):
        if text[at] == "\\":
            at += 1
            if at == len(text):
                raise _fault(f"unfinished escape sequence in CSS string: {quote(text[-20:])}")
        elif text[at] == _ENDS[context.state]:
            return replace(context, state=State.CSS, part=Part.NONE), at + 1
        at += 1
    return _url(context, text)


def _css_url(context: Context, text: str) -> tuple[Context, int]:
    found = re.search(r"[ \t\n\f\r)]", text)
    if found is None:
        return _url(context, text)
    return replace(context, state=State.CSS, part=Part.NONE), found.start() + 1


def _fault(message: str) -> PharosError:
    return PharosError(Kind.INVALID, message)


_STEPS: Final[dict[State, Callable[[Context, str], tuple[Context, int]]]] = {
    State.TEXT: _text,
    State.TAG: _tag,
    State.ATTR_NAME: _attr_name,
    State.AFTER_NAME: _after_name,
    State.BEFORE_VALUE: _before_value,
    State.COMMENT: _comment,
    State.RCDATA: _stays,
    State.ATTR: _stays,
    State.URL: _url,
    State.SRCSET: _stays,
    State.JS: _js,
    State.JS_DOUBLE: _js_literal,
    State.JS_SINGLE: _js_literal,
    State.JS_TEMPLATE: _js_literal,
    State.JS_REGEXP: _js_literal,
    State.JS_BLOCK_COMMENT: _block_comment,
    State.JS_LINE_COMMENT: _line_comment,
    State.CSS: _css,
    State.CSS_DOUBLE: _css_literal,
    State.CSS_SINGLE: _css_literal,
    State.CSS_URL: _css_url,
    State.CSS_DOUBLE_URL: _css_literal,
    State.CSS_SINGLE_URL: _css_literal,
    State.CSS_BLOCK_COMMENT: _block_comment,
    State.CSS_LINE_COMMENT: _line_comment,
    State.DEAD: _stays,
}
