"""The text of a template becomes trees: one for it, and one for each template that is defined in it."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate import nodes
from pharos.gotemplate.lexer import Is, Token, words
from pharos.gotext.numbers import parse_float, parse_int
from pharos.gotext.quoting import quote, unquote

MAX_NESTING: Final = 100
"""How deep blocks and parentheses may stand in one another."""
_MIN_INT: Final = -(2**63)
_MAX_INT: Final = 2**63 - 1
_ESCAPES: Final = re.compile(
    r"[^\\]|\\(?:[abfnrtv\\]|x[0-9a-fA-F]{2}|[0-3][0-7]{2}|u(?!d[89a-f]|D[89A-F])[0-9a-fA-F]{4}|U000[0-9a-fA-F]{5}|U0010[0-9a-fA-F]{4})"
)
_OPERANDS: Final = frozenset(
    [Is.BOOL, Is.CHAR, Is.DOT, Is.FIELD, Is.NAME, Is.NUMBER, Is.RAW, Is.STRING, Is.VARIABLE, Is.OPEN]
)
_CONSTANTS: Final = (nodes.Bool, nodes.Dot, nodes.Nil, nodes.Number, nodes.String)


def parse(
    name: str, text: str, functions: Container[str], variables: tuple[str, ...] = ()
) -> dict[str, nodes.Tree]:
    """Return the template `name`, and those that `text` defines, by name.

    Which functions may be called, and which variables there are besides `$`, is known beforehand.
    Raises PharosError(INVALID) with Go's own message, at the character where the fault is.
    """
    parser = _Parser(name, text, functions)
    parser.variables += variables
    tree = parser.whole()
    parser.add(tree)
    return parser.trees


class _Parser:
    def __init__(self, source: str, text: str, functions: Container[str]) -> None:
        self._source = source
        self._text = text
        self._functions = functions
        self._tokens = words(text)
        self._waiting: list[Token] = []
        self._last = Token(Is.TEXT, "", 0)
        self._action_at = -1
        self._depth = 0
        self._ranges = 0
        self.variables = ["$"]
        self.trees: dict[str, nodes.Tree] = {}

    # --- tokens

    def _next(self) -> Token:
        if self._waiting:
            self._last = self._waiting.pop()
        elif self._last.kind not in {Is.END, Is.FAULT}:
            self._last = next(self._tokens)
        return self._last

    def _back(self, *tokens: Token) -> None:
        """Give tokens back, the first of which is to be read first."""
        self._waiting += reversed(tokens)

    def _peek(self) -> Token:
        token = self._next()
        self._back(token)
        return token

    def _next_word(self) -> Token:
        token = self._next()
        while token.kind is Is.SPACE:
            token = self._next()
        return token

    def _peek_word(self) -> Token:
        token = self._next_word()
        self._back(token)
        return token

    def _expect_right(self, context: str) -> None:
        token = self._next_word()
        if token.kind is not Is.RIGHT:
            raise self._unexpected(token, context)

    # --- faults

    def _line(self, at: int) -> int:
        return self._text.count("\n", 0, at) + 1

    def _fault(self, message: str, at: int | None = None) -> PharosError:
        place = self._last.at if at is None else at
        text = f"template: {self._source}:{self._line(place)}: {message}"
        return PharosError(Kind.INVALID, text, position=place)

    def _unexpected(self, token: Token, context: str) -> PharosError:
        if token.kind is Is.FAULT:
            started = ""
            if self._action_at >= 0 and self._line(self._action_at) != self._line(token.at):
                started = f" in action started at {self._source}:{self._line(self._action_at)}"
                if token.text.endswith(" action"):
                    started = started.removeprefix(" in action")
            return self._fault(token.text + started, token.at)
        return self._fault(f"unexpected {_shown(token)} in {context}", token.at)

    # --- lists of nodes

    def whole(self) -> nodes.Tree:
        """Return the whole text's own template."""
        tree = nodes.Tree(self._source, self._source, self._text)
        while self._peek().kind is not Is.END:
            token = self._next()
            if token.kind is Is.LEFT:
                word = self._next_word()
                if word.kind is Is.KEYWORD and word.text == "define":
                    self._definition()
                    continue
                self._back(word)
            self._back(token)
            node = self._text_or_action()
            if isinstance(node, str):
                raise self._fault(f"unexpected {{{{{node}}}}}")
            tree.body.append(node)
        return tree

    def add(self, tree: nodes.Tree) -> None:
        """Keep a template; one that says nothing gives way."""
        known = self.trees.get(tree.name)
        if known is None or known.is_empty():
            self.trees[tree.name] = tree
        elif not tree.is_empty():
            raise self._fault(f"template: multiple definition of template {quote(tree.name)}")

    def _definition(self) -> None:
        context = "define clause"
        name = self._name(self._next_word(), context)
        self._expect_right(context)
        self._inner(name, context)

    def _inner(self, name: str, context: str) -> None:
        """Read a template that is defined here; it sees no variables and no range of what is around."""
        variables, ranges = self.variables, self._ranges
        self.variables, self._ranges = ["$"], 0
        body, end = self._list()
        if end != "end":
            raise self._fault(f"unexpected {{{{{end}}}}} in {context}")
        self.variables, self._ranges = variables, ranges
        self.add(nodes.Tree(name, self._source, self._text, body))

    def _list(self) -> tuple[list[nodes.Node], str]:
        """Return nodes up to `end` or `else`, and which of them came."""
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._fault(f"blocks are nested more than {MAX_NESTING} deep")
        found: list[nodes.Node] = []
        while self._peek_word().kind is not Is.END:
            node = self._text_or_action()
            if isinstance(node, str):
                self._depth -= 1
                return found, node
            found.append(node)
        self._next_word()
        raise self._fault("unexpected EOF")

    def _text_or_action(self) -> nodes.Node | str:
        token = self._next_word()
        if token.kind is Is.TEXT:
            return nodes.Text(token.at, token.text)
        if token.kind is Is.LEFT:
            self._action_at = token.at
            node = self._action()
            self._action_at = -1
            return node
        raise self._unexpected(token, "input")

    # --- actions

    def _action(self) -> nodes.Node | str:
        """Return what an action is; the words `else` and `end` themselves."""
        token = self._next_word()
        if token.kind is Is.KEYWORD:
            match token.text:
                case "if" | "with" | "range":
                    return self._block(token.text)
                case "end":
                    self._expect_right("end")
                    return "end"
                case "else":
                    return self._else()
                case "template":
                    return self._include()
                case "block":
                    return self._block_definition()
                case "break" | "continue":
                    return self._leave(token)
        self._back(token)
        return nodes.Action(token.at, self._pipe("command", Is.RIGHT))

    def _leave(self, token: Token) -> nodes.Leave:
        self._expect_right(f"{{{{{token.text}}}}}")
        if self._ranges == 0:
            raise self._fault(f"{{{{{token.text}}}}} outside {{{{range}}}}")
        return nodes.Leave(token.at, token.text)

    def _else(self) -> str:
        """Read `else`; `if` or `with` behind it waits to be read as a block of its own."""
        word = self._peek_word()
        if word.kind is Is.KEYWORD and word.text in {"if", "with"}:
            return "else"
        self._expect_right("else")
        return "else"

    def _block(self, word: str) -> nodes.Block:
        kept = len(self.variables)
        pipe = self._pipe(word, Is.RIGHT)
        self._ranges += word == "range"
        body, end = self._list()
        self._ranges -= word == "range"
        otherwise: list[nodes.Node] | None = None
        if end == "else":
            follows = self._peek()
            if follows.kind is Is.KEYWORD and follows.text == word != "range":
                self._next()
                self._depth += 1
                if self._depth > MAX_NESTING:
                    raise self._fault(f"blocks are nested more than {MAX_NESTING} deep")
                otherwise = [self._block(word)]
                self._depth -= 1
            else:
                otherwise = self._otherwise()
        del self.variables[kept:]
        return nodes.Block(pipe.at, word, pipe, body, otherwise)

    def _otherwise(self) -> list[nodes.Node]:
        follows = self._peek()
        if follows.kind is Is.KEYWORD:
            raise self._unexpected(self._next(), "else")
        found, end = self._list()
        if end != "end":
            raise self._fault(f"expected end; found {{{{{end}}}}}")
        return found

    def _block_definition(self) -> nodes.Include:
        context = "block clause"
        token = self._next_word()
        name = self._name(token, context)
        pipe = self._pipe(context, Is.RIGHT)
        self._inner(name, context)
        return nodes.Include(token.at, name, pipe)

    def _include(self) -> nodes.Include:
        context = "template clause"
        token = self._next_word()
        name = self._name(token, context)
        follows = self._next_word()
        if follows.kind is Is.RIGHT:
            return nodes.Include(token.at, name, None)
        self._back(follows)
        return nodes.Include(token.at, name, self._pipe(context, Is.RIGHT))

    def _name(self, token: Token, context: str) -> str:
        if token.kind not in {Is.STRING, Is.RAW}:
            raise self._unexpected(token, context)
        return self._unquoted(token)

    # --- pipelines

    def _pipe(self, context: str, end: Is) -> nodes.Pipe:
        pipe = nodes.Pipe(self._peek_word().at)
        self._declarations(pipe, context)
        while True:
            token = self._next_word()
            if token.kind is end:
                break
            if token.kind in _OPERANDS or (token.kind is Is.KEYWORD and token.text == "nil"):
                self._back(token)
                pipe.commands.append(self._command())
            else:
                raise self._unexpected(token, context)
        if not pipe.commands:
            raise self._fault(f"missing value for {context}")
        for stage, command in enumerate(pipe.commands[1:], start=2):
            if isinstance(command.words[0], _CONSTANTS):
                raise self._fault(f"non executable command in pipeline stage {stage}")
        return pipe

    def _declarations(self, pipe: nodes.Pipe, context: str) -> None:
        """Read `$x :=`, `$x =` and, of a range, `$i, $x :=`; a variable that is only used is left."""
        while True:
            token = self._next_word()
            if token.kind is not Is.VARIABLE:
                self._back(token)
                return
            after = self._next()
            follows = after if after.kind is not Is.SPACE else self._next_word()
            if follows.kind in {Is.ASSIGN, Is.DECLARE}:
                pipe.is_assignment = follows.kind is Is.ASSIGN
                self._declare(pipe, token)
                return
            if follows.kind is not Is.COMMA:
                self._back(*((token, after, follows) if after is not follows else (token, follows)))
                return
            self._declare(pipe, token)
            if context != "range" or len(pipe.variables) > 1:
                raise self._fault(f"too many declarations in {context}")
            if self._peek_word().kind not in {Is.VARIABLE, Is.RIGHT, Is.CLOSED}:
                raise self._fault("range can only initialize variables")

    def _declare(self, pipe: nodes.Pipe, token: Token) -> None:
        pipe.variables.append(nodes.Variable(token.at, token.text))
        self.variables.append(token.text)

    def _command(self) -> nodes.Command:
        command = nodes.Command(self._peek_word().at)
        while True:
            self._peek_word()
            operand = self._operand()
            if operand is not None:
                command.words.append(operand)
            token = self._next()
            if token.kind is Is.SPACE:
                continue
            if token.kind in {Is.RIGHT, Is.CLOSED}:
                self._back(token)
            elif token.kind is not Is.PIPE:
                raise self._unexpected(token, "operand")
            break
        if not command.words:
            raise self._fault("empty command")
        return command

    def _operand(self) -> nodes.Node | None:
        term = self._term()
        if term is None or self._peek().kind is not Is.FIELD:
            return term
        at = self._peek().at
        names = []
        while self._peek().kind is Is.FIELD:
            names.append(self._next().text[1:])
        if isinstance(term, nodes.Field):
            return nodes.Field(at, (*term.names, *names))
        if isinstance(term, nodes.Variable):
            return nodes.Variable(at, term.name, (*term.names, *names))
        if isinstance(term, _CONSTANTS):
            raise self._fault(f"unexpected . after term {quote(str(term))}")
        return nodes.Chain(at, term, tuple(names))

    def _term(self) -> nodes.Node | None:
        token = self._next_word()
        match token.kind:
            case Is.NAME:
                if token.text not in self._functions:
                    raise self._fault(f"function {quote(token.text)} not defined", token.at)
                return nodes.Name(token.at, token.text)
            case Is.DOT:
                return nodes.Dot(token.at)
            case Is.VARIABLE:
                if token.text not in self.variables:
                    raise self._fault(f"undefined variable {quote(token.text)}", token.at)
                return nodes.Variable(token.at, token.text)
            case Is.FIELD:
                return nodes.Field(token.at, (token.text[1:],))
            case Is.BOOL:
                return nodes.Bool(token.at, token.text == "true")
            case Is.NUMBER | Is.CHAR:
                return self._number(token)
            case Is.STRING | Is.RAW:
                return nodes.String(token.at, token.text, self._unquoted(token))
            case Is.OPEN:
                return self._parentheses()
        if token.kind is Is.KEYWORD and token.text == "nil":
            return nodes.Nil(token.at)
        self._back(token)
        return None

    def _parentheses(self) -> nodes.Pipe:
        self._depth += 1
        if self._depth > MAX_NESTING:
            raise self._fault(f"parentheses are nested more than {MAX_NESTING} deep")
        pipe = self._pipe("parenthesized pipeline", Is.CLOSED)
        self._depth -= 1
        return pipe

    # --- literals

    def _unquoted(self, token: Token) -> str:
        if token.kind is Is.RAW:
            return token.text[1:-1].replace("\r", "")
        if not _is_well_formed(token.text, '"'):
            raise self._fault("invalid syntax", token.at)
        return unquote(token.text)

    def _number(self, token: Token) -> nodes.Number:
        text = token.text
        if token.kind is Is.CHAR:
            char = unquote(text) if _is_well_formed(text, "'") else ""
            if len(char) != 1:
                raise self._fault(f"malformed character constant: {text}", token.at)
            code = ord(char) if not 0xDC80 <= ord(char) <= 0xDCFF else ord(char) - 0xDC00
            return nodes.Number(token.at, text, code, float(code), False)
        if text.endswith("i"):
            raise self._fault(f"complex numbers are not supported: {text}", token.at)
        whole = _whole(text)
        if whole is not None:
            return nodes.Number(token.at, text, whole, float(whole), False)
        try:
            real = parse_float(text)
        except PharosError as error:
            raise self._fault(f"illegal number syntax: {quote(text)}", token.at) from error
        if not any(char in text for char in ".eEpP"):
            if real < 2.0**64 and text.isdecimal():
                return nodes.Number(token.at, text, None, real, False)
            raise self._fault(f"integer overflow: {quote(text)}", token.at)
        exact = real.is_integer() and _MIN_INT <= real <= _MAX_INT
        return nodes.Number(token.at, text, int(real) if exact else None, real, True)


def _whole(text: str) -> int | None:
    try:
        return parse_int(text)
    except PharosError:
        return None


def _is_well_formed(literal: str, around: str) -> bool:
    """Return whether the escapes in a quoted text are Go's."""
    body, at = literal[1:-1], 0
    while at < len(body):
        if body.startswith("\\" + around, at):
            at += 2
            continue
        found = _ESCAPES.match(body, at)
        if found is None:
            return False
        at = found.end()
    return True


def _shown(token: Token) -> str:
    match token.kind:
        case Is.END:
            return "EOF"
        case Is.KEYWORD | Is.DOT:
            return f"<{token.text}>"
    if len(token.text) > 10:
        return f"{quote(token.text[:10])}..."
    return quote(token.text)
