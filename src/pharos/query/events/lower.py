"""A tree of `search` as conditions of the engine: over log records, or over spans.

What is asked of a resource is answered here, from the origins that there are: rows then only need to be of
one of them. So no row carries its resource, and a condition on it costs the comparison of a number.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from msgspec import Struct, field
from msgspec.structs import replace

from pharos.engine import sql
from pharos.engine.sql import Condition
from pharos.errors import Kind, PharosError
from pharos.labels import compile_regex
from pharos.query.events.rows import Attributes, Origin
from pharos.search.literals import required_literal
from pharos.search.tree import (
    All,
    And,
    Contains,
    Field,
    Has,
    Matches,
    Not,
    Op,
    Or,
    Origins,
    Place,
    Tree,
    Words,
)
from pharos.search.words import number_of

LEVELS: Final = ("", "trace", "debug", "info", "warn", "error", "fatal")
KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")
STATUSES: Final = ("unset", "ok", "error")

_ORDERS: Final = {Op.LESS: "<", Op.AT_MOST: "<=", Op.MORE: ">", Op.AT_LEAST: ">="}
# Runs of letters (and digits), and of all that is not ASCII; written as what they lack, quick to compile.
_TOKENS: Final = re.compile(r"[^\x00-/:-@\[-`{-\x7f]+")
_LETTERS: Final = re.compile(r"[^\x00-@\[-`{-\x7f]+")
_LEAST_PART: Final = 4
"""The index of words is looked through for parts of so many letters."""
_NOT_INDEXED: Final = frozenset(
    {"service", "level", "severity", "severity_number", "severity_text", "event_name"}
)
"""Own fields that are read to be compared."""
_MOST_ORIGINS: Final = 100_000
_MOST_PARTS: Final = 2_000


class Known(Struct, frozen=True):
    """What a tree is read against: what the tenant has in the time that is asked about."""

    origins: Mapping[int, Origin]
    names: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Names of attributes by their sanitised form."""


_UNFIT: Final = re.compile(r"[^a-zA-Z0-9_]")


def sanitised(name: str) -> str:
    """Return a name as label languages write it: other characters than letters, digits and `_` become `_`."""
    found = _UNFIT.sub("_", name)
    return f"_{found}" if found[:1].isdigit() else found


