"""What of a query a store can answer by itself: its streams, and a tree that its lines meet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from msgspec import Struct

from pharos.search.logql.ast import (
    Address,
    AddressFilter,
    BothFilters,
    EitherFilter,
    JsonParser,
    LabelFilter,
    LabelFormat,
    LineFilter,
    LineOp,
    LogfmtParser,
    Matcher,
    MatchOp,
    NumberFilter,
    PatternParser,
    RegexpParser,
    Selection,
    Stage,
)
from pharos.search.logql.captures import check_filter_pattern
from pharos.search.logql.line import EXTRACTED, SPECIAL
from pharos.search.logql.source import Stream, Where
from pharos.search.tree import All, And, Contains, Field, Has, Matches, Not, Op, Or, Origins, Tree

FieldsOf = Callable[[str], Sequence[Where] | None]
"""Where structured metadata of a name is kept, see `Source.metadata_fields`."""
_FILTERS: Final = (Matcher, NumberFilter, AddressFilter, BothFilters, EitherFilter)
_KEEPS_LINE: Final = (
    *_FILTERS,
    LabelFormat,
    Selection,
    JsonParser,
    LogfmtParser,
    RegexpParser,
    PatternParser,
)
"""Stages that leave the text of the line as it is."""


class Lowered(Struct, frozen=True):
    """A tree that each line of the answer meets, and the stages that are left."""

    tree: Tree
    rest: tuple[Stage, ...]
    """What lines have to go through yet; where it is empty, those that meet the tree are the answer."""


def select_streams(streams: Sequence[Stream], matchers: Sequence[Matcher]) -> list[Stream]:
    """Return the streams that meet all matchers."""
    return [
        stream for stream in streams if all(one.matches(stream.labels.get(one.name, "")) for one in matchers)
    ]


def lower(streams: Sequence[Stream], stages: Sequence[Stage], fields_of: FieldsOf) -> Lowered:
    """Return what a store is asked for, of streams that were selected, and what is left to do.

    A line filter is the store's as long as nothing changed the line; a label filter as long as nothing
    changed labels.
    """
    parts: list[Tree] = [_origins(streams)]
    rest: list[Stage] = []
    labels_are_own = True
    filters = _FilterTrees(streams, fields_of)
    for place, stage in enumerate(stages):
        if _is_idle(stage) and not rest:
            continue
        if isinstance(stage, LineFilter):
            tree, is_exact = _line_tree(stage)
        elif isinstance(stage, _FILTERS) and labels_are_own:
            tree, is_exact = filters.of(stage)
        elif isinstance(stage, _KEEPS_LINE):
            labels_are_own = labels_are_own and isinstance(stage, _FILTERS)
            rest.append(stage)
            continue
        else:
            rest.extend(stages[place:])
            break
        if not isinstance(tree, All):
            parts.append(tree)
        if not is_exact:
            rest.append(stage)
    return Lowered(_all(parts), tuple(rest))


def _is_idle(stage: Stage) -> bool:
    """Return whether a stage is about errors alone, of which there is none before a parser.

    Grafana asks for the volume of logs with `drop __error__`.
    """
    if isinstance(stage, Selection):
        return stage.drops and all(isinstance(one, str) and one in SPECIAL for one in stage.labels)
    return isinstance(stage, Matcher) and stage.name in SPECIAL and stage.matches("")


def _origins(streams: Sequence[Stream]) -> Tree:
    return Origins(tuple(stream.id for stream in streams))


def _all(trees: Sequence[Tree]) -> Tree:
    return trees[0] if len(trees) == 1 else And(tuple(trees))


def _any(trees: Sequence[Tree]) -> Tree:
    return trees[0] if len(trees) == 1 else Or(tuple(trees))


# --- lines


def _line_tree(stage: LineFilter) -> tuple[Tree, bool]:
    """Return (a tree that lines meet, whether all that meet it pass the filter)."""
    found = [_value_tree(stage.op, value) for value in stage.values]
    is_exact = all(exact for _, exact in found)
    if stage.op.is_negative:
        # Of what is only near, the opposite is no condition at all.
        trees = [Not(tree) for tree, exact in found if exact]
        return _all(trees) if trees else All(), is_exact
    return _any([tree for tree, _ in found]), is_exact


def _value_tree(op: LineOp, value: str | Address) -> tuple[Tree, bool]:
    if isinstance(value, Address):
        return All(), False
    if op in {LineOp.CONTAINS, LineOp.CONTAINS_NOT}:
        return (Contains(value) if value else All()), True
    if op in {LineOp.MATCHES, LineOp.MATCHES_NOT}:
        return (Matches(value) if value else All()), True
    literals = [part.text for part in check_filter_pattern(value) if not part.is_capture]
    return (_all([Contains(text) for text in literals]) if literals else All()), False


# --- labels


class _FilterTrees:
    """Label filters as trees: what a stream's labels decide is decided here."""

    def __init__(self, streams: Sequence[Stream], fields_of: FieldsOf) -> None:
        self._streams = streams
        self._fields_of = fields_of
        self._can_fail = False

    def of(self, stage: LabelFilter) -> tuple[Tree, bool]:
        """Return (a tree that lines meet, whether all that meet it pass the filter)."""
        if isinstance(stage, BothFilters | EitherFilter):
            left, left_exact = self.of(stage.left)
            right, right_exact = self.of(stage.right)
            joined = And((left, right)) if isinstance(stage, BothFilters) else Or((left, right))
            return joined, left_exact and right_exact
        if stage.name in SPECIAL or stage.name.endswith(EXTRACTED):
            return All(), False
        known = [one for one in self._streams if one.labels.get(stage.name)]
        unknown = [one for one in self._streams if not one.labels.get(stage.name)]
        fields = self._fields_of(stage.name)
        if isinstance(stage, Matcher):
            condition, is_exact = _condition(stage, fields)
            known = [one for one in known if stage.matches(one.labels[stage.name])]
        else:
            # Behind a filter of numbers that failed all others let the line go on.
            condition = All() if fields is None else _has(fields)
            is_exact = False
            if self._can_fail:
                return All(), False
            self._can_fail = True
        if not unknown:
            return _origins(known), is_exact
        if known or not isinstance(condition, All):
            asked = And((_origins(unknown), condition))
            return (Or((_origins(known), asked)) if known else asked), is_exact
        return All(), is_exact


