"""Templates that know one another: what a file or a text defines is there for all that come later."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from pharos.errors import Kind, PharosError
from pharos.gotemplate import nodes
from pharos.gotemplate.builtins import BUILTINS
from pharos.gotemplate.evaluate import Run
from pharos.gotemplate.html.escape import escape
from pharos.gotemplate.nodes import used_by
from pharos.gotemplate.parse import parse
from pharos.gotemplate.values import Function, Limits, Value

_NONE: Final[Mapping[str, Function]] = {}
MAX_TEXT: Final = 1024 * 1024
"""How many characters a template may have."""


class Templates:
    """A set of templates; it does not change, more of them are a new set."""

    def __init__(
        self,
        functions: Mapping[str, Function],
        limits: Limits | None = None,
        trees: Mapping[str, nodes.Tree] | None = None,
    ) -> None:
        # a set that grew from another shares its functions, which have the builtin ones already
        self._functions = {**BUILTINS, **functions} if trees is None else functions
        self._limits = limits or Limits()
        self._trees = trees or {}

    def __contains__(self, name: object) -> bool:
        return name in self._trees

    def names(self) -> list[str]:
        """Return what the templates are called, sorted."""
        return sorted(self._trees)

    def tree(self, name: str) -> nodes.Tree | None:
        """Return what a template consists of."""
        return self._trees.get(name)

    def missing(self, name: str) -> list[str]:
        """Return the names of templates that `name`, and those that it uses, use and that are not there."""
        known, found, waiting = {name}, set(), [name]
        while waiting:
            tree = self._trees.get(waiting.pop())
            for used in used_by(tree.body if tree else []):
                if used not in self._trees:
                    found.add(used)
                elif used not in known:
                    known.add(used)
                    waiting.append(used)
        return sorted(found)

    def reading(self, name: str, text: str, *, skipped: int = 0) -> Templates:
        """Return a set that has these too: the template `name` is `text`, and what `text` defines.

        A template that was there is replaced, unless the new one says nothing. The first `skipped` actions
        are read and not carried out: who runs it says what their variables are.
        Raises PharosError(INVALID), with the place in Go's words, for what is no template.
        """
        if len(text) > MAX_TEXT:
            raise PharosError(Kind.TOO_LARGE, f"template {name}: more than {MAX_TEXT} characters")
        trees = dict(self._trees)
        found = parse(name, text, self._functions)
        del found[name].body[:skipped]
        for key, tree in found.items():
            if key not in trees or not tree.is_empty():
                trees[key] = tree
        return self._with(trees)

    def escaping(self, name: str) -> Templates:
        """Return a set in which `name`, and all that it uses, write HTML that no value can break.

        Raises PharosError(INVALID) for a template of which it cannot be told where its actions stand.
        """
        return self._with({**self._trees, **escape(self._trees, name)})

    def _with(self, trees: Mapping[str, nodes.Tree]) -> Templates:
        return Templates(self._functions, self._limits, trees)

    def expand(
        self,
        name: str,
        data: Value,
        functions: Mapping[str, Function] = _NONE,
        variables: Iterable[tuple[str, Value]] = (),
    ) -> str:
        """Return what the template `name` makes of `data`; `functions` replace those of the same names.

        `variables` are those of the actions that were skipped.
        Raises PharosError: INVALID with Go's message and place, LIMITED when it takes more than it may.
        """
        return Run(self._trees, self._functions, self._limits, functions).template(name, data, variables)