class Lowering:
    """Makes conditions of trees over one table; the two tables differ in what fields a row has by itself.

    That of logs has indexes of words and of attributes, too.
    """

    def __init__(
        self,
        known: Known,
        own: Mapping[str, Callable[[Field | Has], Condition]],
        body: str,
        *,
        is_of_logs: bool = False,
    ) -> None:
        self._known = known
        self._is_of_logs = is_of_logs
        self._own = own
        self._body = body
        self._parts = 0

    def condition(self, tree: Tree) -> Condition:
        """Return the condition. Raises PharosError: INVALID for what cannot be asked, TOO_LARGE."""
        self._parts += 1
        if self._parts > _MOST_PARTS:
            raise PharosError(Kind.TOO_LARGE, f"the search has more than {_MOST_PARTS} conditions")
        match tree:
            case All():
                return sql.both()
            case And(parts):
                return sql.both(*map(self.condition, parts))
            case Or(parts):
                return sql.either(map(self.condition, parts))
            case Not(part):
                return sql.negated(self.condition(part))
            case Contains(text, ignores_case):
                return self._contains(text, ignores_case=ignores_case)
            case Words(text):
                return self._words(text)
            case Matches(pattern):
                require_pattern(pattern)
                # Matched are the lines that hold what the pattern needs, which is found faster.
                needed = self._contains(required_literal(pattern), ignores_case=False)
                return sql.both(needed, sql.holds_match(self._body, pattern))
            case Origins(ids):
                return of_origins(ids)
            case Field() | Has():
                return self._field(tree)

    def _contains(self, text: str, *, ignores_case: bool) -> Condition:
        if not text:
            return sql.both()
        lowered, column = _lower(text), f"lower({self._body})"
        # What the index of words knows of it comes first.
        found = self._letters_in(lowered)
        if not ignores_case:
            return sql.both(*found, sql.holds(self._body, text))
        if not text.isascii():
            # Letters beyond ASCII have other cases, which the index does not know.
            return sql.holds_match(self._body, f"(?i){re.escape(text)}")
        return found[0] if _is_letters(text) and found else sql.both(*found, sql.holds(column, lowered))

    def _letters_in(self, lowered: str) -> list[Condition]:
        """Return what the words must be like in a body that holds a text.

        A run of letters in the midst of it is a whole word there; one at its ends may be a part of one.
        """
        if not self._is_of_logs:
            return []
        column, found = sql.letters_of(self._body), []
        for run in _LETTERS.finditer(lowered):
            if run.start() > 0 and run.end() < len(lowered):
                found.append(sql.has_token(column, run[0]))
            elif len(run[0]) >= _LEAST_PART:
                found.append(sql.holds(column, run[0]))
        return found

    def _words(self, text: str) -> Condition:
        tokens = _TOKENS.findall(text)
        if not tokens:
            return self._contains(text, ignores_case=True)
        found = [self._word(_lower(token)) for token in dict.fromkeys(tokens)]
        if len(tokens) == 1 and tokens[0] == text:
            return found[0]
        column, lowered = f"lower({self._body})", _lower(text)
        before = f"(?:^|{_edge(tokens[0])})" if text.startswith(tokens[0]) else ""
        after = f"(?:$|{_edge(tokens[-1])})" if text.endswith(tokens[-1]) else ""
        whole = sql.holds_match(column, f"{before}{re.escape(lowered)}{after}")
        return sql.both(*found, sql.holds(column, lowered), whole)

    def _word(self, token: str) -> Condition:
        if _is_letters(token):
            return sql.has_token(sql.letters_of(self._body), token)
        return sql.has_token(f"lower({self._body})", token)

    def _field(self, asked: Field | Has) -> Condition:
        if self._is_of_logs and asked.place in (Place.EVENT, Place.LINK):
            # Records have neither: there it begins a name like any other.
            asked = replace(asked, name=f"{asked.place}.{asked.name}", place=Place.ANY)
        if asked.place in (Place.ANY, Place.OWN) and asked.name in self._own:
            return self._own[asked.name](asked)
        if asked.place is Place.OWN:
            raise PharosError(Kind.INVALID, f"there is no field {asked.name!r} that every record has")
        parts: list[Condition] = []
        if asked.place in (Place.ANY, Place.RECORD):
            parts += (self._attribute(name, asked) for name in self._names(asked.name))
            if self._is_of_logs and asked.name == "event.name":
                # Who sends it as a field of OTLP has no attribute of this name.
                parts.append(self._own["event_name"](asked))
        if asked.place in (Place.ANY, Place.RESOURCE, Place.SCOPE):
            origins = self._origins_of(asked)
            parts += [of_origins(origins)] if origins or not parts else []
        if asked.place is Place.EVENT:
            if asked.name == "name" and isinstance(asked, Field):
                parts.append(sql.any_element("event_name", compared("x", asked)))
            parts.append(sql.any_element("event_attributes", _in_map("x", asked.name, asked)))
        if asked.place is Place.LINK:
            parts.append(sql.any_element("link_attributes", _in_map("x", asked.name, asked)))
        return sql.either(parts)

    def _attribute(self, name: str, asked: Field | Has) -> Condition:
        if (
            self._is_of_logs
            and isinstance(asked, Field)
            and asked.op is Op.EQUAL
            and sql.is_paired(asked.value)
        ):
            return sql.has_pair(name, asked.value)
        return _in_map("attributes", name, asked)

    def _names(self, name: str) -> Sequence[str]:
        """Return the attributes that a name means: itself, and those that are written so."""
        others = self._known.names.get(name, ())
        return [name, *(other for other in others if other != name)]

    def _origins_of(self, asked: Field | Has) -> list[int]:
        found: list[int] = []
        for origin in self._known.origins.values():
            values: list[str] = []
            if asked.place is not Place.SCOPE:
                values += values_of(origin.resource, asked.name)
            if asked.place is not Place.RESOURCE:
                values += values_of(origin.scope, asked.name)
            if any(is_met(value, asked) for value in values):
                found.append(origin.id)
        return found


