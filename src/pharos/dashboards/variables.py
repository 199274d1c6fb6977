"""What variables are set to: options, what was asked for, and what is taken where that is none of them."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final

import re2
from msgspec import Struct, field

from pharos.dashboards.defined import ALL, ALL_TEXT, AUTO
from pharos.dashboards.faults import shown_error
from pharos.dashboards.model import Model, Option, Variable
from pharos.dashboards.reading import Json, mappings, text, texts
from pharos.dashboards.references import Value
from pharos.dashboards.sources import NAMES, PLUGINS
from pharos.dashboards.times import Span, parse_interval, round_interval, written_ms
from pharos.errors import Kind, PharosError

MOST_SHOWN: Final = 1_000
"""Options that are told of at most; the rest is found by searching."""
MOST_OPTIONS: Final = 10_000
_OLD_AUTO: Final = "$__auto_interval_"
_NUMBER: Final = re.compile(r"-?\d+(?:\.\d+)?")
_SLASHED: Final = re.compile(r"/(.*?)/([a-z]*)\Z", re.DOTALL)
_AROUND: Final = re.compile(r"\(\?<?[=!]")
_NESTED: Final = re.compile(r"[*+}]\)[*+{]|\\[1-9]")
_LONGEST_PATTERN: Final = 500
_LONGEST_LOOKED_AT: Final = 500
_MOST_PLACES: Final = 100


class Chosen(Struct, frozen=True):
    """A variable as it is set."""

    variable: Variable
    values: tuple[str, ...] = ()
    """All of them where all are chosen."""
    texts: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    is_all: bool = False
    is_truncated: bool = False
    error: PharosError | None = None
    filters: tuple[Json, ...] = field(default=())
    raw: tuple[str, ...] = ()
    """What was chosen, where it stands for another value: an interval that goes by the range."""

    def value(self) -> Value:
        """Return what stands for it in texts."""
        variable = self.variable
        shown = self.shown_values()
        joined = "&".join(
            f"var-{urllib.parse.quote(variable.name, safe='')}={urllib.parse.quote(one, safe='')}"
            for one in shown
        )
        return Value(
            values=self.values,
            texts=(ALL_TEXT,) if self.is_all else self.texts,
            is_list=variable.is_multi or variable.has_all,
            is_multi=variable.is_multi or self.is_all,
            is_all=self.is_all,
            all_value=variable.all_value,
            query=joined or f"var-{urllib.parse.quote(variable.name, safe='')}=",
        )

    def shown_values(self) -> list[str]:
        """Return what was chosen, as an address has it."""
        return [ALL] if self.is_all else list(self.raw or self.values)

    def shown(self, search: str = "") -> Json:
        """Return it as JSON has it."""
        found = (
            [one for one in self.options if search.lower() in one.text.lower()] if search else self.options
        )
        offered = [Option(ALL_TEXT, ALL)] if self.variable.has_all and not search else []
        return {
            **self.variable.shown(),
            "value": self.shown_values(),
            "text": [ALL_TEXT] if self.is_all else list(self.texts),
            "options": [one.shown() for one in (*offered, *found[:MOST_SHOWN])],
            "truncated": self.is_truncated or len(found) > MOST_SHOWN,
            "filters": list(self.filters or self.variable.filters),
            "error": None if self.error is None else shown_error(self.error),
        }


def needs_asking(variable: Variable) -> bool:
    """Return whether a variable's options are asked of a data source."""
    return variable.type == "query"


def own_options(variable: Variable) -> tuple[Option, ...]:
    """Return the options that a variable has by itself."""
    if variable.type == "datasource":
        plugin = text(variable.query)
        return (Option(NAMES.get(plugin, "Pharos"), plugin),) if plugin in PLUGINS else ()
    if variable.type == "interval" and variable.auto:
        return (Option("auto", AUTO), *variable.options)
    return variable.options


def choose(
    variable: Variable,
    options: Sequence[Option],
    asked: Any,
    span: Span,
    *,
    is_custom: bool = False,
    error: PharosError | None = None,
) -> Chosen:
    """Return a variable set to what was asked for, to what was saved, or to the first option there is.

    Without `is_custom` a value that is none of the options gives way, where there are any.
    """
    if variable.type == "adhoc":
        filters = tuple(mappings(asked)) if isinstance(asked, list) else variable.filters
        return Chosen(variable, filters=filters)
    if variable.type == "constant":
        said = text(variable.query) or "".join(variable.current[:1])
        return Chosen(variable, (said,), (said,))
    wanted = _wanted(variable, asked)
    if variable.type in {"textbox", "system"}:
        said = wanted[0] if wanted else text(variable.query) if variable.type == "textbox" else ""
        return Chosen(variable, (said,), (said,))
    if (
        variable.has_all
        and any(one in {ALL, ALL_TEXT} for one in wanted)
        and not any(one.value == ALL_TEXT for one in options)
    ):
        return _all(variable, options, error)
    kept = _kept(variable, wanted, options, is_custom=is_custom or error is not None)
    if not kept:
        if variable.has_all:
            return _all(variable, options, error)
        kept = [options[0]] if options else []
    values = tuple(one.value for one in kept)
    chosen = Chosen(variable, values, tuple(one.text for one in kept), tuple(options), error=error)
    if variable.type == "interval" and values and (values[0] == AUTO or values[0].startswith(_OLD_AUTO)):
        return _auto(chosen, span)
    return chosen


def _wanted(variable: Variable, asked: Any) -> list[str]:
    wanted = texts(asked) if isinstance(asked, list | str) else list(variable.current)
    if asked is None and not variable.is_multi:
        return wanted[:1]
    return wanted if variable.is_multi or len(wanted) < 2 else wanted[:1]


