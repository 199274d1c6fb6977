"""A template becomes text: its tree is walked with the value that dot stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate import nodes
from pharos.gotemplate.html.escapers import ESCAPERS
from pharos.gotemplate.printing import shown
from pharos.gotemplate.values import (
    ANY,
    Budget,
    Compound,
    Function,
    Items,
    Kindred,
    Limits,
    Named,
    Record,
    Table,
    Value,
    is_true,
    type_name,
)
from pharos.gotext.quoting import quote

_MISSING: Final[Any] = object()
"""Stands where no command of the pipeline came before."""
_WITH_METHODS: Final = (Compound, Named)
_CONSTANTS: Final = (nodes.Bool, nodes.Number, nodes.String)
_MAX_FRAMES: Final = 500
"""How many calls may stand in one another, for blocks, templates and parentheses; Python takes 1,000."""
_BLOCK_FRAMES: Final = 3
_PIPE_FRAMES: Final = 9


class _BreakError(Exception):
    """That a range is left."""


class _ContinueError(Exception):
    """That a range goes on with its next item."""


_NONE: Final[Mapping[str, Function]] = {}


class Run:
    """One use of a template of some trees, by functions of which `own` come before the others."""

    def __init__(
        self,
        trees: Mapping[str, nodes.Tree],
        functions: Mapping[str, Function],
        limits: Limits,
        own: Mapping[str, Function] = _NONE,
    ) -> None:
        self._trees = trees
        self._functions = functions
        self._own = own
        self._limits = limits
        self._budget = Budget(limits)
        self._variables: list[tuple[str, Value]] = []
        self._depth = 0
        self._frames = 0
        self._out: list[str] = []
        self._tree = nodes.Tree("", "", "")
        self._node: nodes.Node = nodes.Dot(0)

    def template(self, name: str, data: Value, variables: Iterable[tuple[str, Value]] = ()) -> str:
        """Return what the template of that name makes of `data`; it finds these variables beside `$`.

        Raises PharosError: INVALID with Go's message and place, LIMITED when it takes more than it may.
        """
        tree = self._trees.get(name)
        if tree is None:
            raise PharosError(Kind.INVALID, f"template: {name}: template {quote(name)} not defined")
        self._tree = tree
        self._variables = [("$", data), *variables]
        try:
            self._walk_all(tree.body, data)
        except PharosError as error:
            if error.kind is Kind.LIMITED and error.position is None:
                raise self._fault(error.message, Kind.LIMITED) from error
            raise
        return "".join(self._out)

    def _fault(self, message: str, kind: Kind = Kind.INVALID) -> PharosError:
        tree, node = self._tree, self._node
        context = str(node)
        return PharosError(
            kind,
            f"template: {tree.place(node.at)}: executing {quote(tree.name)} at <{context[:200]}>: {message}",
            position=node.at,
        )

    def _deeper(self, frames: int) -> None:
        self._frames += frames
        if self._frames > _MAX_FRAMES:
            raise self._fault("templates, blocks and parentheses stand too deep in one another", Kind.LIMITED)

    # --- nodes

    def _walk_all(self, body: list[nodes.Node], dot: Value) -> None:
        for node in body:
            self._WALKS[type(node)](self, node, dot)

    def _text(self, node: nodes.Text, _dot: Value) -> None:
        self._budget.make(len(node.text))
        self._out.append(node.text)

    def _action(self, node: nodes.Action, dot: Value) -> None:
        value = self._pipe(node.pipe, dot)
        if not node.pipe.variables:
            self._node = node
            self._budget.step()
            if node.escapers:
                self._out.append(self._escaped(node, value))
            else:
                self._out.append("<no value>" if value is None else shown(self._budget, value))

    def _escaped(self, node: nodes.Action, value: Value) -> str:
        text = ""
        for name in node.escapers:
            value = text = ESCAPERS[name](self._budget, value)
        self._budget.make(len(text))
        return text

    def _block(self, node: nodes.Block, dot: Value) -> None:
        kept = len(self._variables)
        self._budget.step()
        self._deeper(_BLOCK_FRAMES)
        if node.word == "range":
            self._range(node, dot)
        else:
            value = self._pipe(node.pipe, dot)
            if is_true(value):
                self._walk_all(node.body, value if node.word == "with" else dot)
            elif node.otherwise is not None:
                self._walk_all(node.otherwise, dot)
        self._frames -= _BLOCK_FRAMES
        del self._variables[kept:]

    def _range(self, node: nodes.Block, dot: Value) -> None:
        value = self._pipe(node.pipe, dot)
        names = node.pipe.variables
        if isinstance(value, int) and not isinstance(value, bool) and len(names) > 1:
            raise self._fault(f"can't use {int(value)} to iterate over more than one variable")
        kept, frames = len(self._variables), self._frames
        is_empty = True
        try:
            for key, item in self._pairs(value):
                is_empty = False
                self._budget.step()
                self._bind(node.pipe, key, item)
                try:
                    self._walk_all(node.body, item)
                except _ContinueError:
                    self._frames = frames
                del self._variables[kept:]
        except _BreakError:
            self._frames = frames
            return
        if is_empty and node.otherwise is not None:
            self._walk_all(node.otherwise, dot)

    def _bind(self, pipe: nodes.Pipe, key: Value, item: Value) -> None:
        """Give the variables of a range their values: one is the item, of two the first is the key."""
        if not pipe.variables:
            return
        values = (item,) if len(pipe.variables) == 1 else (key, item)
        for variable, value in zip(pipe.variables, values, strict=True):
            if pipe.is_assignment:
                self._assign(variable.name, value)
            else:
                self._declare_again(variable.name, value)

    def _declare_again(self, name: str, value: Value) -> None:
        """Give a variable that the range's own pipeline declared its value."""
        for place in range(len(self._variables) - 1, -1, -1):
            if self._variables[place][0] == name:
                self._variables[place] = (name, value)
                return

    def _pairs(self, value: Value) -> Iterator[tuple[Value, Value]]:
        """Yield what a range goes through, each with its key or number."""
        if isinstance(value, Items):
            return iter(enumerate(value.items))
        if isinstance(value, Table):
            return iter(value.pairs())
        if value is None:
            return iter(())
        if isinstance(value, int) and not isinstance(value, bool):
            return ((number, number) for number in range(int(value)))
        raise self._fault(f"range can't iterate over {shown(self._budget, value)}")

    def _include(self, node: nodes.Include, dot: Value) -> None:
        self._node = node
        self._budget.step()
        tree = self._trees.get(node.name)
        if tree is None:
            raise self._fault(f"template {quote(node.name)} not defined")
        if self._depth >= self._limits.depth:
            raise self._fault(f"exceeded maximum template depth ({self._limits.depth})", Kind.LIMITED)
        data = None if node.pipe is None else self._pipe(node.pipe, dot)
        before = self._tree, self._variables
        self._tree, self._variables = tree, [("$", data)]
        self._depth += 1
        self._deeper(_BLOCK_FRAMES)
        self._walk_all(tree.body, data)
        self._frames -= _BLOCK_FRAMES
        self._depth -= 1
        self._tree, self._variables = before

    def _leave(self, node: nodes.Leave, _dot: Value) -> None:
        raise _BreakError if node.word == "break" else _ContinueError

    # --- pipelines

    def _pipe(self, pipe: nodes.Pipe, dot: Value) -> Value:
        self._node = pipe
        value: Value = _MISSING
        for command in pipe.commands:
            value = self._command(command, dot, value)
        for variable in pipe.variables:
            if pipe.is_assignment:
                self._assign(variable.name, value)
            else:
                self._variables.append((variable.name, value))
        return value

    def _assign(self, name: str, value: Value) -> None:
        for place in range(len(self._variables) - 1, -1, -1):
            if self._variables[place][0] == name:
                self._variables[place] = (name, value)
                return
        raise self._fault(f"undefined variable: {name}")

    def _variable(self, name: str) -> Value:
        for known, value in reversed(self._variables):
            if known == name:
                return value
        raise self._fault(f"undefined variable: {name}")

    def _command(self, command: nodes.Command, dot: Value, final: Value) -> Value:
        self._budget.step()
        first = command.words[0]
        if isinstance(first, nodes.Name):
            return self._function(first, command, command.words, dot, final)
        if isinstance(first, nodes.Field):
            self._node = first
            return self._chain(dot, dot, first, first.names, command.words, final)
        if isinstance(first, nodes.Variable) and first.names:
            self._node = first
            return self._chain(dot, self._variable(first.name), first, first.names, command.words, final)
        if isinstance(first, nodes.Chain):
            self._node = first
            receiver = self._operand(first.of, dot)
            return self._chain(dot, receiver, first, first.names, command.words, final)
        if not isinstance(first, nodes.Pipe):
            self._node = first
        if len(command.words) > 1 or final is not _MISSING:
            raise self._fault(f"can't give argument to non-function {first}")
        if isinstance(first, nodes.Nil):
            raise self._fault("nil is not a command")
        return self._operand(first, dot)

    def _operand(self, node: nodes.Node, dot: Value) -> Value:
        """Return what one word stands for, where nothing says what type is wanted."""
        self._node = node
        read = self._OPERANDS.get(type(node))
        if read is None:
            raise self._fault(f"can't evaluate command {quote(str(node))}")
        return read(self, node, dot)

    def _field_operand(self, node: nodes.Field, dot: Value) -> Value:
        return self._chain(dot, dot, node, node.names, [], _MISSING)

    def _variable_operand(self, node: nodes.Variable, dot: Value) -> Value:
        value = self._variable(node.name)
        return self._chain(dot, value, node, node.names, [], _MISSING) if node.names else value

    def _dot(self, _node: nodes.Dot, dot: Value) -> Value:
        return dot

    def _literal(self, node: nodes.String, _dot: Value) -> Value:
        return node.text

    def _truth(self, node: nodes.Bool, _dot: Value) -> Value:
        return node.value

    def _number(self, node: nodes.Number, _dot: Value) -> Value:
        if node.is_real:
            return node.real
        if node.whole is None:
            raise self._fault(f"{node} overflows int")
        return node.whole

    def _parentheses(self, node: nodes.Pipe, dot: Value) -> Value:
        self._budget.step()
        self._deeper(_PIPE_FRAMES)
        value = self._pipe(node, dot)
        self._frames -= _PIPE_FRAMES
        return value

    def _name(self, node: nodes.Name, dot: Value) -> Value:
        return self._function(node, node, [node], dot, _MISSING)

    def _chain_operand(self, node: nodes.Chain, dot: Value) -> Value:
        if isinstance(node.of, nodes.Nil):
            raise self._fault(f"indirection through explicit nil in {node}")
        return self._chain(dot, self._operand(node.of, dot), node, node.names, [], _MISSING)

    _OPERANDS: ClassVar[Mapping[type, Callable[[Run, Any, Value], Value]]] = {
        nodes.Field: _field_operand,
        nodes.Variable: _variable_operand,
        nodes.Dot: _dot,
        nodes.String: _literal,
        nodes.Bool: _truth,
        nodes.Number: _number,
        nodes.Pipe: _parentheses,
        nodes.Name: _name,
        nodes.Chain: _chain_operand,
    }

    # --- fields and methods

    def _chain(
        self,
        dot: Value,
        receiver: Value,
        node: nodes.Node,
        names: tuple[str, ...],
        words: list[nodes.Node],
        final: Value,
    ) -> Value:
        for place, name in enumerate(names[:-1]):
            receiver = self._field(dot, receiver, node, name, [], _MISSING)
            if receiver is None:
                raise self._fault(f"nil pointer evaluating interface {{}}.{names[place + 1]}")
        return self._field(dot, receiver, node, names[-1], words, final)

    def _field(
        self, dot: Value, receiver: Value, node: nodes.Node, name: str, words: list[nodes.Node], final: Value
    ) -> Value:
        if receiver is None:
            return None
        if isinstance(receiver, _WITH_METHODS):
            method = receiver.methods.get(name)
            if method is not None:
                return self._called(name, method, node, words[1:], dot, final, receiver)
        has_arguments = len(words) > 1 or final is not _MISSING
        if isinstance(receiver, Record) and name in receiver.fields:
            if has_arguments:
                raise self._fault(f"{name} has arguments but cannot be invoked as function")
            return receiver.fields[name]
        if isinstance(receiver, Table):
            if has_arguments:
                raise self._fault(f"{name} is not a method but has arguments")
            found = receiver.entries.get(name, _MISSING)
            return receiver.zero() if found is _MISSING else found
        raise self._fault(f"can't evaluate field {name} in type {type_name(receiver)}")

    # --- calls

    def _function(
        self, name: nodes.Name, node: nodes.Node, words: list[nodes.Node], dot: Value, final: Value
    ) -> Value:
        self._node = name
        function = self._own.get(name.name) or self._functions.get(name.name)
        if function is None:
            raise self._fault(f"{quote(name.name)} is not a defined function")
        if name.name in {"and", "or"}:
            return self._logic(name.name, words[1:], dot, final)
        return self._called(name.name, function, node, words[1:], dot, final)

    def _logic(self, name: str, words: list[nodes.Node], dot: Value, final: Value) -> Value:
        """Return the first argument that decides, or the last; what stands behind is not looked at."""
        if not words and final is _MISSING:
            raise self._fault(f"wrong number of args for {name}: want at least 1 got 0")
        value: Value = None
        for word in words:
            value = self._argument(word, ANY, dot)
            if is_true(value) == (name == "or"):
                return value
        return value if final is _MISSING else final

    def _called(
        self,
        name: str,
        function: Function,
        node: nodes.Node,
        words: list[nodes.Node],
        dot: Value,
        final: Value,
        *receiver: Value,
    ) -> Value:
        takes = function.takes
        count = len(words) + (final is not _MISSING)
        if function.rest is None and count != len(takes):
            raise self._fault(f"wrong number of args for {name}: want {len(takes)} got {count}")
        if count < len(takes):
            raise self._fault(f"wrong number of args for {name}: want at least {len(takes)} got {len(words)}")
        arguments: list[Any] = [self._budget, *receiver] if function.spends else list(receiver)
        wanted = function.rest or ANY
        for place, word in enumerate(words):
            arguments.append(self._argument(word, takes[place] if place < len(takes) else wanted, dot))
        if final is not _MISSING:
            arguments.append(self._checked(final, takes[count - 1] if count <= len(takes) else wanted))
        self._budget.step()
        try:
            return function.call(*arguments)
        except PharosError as error:
            if error.kind is Kind.LIMITED:
                raise
            self._node = node
            raise self._fault(f"error calling {name}: {error.message}") from error

    def _checked(self, value: Value, kindred: Kindred) -> Value:
        if kindred.takes(value):
            return value
        if value is None:
            raise self._fault(f"invalid value; expected {kindred.type_name}")
        raise self._fault(f"wrong type for value; expected {kindred.type_name}; got {type_name(value)}")

    def _argument(self, node: nodes.Node, kindred: Kindred, dot: Value) -> Value:
        self._node = node
        if isinstance(node, nodes.Nil):
            if not kindred.is_nilable:
                raise self._fault(f"cannot assign nil to {kindred.type_name}")
            return None
        if kindred is ANY:
            return self._operand(node, dot)
        if isinstance(node, _CONSTANTS):
            return self._constant(node, kindred)
        return self._checked(self._operand(node, dot), kindred)

    def _constant(self, node: nodes.Bool | nodes.Number | nodes.String, kindred: Kindred) -> Value:
        match kindred.constant, node:
            case "text", nodes.String():
                return node.text
            case "truth", nodes.Bool():
                return node.value
            case "whole", nodes.Number() if node.whole is not None:
                return kindred.classes[0](node.whole)  # type: ignore[no-any-return]  # an integer's own class
            case "real", nodes.Number() if node.real is not None:
                return node.real
            case "", _:
                raise self._fault(f"can't handle {node} for arg of type {kindred.type_name}")
        expected = {"text": "string", "truth": "bool", "whole": "integer", "real": "float"}[kindred.constant]
        raise self._fault(f"expected {expected}; found {node}")

    _WALKS: ClassVar[Mapping[type, Callable[[Run, Any, Value], None]]] = {
        nodes.Text: _text,
        nodes.Action: _action,
        nodes.Block: _block,
        nodes.Include: _include,
        nodes.Leave: _leave,
    }