def _is_letters(text: str) -> bool:
    return _LETTERS.fullmatch(text) is not None


def _edge(token: str) -> str:
    """Return the pattern of what may stand beside a word."""
    return r"[^A-Za-z\x80-\xff]" if _is_letters(token) else r"[^0-9A-Za-z\x80-\xff]"


def _lower(text: str) -> str:
    """Return a text as the engine's `lower` has it: letters of ASCII alone."""
    return "".join(character.lower() if character.isascii() else character for character in text)


def of_origins(ids: Iterable[int]) -> Condition:
    """Return that a row is of one of these origins. Raises PharosError(TOO_LARGE) for too many of them."""
    found = list(ids)
    if not found:
        return sql.never()
    if len(found) > _MOST_ORIGINS:
        raise PharosError(
            Kind.TOO_LARGE, f"more than {_MOST_ORIGINS} resources are meant", hint="ask for a service, too"
        )
    return sql.among("origin", found)


def require_pattern(pattern: str) -> None:
    """Raise PharosError(INVALID) for a pattern that RE2 does not take."""
    compile_regex(pattern)


def compared(column: str, asked: Field) -> Condition:
    """Return that the text in a column compares as asked."""
    match asked.op:
        case Op.EQUAL:
            return sql.equal(column, asked.value)
        case Op.CONTAINS:
            return sql.holds(f"lower({column})", _lower(asked.value))
        case Op.REGEX:
            require_pattern(asked.value)
            return sql.is_match(column, asked.value)
        case _:
            return sql.compares(sql.number_of(column), _ORDERS[asked.op], number_asked(asked))


def _in_map(column: str, name: str, asked: Field | Has) -> Condition:
    value = sql.attribute_of(name, column)
    if isinstance(asked, Has):
        return sql.differs(value, "")
    found = compared(value, asked)
    if asked.op is Op.EQUAL and asked.value:
        return found
    # The map gives an empty text for what it does not have.
    return sql.both(sql.has_key(column, name), found)


def number_asked(asked: Field) -> float:
    """Return the number that a field is compared with. Raises PharosError(INVALID) without one."""
    number = number_of(asked.name, asked.value) if asked.number is None else asked.number
    if number is not None:
        return number
    try:
        return float(asked.value)
    except ValueError:
        raise PharosError(
            Kind.INVALID,
            f"{asked.name} {asked.op} {asked.value!r}: that is no number to compare with",
            hint="such as 500, 1.5s or 10MiB",
        ) from None


def is_narrow(tree: Tree) -> bool:
    """Return whether an index leaves out most rows that do not meet a tree, unless most do."""
    match tree:
        case Words() | Contains() | Matches():
            return True
        case Field(op=Op.EQUAL):
            # What is paired is frequent, as a rule.
            return tree.name not in _NOT_INDEXED and not sql.is_paired(tree.value)
        case And(parts):
            return any(map(is_narrow, parts))
        case Or(parts):
            return all(map(is_narrow, parts))
        case _:
            return False


def names_id(tree: Tree) -> bool:
    """Return whether a tree asks for one trace or span."""
    match tree:
        case Field(name="trace_id" | "span_id", op=Op.EQUAL):
            return True
        case And(parts):
            return any(map(names_id, parts))
        case _:
            return False


def values_of(attributes: Attributes, name: str) -> list[str]:
    """Return the values of the attributes of a name, or of those that are written so."""
    return [value for key, value, _ in attributes if key == name or sanitised(key) == name]