def _kept(
    variable: Variable, wanted: Sequence[str], options: Sequence[Option], *, is_custom: bool
) -> list[Option]:
    """Return what was asked for and is an option; also what is none, where nobody can know better."""
    known = {one.value: one for one in options}
    by_text = {one.text: one for one in options}
    kept = []
    for one in dict.fromkeys(wanted):
        if one.startswith(_OLD_AUTO) and AUTO in known:
            kept.append(known[AUTO])
        elif one in known or one in by_text:
            kept.append(known.get(one) or by_text[one])
        elif is_custom or (not options and variable.type != "datasource"):
            kept.append(Option(one, one))
    return kept


def _all(variable: Variable, options: Sequence[Option], error: PharosError | None) -> Chosen:
    values = tuple(one.value for one in options)
    shown = tuple(one.text for one in options)
    return Chosen(variable, values, shown, tuple(options), is_all=True, error=error)


def _auto(chosen: Chosen, span: Span) -> Chosen:
    variable = chosen.variable
    least = parse_interval(variable.auto_min, 10_000)
    interval = written_ms(max(round_interval(span.length_ms / variable.auto_count), least))
    return Chosen(variable, (interval,), ("auto",), chosen.options, raw=(AUTO,))


def in_order(variables: Iterable[Variable]) -> list[list[Variable]]:
    """Return variables in rounds: each depends on those of earlier rounds alone.

    Those that depend on one another come last, all at once.
    """
    left = {one.name: one for one in variables}
    rounds: list[list[Variable]] = []
    while left:
        ready = [one for one in left.values() if not any(name in left for name in one.depends_on)]
        ready = ready or list(left.values())
        rounds.append(ready)
        for one in ready:
            del left[one.name]
    return rounds


# -- options as they were answered --


def picked(found: Sequence[str], variable: Variable, pattern: str) -> list[Option]:
    """Return the options of answered texts: what the pattern takes of each, once, in the order that is asked.

    Raises PharosError(INVALID) for a pattern that is none.
    """
    options: dict[str, Option] = {}
    match = matcher(pattern) if pattern else None
    for said in found[:MOST_OPTIONS]:
        for option in [Option(said, said)] if match is None else match(said):
            options.setdefault(option.value, option)
    return _sorted(list(options.values()), variable.sort)


def matcher(pattern: str) -> Callable[[str], list[Option]]:
    """Return what makes options of a text: `/pattern/flags`, or a pattern of the whole text.

    Groups named `value` and `text` say what is taken; else the first group, else the whole text. With the
    flag `g` all places of the text count: each is an option, or the names are looked for in all of them.
    """
    found = _SLASHED.match(pattern.strip())
    body, flags = (found[1], found[2]) if found is not None else (f"^{pattern}$", "")
    if len(body) > _LONGEST_PATTERN:
        raise _no_pattern(pattern, "it is longer than 500 characters")
    body = re.sub(r"\(\?<(?=[a-zA-Z_])", "(?P<", body)
    body = ("(?i)" if "i" in flags else "") + body
    compiled = _compiled(body, pattern)
    most = _MOST_PLACES if "g" in flags else 1

    def options(said: str) -> list[Option]:
        matches = list(islice(compiled.finditer(said[:_LONGEST_LOOKED_AT]), most))
        if not matches:
            return []
        named = [match.groupdict() for match in matches]
        value = next((one["value"] for one in named if one.get("value")), "")
        shown = next((one["text"] for one in named if one.get("text")), "")
        if value or shown:
            return [Option(shown or value, value or shown)]
        if not matches[0].groups():
            return [Option(said, said)] if said else []
        taken = (next((one for one in match.groups() if one is not None), "") for match in matches)
        return [Option(one, one) for one in taken if one]

    return options


def _compiled(body: str, pattern: str) -> Any:
    """Return a compiled pattern: in linear time, or by Python's own engine where it looks around.

    The latter is refused what could take it for ever.
    """
    try:
        options = re2.Options()
        options.log_errors = False
        return re2.compile(body, options)
    except re2.error as exc:
        if not _AROUND.search(body):
            raise _no_pattern(pattern, str(exc)) from exc
    if _NESTED.search(body):
        raise _no_pattern(pattern, "it looks around and repeats what is repeated")
    try:
        return re.compile(body)
    except re.error as exc:
        raise _no_pattern(pattern, str(exc)) from exc


def _no_pattern(pattern: str, why: str) -> PharosError:
    return PharosError(Kind.INVALID, f"the pattern {pattern[:100]!r} of a variable cannot be used: {why}")


def _sorted(options: list[Option], how: int) -> list[Option]:
    if how in {1, 2}:
        return sorted(options, key=lambda one: one.text, reverse=how == 2)
    if how in {3, 4}:
        return sorted(options, key=_first_number, reverse=how == 4)
    if how in {5, 6}:
        return sorted(options, key=lambda one: one.text.lower(), reverse=how == 6)
    if how in {7, 8}:
        return sorted(options, key=_naturally, reverse=how == 8)
    return options


def _first_number(one: Option) -> tuple[float, str]:
    found = _NUMBER.search(one.text)
    return (float(found[0][:30]) if found else -1.0, one.text)


def _naturally(one: Option) -> list[tuple[int, int, str]]:
    parts = re.split(r"(\d{1,18})", one.text.lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts if part]


def values_of(chosen: Mapping[str, Chosen], model: Model) -> dict[str, Value]:
    """Return what each name stands for: variables, and constants that an import was given."""
    known = {name: Value((said,), (said,)) for name, said in model.inputs.items() if name}
    known.update({name: one.value() for name, one in chosen.items() if one.variable.type != "adhoc"})
    for name, one in chosen.items():
        if one.variable.type == "interval" and one.raw:
            known[_OLD_AUTO.removeprefix("$") + name] = one.value()
    return known