def _has(fields: Sequence[Where]) -> Tree:
    # Nothing is kept under such a name: no line has it.
    return _any([Has(one.name, one.place) for one in fields]) if fields else Origins(())


def _condition(matcher: Matcher, fields: Sequence[Where] | None) -> tuple[Tree, bool]:
    """Return (what lines meet whose structured metadata matches, whether it says all)."""
    if fields is None:
        return All(), False
    if not fields:
        return (All() if matcher.matches("") else Origins(())), True
    positive = matcher.op in {MatchOp.EQUAL, MatchOp.REGEX}
    op = Op.EQUAL if matcher.op in {MatchOp.EQUAL, MatchOp.NOT_EQUAL} else Op.REGEX
    takes_empty = matcher.matches("")
    # Of several fields of one name the first has precedence, which a tree does not say.
    is_exact = len(fields) == 1
    if positive == takes_empty and not is_exact:
        return All(), False
    if not matcher.value:
        tree = _has(fields)
        return (Not(tree) if positive else tree), is_exact
    found = _any(
        [
            Field(one.name, op, matcher.value, one.place)
            if one.words is None or op is Op.REGEX or matcher.value in one.words
            else Origins(())
            for one in fields
        ]
    )
    if positive:
        return (Or((found, Not(_has(fields)))) if takes_empty else found), is_exact
    if takes_empty:
        return Not(found), is_exact
    return And((_has(fields), Not(found))), is_exact