def is_met(value: str, asked: Field | Has) -> bool:
    """Return whether a value is as asked, as the engine would say."""
    if isinstance(asked, Has):
        return bool(value)
    match asked.op:
        case Op.EQUAL:
            return value == asked.value
        case Op.CONTAINS:
            return _lower(asked.value) in _lower(value)
        case Op.REGEX:
            return compile_regex(f"(?-s:{asked.value})").fullmatch(value) is not None
        case _:
            wanted = number_asked(asked)
            try:
                number = float(value)
            except ValueError:
                return False
            orders = {Op.LESS: number < wanted, Op.AT_MOST: number <= wanted, Op.MORE: number > wanted}
            return orders.get(asked.op, number >= wanted)


def words_own(column: str, words: Sequence[str]) -> Callable[[Field | Has], Condition]:
    """Return what makes conditions on a column of numbers that stand for words."""

    def condition(asked: Field | Has) -> Condition:
        if isinstance(asked, Has):
            return sql.compares(column, ">", 0)
        if asked.op in _ORDERS:
            place = words.index(asked.value.lower()) if asked.value.lower() in words else number_asked(asked)
            return sql.compares(column, _ORDERS[asked.op], place)
        found = [place for place, word in enumerate(words) if is_met(word, _folded(asked))]
        if asked.value.isdigit():
            found.append(int(asked.value))
        return sql.among(column, found) if found else sql.never()

    return condition


def _folded(asked: Field) -> Field:
    value = asked.value if asked.op is Op.REGEX else asked.value.lower()
    return Field(asked.name, asked.op, value, asked.place, asked.number)


def text_own(column: str) -> Callable[[Field | Has], Condition]:
    """Return what makes conditions on a column of text."""

    def condition(asked: Field | Has) -> Condition:
        return sql.differs(column, "") if isinstance(asked, Has) else compared(column, asked)

    return condition


def number_own(column: str) -> Callable[[Field | Has], Condition]:
    """Return what makes conditions on a column of numbers."""

    def condition(asked: Field | Has) -> Condition:
        if isinstance(asked, Has):
            return sql.compares(column, ">", 0)
        if asked.op is not Op.EQUAL and asked.op not in _ORDERS:
            raise PharosError(Kind.INVALID, f"{asked.name} is a number: compare it by = < <= > >=")
        number = number_asked(asked)
        if asked.op is Op.EQUAL:
            return sql.both(sql.compares(column, ">=", number), sql.compares(column, "<=", number))
        return sql.compares(column, _ORDERS[asked.op], number)

    return condition


def id_own(column: str, size: int) -> Callable[[Field | Has], Condition]:
    """Return what makes conditions on a column of identifiers of `size` bytes."""

    def condition(asked: Field | Has) -> Condition:
        if isinstance(asked, Has):
            return sql.negated(sql.same_bytes(column, bytes(size)))
        if asked.op is not Op.EQUAL:
            return compared(f"lower(hex({column}))", asked)
        digits = asked.value.lower().rjust(2 * size, "0")
        if not asked.value or len(digits) != 2 * size or not re.fullmatch(r"[0-9a-f]+", digits):
            return sql.never()
        return sql.same_bytes(column, bytes.fromhex(digits))

    return condition


def log_lowering(known: Known) -> Lowering:
    """Return what makes conditions over log records."""
    own = {
        "service": text_own("service"),
        "level": words_own("level", LEVELS),
        "severity": number_own("severity"),
        "severity_number": number_own("severity"),
        "severity_text": text_own("severity_text"),
        "event_name": text_own("event_name"),
        "body": text_own("body"),
        "trace_id": id_own("trace_id", 16),
        "span_id": id_own("span_id", 8),
    }
    return Lowering(known, own, "body", is_of_logs=True)


def span_lowering(known: Known) -> Lowering:
    """Return what makes conditions over spans; a text is looked for in their names."""
    own = {
        "service": text_own("service"),
        "name": text_own("name"),
        "kind": words_own("kind", KINDS),
        "status": words_own("status", STATUSES),
        "status_message": text_own("status_message"),
        "duration": number_own("duration"),
        "trace_id": id_own("trace_id", 16),
        "span_id": id_own("span_id", 8),
        "parent_id": id_own("parent_id", 8),
        "trace_state": text_own("trace_state"),
    }
    return Lowering(known, own, "name")
