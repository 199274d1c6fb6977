"""Templates made safe for HTML: a copy of each, for each context that it is used in, whose actions escape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotemplate import nodes
from pharos.gotemplate.html.context import COMMENTS, Context, Part, Slash, State, joined, nudged
from pharos.gotemplate.html.transitions import after_text
from pharos.gotext.quoting import quote

_MAX_VARIANTS: Final = 1000
_MAX_FRAMES: Final = 500
"""How many calls may stand in one another, for blocks and for templates."""
_MAX_STEPS: Final = 100_000
_BLOCK_FRAMES: Final = 3
_USE_FRAMES: Final = 4
_URL_STATES: Final = frozenset(
    [
        *(State.URL, State.CSS_URL, State.CSS_DOUBLE_URL, State.CSS_SINGLE_URL),
        *(State.CSS_DOUBLE, State.CSS_SINGLE),
    ]
)
_ESCAPERS: Final = {
    State.JS: "js value",
    State.JS_DOUBLE: "js text",
    State.JS_SINGLE: "js text",
    State.JS_REGEXP: "js pattern",
    State.CSS: "css value",
    State.TEXT: "text",
    State.RCDATA: "rcdata",
    State.ATTR_NAME: "name",
    State.SRCSET: "srcset",
}
_OWN: Final[Mapping[str, frozenset[str]]] = {
    "html": frozenset(["text", "attribute", "rcdata"]),
    "urlquery": frozenset(["url escape", "url normalize"]),
}
"""The functions that escape by themselves, and which of ours they do the work of."""


def escape(trees: Mapping[str, nodes.Tree], name: str) -> dict[str, nodes.Tree]:
    """Return the template `name`, and copies of all that it uses, with escaping actions.

    Raises PharosError(INVALID) for a template of which it cannot be told where its actions stand.
    """
    escaper = _Escaper(trees)
    end = escaper.use(name, Context())
    if end.state is not State.TEXT:
        raise PharosError(
            Kind.INVALID, f"html/template:{name}: ends in a non-text context: {end.state.name.lower()}"
        )
    found = escaper.made[_variant(name, Context())]
    return {**escaper.made, name: replace(found, name=name)}


def _variant(name: str, context: Context) -> str:
    return name if context == Context() else f"{name}$htmltemplate_{context.name()}"


class _Range(Struct):
    """How the innermost range is left."""

    ends: list[Context] = field(default_factory=list)


class _Escaper:
    def __init__(self, trees: Mapping[str, nodes.Tree]) -> None:
        self._trees = trees
        self._ends: dict[str, Context] = {}
        self._under_way: set[str] = set()
        self._assumed: set[str] = set()
        self._ranges: list[_Range] = []
        self._tree = nodes.Tree("", "", "")
        self._frames = 0
        self._steps = 0
        self.made: dict[str, nodes.Tree] = {}

    def use(self, name: str, context: Context) -> Context:
        """Make the copy of a template for a context; return where it ends."""
        key = _variant(name, context)
        if key in self._ends:
            if key in self._under_way:
                self._assumed.add(key)
            return self._ends[key]
        tree = self._trees.get(name)
        if tree is None:
            # said when it is used, as in text; what was never defined leads nowhere
            return context
        if len(self.made) >= _MAX_VARIANTS:
            raise self._fault(nodes.Dot(0), f"more than {_MAX_VARIANTS} templates in different contexts")
        end = self._body(key, tree, context, context)
        if key in self._assumed and end != self._ends[key]:
            again = self._body(key, tree, context, end)
            if again != end:
                raise self._fault(nodes.Dot(0), f"cannot compute output context for template {name}")
        self._ends[key] = end
        return end

    def _body(self, key: str, tree: nodes.Tree, context: Context, assumed: Context) -> Context:
        before = self._tree, self._ranges
        self._tree, self._ranges = tree, []
        self._ends[key] = assumed
        self._under_way.add(key)
        self._deeper(_USE_FRAMES, nodes.Dot(0))
        body, end = self._all(tree.body, context)
        self._frames -= _USE_FRAMES
        self._under_way.discard(key)
        self._tree, self._ranges = before
        self.made[key] = replace(tree, body=body)
        return end

    def _fault(self, node: nodes.Node, message: str) -> PharosError:
        place = self._tree.place(node.at)
        return PharosError(Kind.INVALID, f"html/template:{place}: {message}", position=node.at)

    def _all(self, body: list[nodes.Node], context: Context) -> tuple[list[nodes.Node], Context]:
        made: list[nodes.Node] = []
        for node in body:
            one, context = self._one(node, context)
            made.append(one)
        return made, context

    def _one(self, node: nodes.Node, context: Context) -> tuple[nodes.Node, Context]:
        self._steps += 1
        if self._steps > _MAX_STEPS:
            raise self._fault(node, f"more than {_MAX_STEPS} places to escape")
        match node:
            case nodes.Text():
                return self._text(node, context)
            case nodes.Action():
                return self._action(node, context)
            case nodes.Block():
                return self._block(node, context)
            case nodes.Include():
                end = self.use(node.name, context)
                key = _variant(node.name, context)
                return nodes.Include(node.at, key if key in self._ends else node.name, node.pipe), end
            case nodes.Leave():
                if self._ranges:
                    self._ranges[-1].ends.append(context)
                return node, Context(State.DEAD)
        return node, context

    # --- blocks

    def _deeper(self, frames: int, node: nodes.Node) -> None:
        self._frames += frames
        if self._frames > _MAX_FRAMES:
            raise self._fault(node, "templates and blocks stand too deep in one another")

    def _block(self, node: nodes.Block, context: Context) -> tuple[nodes.Node, Context]:
        self._deeper(_BLOCK_FRAMES, node)
        if node.word == "range":
            self._ranges.append(_Range())
        body, end = self._all(node.body, context)
        if node.word == "range":
            left = self._ranges.pop()
            for one in left.ends:
                end = self._joined(node, end, one)
            if end.state is not State.DEAD and end != context:
                # the next round begins elsewhere than the first did
                self._ranges.append(_Range())
                _, again = self._all(node.body, end)
                self._ranges.pop()
                end = self._joined(node, end, again)
        otherwise, other = None, context
        if node.otherwise is not None:
            otherwise, other = self._all(node.otherwise, context)
        end = self._joined(node, end, other)
        self._frames -= _BLOCK_FRAMES
        return nodes.Block(node.at, node.word, node.pipe, body, otherwise), end

    def _joined(self, node: nodes.Block, one: Context, other: Context) -> Context:
        found = joined(one, other)
        if found is None:
            raise self._fault(
                node,
                f"{{{{{node.word}}}}} branches end in different contexts:"
                f" {one.state.name.lower()}, {other.state.name.lower()}",
            )
        return found

    # --- actions

    def _action(self, node: nodes.Action, context: Context) -> tuple[nodes.Node, Context]:
        if node.pipe.variables or context.state is State.DEAD:
            return node, context
        context = nudged(context)
        escapers = self._escapers(node, context)
        if context.state is State.JS:
            context = replace(context, slash=Slash.DIVISION)
        last = self._own(node, context)
        if not any(one in _OWN.get(last, ()) for one in escapers):
            return nodes.Action(node.at, node.pipe, escapers), context
        pipe = node.pipe
        if len(pipe.commands) > 1 and len(pipe.commands[-1].words) == 1:
            pipe = replace(pipe, commands=pipe.commands[:-1])
            return nodes.Action(
                node.at, pipe, tuple(last if one in _OWN[last] else one for one in escapers)
            ), context
        return nodes.Action(node.at, pipe, tuple(one for one in escapers if one not in _OWN[last])), context

    def _own(self, node: nodes.Action, context: Context) -> str:
        """Return the function that escapes by itself at the end of a pipeline; elsewhere it is refused."""
        for command in node.pipe.commands:
            word = command.words[0]
            name = word.name if isinstance(word, nodes.Name) else ""
            if name not in {"html", "urlquery"}:
                continue
            is_bare = context.state is State.ATTR and context.ends == ">"
            if command is not node.pipe.commands[-1] or (name == "html" and is_bare):
                raise self._fault(node, f"predefined escaper {quote(name)} disallowed in template")
            return name
        return ""

    def _escapers(self, node: nodes.Action, context: Context) -> tuple[str, ...]:
        found: list[str] = []
        if context.state in _URL_STATES:
            found += self._of_url(node, context)
        elif context.state in COMMENTS:
            found.append("nothing")
        elif context.state is State.JS_TEMPLATE:
            raise self._fault(node, f"{node} appears in a JS template literal")
        elif context.state in _ESCAPERS:
            found.append(_ESCAPERS[context.state])
        if context.ends:
            found.append("bare" if context.ends == ">" else "attribute")
        return tuple(found)

    def _of_url(self, node: nodes.Action, context: Context) -> list[str]:
        if context.part is Part.UNKNOWN:
            raise self._fault(node, f"{node} appears in an ambiguous context within a URL")
        if context.part is Part.QUERY:
            return ["url escape"]
        within = "css text" if context.state in {State.CSS_DOUBLE, State.CSS_SINGLE} else "url normalize"
        return ["url filter", within] if context.part is Part.NONE else [within]

    # --- text

    def _text(self, node: nodes.Text, context: Context) -> tuple[nodes.Node, Context]:
        """Return a text without comments and with stray `<` escaped, and where it leads."""
        if context.state is State.DEAD:
            return node, context
        text, at, pieces = node.text, 0, []
        while at < len(text):
            try:
                after, count = after_text(context, text[at:])
            except PharosError as error:
                raise self._fault(node, error.message) from error
            pieces.append(_kept(context, after, text[at : at + count]))
            if count == 0 and after == context:
                raise self._fault(node, f"a text that leads nowhere: {quote(text[at : at + 20])}")
            context, at = after, at + count
        return nodes.Text(node.at, "".join(pieces)), context


def _kept(context: Context, after: Context, text: str) -> str:
    """Return what of a piece of text between two contexts is written."""
    if context.state in COMMENTS and not context.ends:
        if context.state in {State.JS_BLOCK_COMMENT, State.CSS_BLOCK_COMMENT} and after.state not in COMMENTS:
            return "\n" if any(end in text for end in "\n\r\u2028\u2029") else " "
        return ""
    tail = ""
    if context.state in {State.TEXT, State.RCDATA}:
        end = text.rfind("<") if after.state is not context.state else len(text)
        text, tail = _plain(text[:end]), text[end:]
    if after.state in COMMENTS and context.state is not after.state and not after.ends:
        return text + tail[: -4 if after.state is State.COMMENT else -2] if tail else text[:-2]
    return text + tail


def _plain(text: str) -> str:
    """Return text with each `<` that begins no tag escaped; that of a document type is left."""
    if "<" not in text:
        return text
    pieces = text.split("<")
    head = pieces[0]
    for piece in pieces[1:]:
        head += ("<" if piece[:8].upper() == "!DOCTYPE" else "&lt;") + piece
    return head
