"""How Go's package fmt prints values: Sprint, Sprintln and Sprintf."""

from __future__ import annotations

import math
import re
from functools import lru_cache
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from pharos.errors import Kind, PharosError
from pharos.gotemplate.values import Budget, Compound, Items, Named, Record, Table, Value, encoded, type_name
from pharos.gotext.numbers import format_g
from pharos.gotext.quoting import quote, quote_char

_MAX_WIDTH: Final = 1_000_000
"""Go takes no larger width or precision."""
_MAX_DEPTH: Final = 50
_MANTISSA_BITS: Final = 53
_LEAST_POWER: Final = -1074
"""Of the least part of the smallest numbers."""
_SIMPLE: Final = re.compile(r"%%|%([+\-# 0]*)([1-9][0-9]{0,4})?(?:\.([0-9]{0,5}))?([a-zA-Z])")
_KEPT_LENGTH: Final = 500
_FLAGS: Final = re.compile(r"[+\-# 0]*")
_ASCII: Final = re.compile("[^\0-\x7f]")
_INDEX: Final = re.compile(r"\[([0-9]*)\]|\[[^\]]*\]?")
_BASES: Final = {"b": "b", "o": "o", "O": "o", "x": "x", "X": "X"}


class _Spec(Struct):
    flags: str = ""
    width: int | None = None
    precision: int | None = None
    verb: str = "v"


_PLAIN: Final = _Spec()
_NESTED: Final = (Items, Table, Record)


def sprint(budget: Budget, values: tuple[Value, ...]) -> str:
    """Return the values one after the other, with a space between two of which neither is a text."""
    pieces: list[str] = []
    after_text = True
    for value in values:
        is_text = isinstance(value, str)
        if pieces and not is_text and not after_text:
            pieces.append(" ")
        pieces.append(shown(budget, value))
        after_text = is_text
    return "".join(pieces)


def sprintln(budget: Budget, values: tuple[Value, ...]) -> str:
    """Return the values with spaces between them, and the end of a line."""
    return " ".join(shown(budget, value) for value in values) + "\n"


def shown(budget: Budget, value: Value) -> str:
    """Return `value` as `%v` prints it."""
    if isinstance(value, str):
        text = value
    elif type(value) is float:
        text = format_g(value)
    elif type(value) is int:
        text = str(value)
    else:
        return _Printer(budget).value(value, _PLAIN)
    budget.make(len(text))
    return text


def sprintf(budget: Budget, layout: str, values: tuple[Value, ...]) -> str:
    """Return `layout` with its verbs replaced by the values; what does not fit is told in the text."""
    pieces = _pieces(layout) if len(layout) <= _KEPT_LENGTH else None
    if pieces is None or sum(spec is not None for _, spec in pieces) != len(values):
        return _Layout(budget, layout, values).text()
    printer, left = _Printer(budget), iter(values)
    budget.make(len(layout))
    return "".join([text if spec is None else printer.value(next(left), spec) for text, spec in pieces])


@lru_cache(maxsize=512)
def _pieces(layout: str) -> tuple[tuple[str, _Spec | None], ...] | None:
    """Return the texts and verbs of a layout; None for one that is not as simple as that."""
    found: list[tuple[str, _Spec | None]] = []
    at = 0
    for verb in _SIMPLE.finditer(layout):
        text = layout[at : verb.start()]
        at = verb.end()
        flags, width, precision, letter = verb.groups()
        if "%" in text:
            return None
        if letter is None:
            found.append((f"{text}%", None))
            continue
        digits = None if precision is None else int(precision or 0)
        found += ((text, None), ("", _Spec(flags, int(width) if width else None, digits, letter)))
    found.append((layout[at:], None))
    return None if "%" in layout[at:] else tuple(found)


class _Layout:
    """Walks through a layout, with the argument that is next."""

    def __init__(self, budget: Budget, layout: str, values: tuple[Value, ...]) -> None:
        self._printer = _Printer(budget)
        self._budget = budget
        self._layout = layout
        self._values = values
        self._next = 0
        self._is_reordered = False
        self._is_good = True

    def text(self) -> str:
        pieces: list[str] = []
        at = 0
        while at < len(self._layout):
            self._budget.step()
            verb = self._layout.find("%", at)
            end = verb if verb >= 0 else len(self._layout)
            self._budget.make(end - at)
            pieces.append(self._layout[at:end])
            if verb < 0:
                break
            flags = _FLAGS.match(self._layout, verb + 1)
            end = flags.end() if flags else verb + 1
            piece, at = self._directive(self._layout[verb + 1 : end], end)
            pieces.append(piece)
        if not self._is_reordered and self._next < len(self._values):
            pieces.append(self._extra())
        return "".join(pieces)

    def _extra(self) -> str:
        left = self._values[self._next :]
        told = [
            "<nil>" if value is None else f"{type_name(value)}={self._printer.value(value, _PLAIN)}"
            for value in left
        ]
        return f"%!(EXTRA {', '.join(told)})"

    def _directive(self, flags: str, at: int) -> tuple[str, int]:
        """Return what one verb prints, and where the layout goes on."""
        spec = _Spec(flags)
        self._is_good = True
        at, after_index = self._index(at)
        problems = ""
        if self._layout.startswith("*", at):
            at += 1
            spec.width, told = self._star("WIDTH")
            problems += told
            if spec.width is not None and spec.width < 0:
                spec.width, spec.flags = -spec.width, spec.flags + "-"
            after_index = False
        else:
            spec.width, at = self._digits(at)
            if after_index and spec.width is not None:
                self._is_good = False
        if self._layout.startswith(".", at):
            at += 1
            if after_index:
                self._is_good = False
            at, after_index = self._index(at)
            if self._layout.startswith("*", at):
                at += 1
                spec.precision, told = self._star("PREC")
                problems += told
                if spec.precision is not None and spec.precision < 0:
                    spec.precision, problems = None, problems + "%!(BADPREC)"
                after_index = False
            else:
                precision, at = self._digits(at)
                spec.precision = precision or 0
        if not after_index:
            at, _ = self._index(at)
        if at >= len(self._layout):
            return problems + "%!(NOVERB)", at
        spec.verb = self._layout[at]
        return problems + self._verb(spec), at + 1

    def _verb(self, spec: _Spec) -> str:
        if spec.verb == "%":
            return "%"
        if not self._is_good:
            return f"%!{spec.verb}(BADINDEX)"
        if self._next >= len(self._values):
            return f"%!{spec.verb}(MISSING)"
        value = self._values[self._next]
        self._next += 1
        return self._printer.value(value, spec)

    def _digits(self, at: int) -> tuple[int | None, int]:
        end = at
        while self._layout[end : end + 1].isdigit() and self._layout[end].isascii():
            end += 1
        if end == at:
            return None, at
        count = int(self._layout[at:end]) if end - at < 8 else _MAX_WIDTH + 1
        return (count, end) if count <= _MAX_WIDTH else (None, end)

    def _star(self, name: str) -> tuple[int | None, str]:
        if self._next < len(self._values):
            value = self._values[self._next]
            self._next += 1
            if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_WIDTH:
                return int(value), ""
        return None, f"%!(BAD{name})"

    def _index(self, at: int) -> tuple[int, bool]:
        """Read `[n]`, which says which argument is next; return where it ends, and whether there was one."""
        found = _INDEX.match(self._layout, at)
        if found is None:
            return at, False
        self._is_reordered = True
        digits = found[1]
        number = int(digits) if digits and len(digits) < 8 else 0
        if 1 <= number <= len(self._values):
            self._next = number - 1
        else:
            self._is_good = False
        return (found.end() if found[0].endswith("]") else at + 1), True


class _Printer:
    """Prints values by verbs, within a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._depth = 0

    def value(self, value: Value, spec: _Spec) -> str:
        self._budget.step()
        text = self._value(value, spec)
        if not isinstance(value, _NESTED) or spec.verb == "T":
            self._budget.make(len(text))
        return text

    def _value(self, value: Value, spec: _Spec) -> str:
        if value is None:
            return self._padded("<nil>", spec) if spec.verb in "Tv" else f"%!{spec.verb}(<nil>)"
        if spec.verb == "T":
            return self._text(type_name(value), _Spec(spec.flags, spec.width, spec.precision, "s"))
        if isinstance(value, bool):
            return (
                self._padded("true" if value else "false", spec)
                if spec.verb in "tv"
                else self._bad(value, spec)
            )
        if isinstance(value, Named) and spec.verb in "vsxXq":
            return self._text(value.shown(), spec)
        if isinstance(value, int):
            return self._whole(value, spec)
        if isinstance(value, float):
            return self._real(value, spec)
        if isinstance(value, str):
            return self._text(value, spec)
        return self._compound(value, spec)

    def _bad(self, value: Value, spec: _Spec) -> str:
        plainly = _Spec(spec.flags, spec.width, spec.precision)
        return f"%!{spec.verb}({type_name(value)}={self.value(value, plainly)})"

    def _padded(self, text: str, spec: _Spec) -> str:
        if spec.width is None or spec.width <= len(text):
            return text
        self._budget.make(spec.width)
        if "-" in spec.flags:
            return text.ljust(spec.width)
        return text.rjust(spec.width, "0" if "0" in spec.flags else " ")

    # --- compounds

    def _compound(self, value: Compound, spec: _Spec) -> str:
        writes = value.methods.get("String")
        if writes is not None and spec.verb in "vsxXq":
            return self._text(str(writes.call(value)), spec)
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            raise PharosError(Kind.LIMITED, f"a value is nested more than {_MAX_DEPTH} deep")
        text = self._inner(value, spec)
        self._depth -= 1
        return text

    def _inner(self, value: Compound, spec: _Spec) -> str:
        if isinstance(value, Items):
            return "[" + " ".join(self._item(item, spec) for item in value.items) + "]"
        if isinstance(value, Table):
            pairs = value.pairs()
            return "map[" + " ".join(f"{self.value(k, spec)}:{self._item(v, spec)}" for k, v in pairs) + "]"
        if isinstance(value, Record):
            named = spec.verb == "v" and "+" in spec.flags
            fields = value.fields.items()
            return (
                "{"
                + " ".join((f"{name}:" if named else "") + self.value(field, spec) for name, field in fields)
                + "}"
            )
        return self._bad_compound(value, spec)

    def _item(self, value: Value, spec: _Spec) -> str:
        return "<nil>" if value is None else self.value(value, spec)

    def _bad_compound(self, value: Compound, spec: _Spec) -> str:
        return f"%!{spec.verb}({type_name(value)})"

    # --- texts

    def _text(self, text: str, spec: _Spec) -> str:
        if spec.verb not in "vsqxX":
            return self._bad(text, spec)
        if spec.precision is not None and spec.verb in "vsq":
            text = text[: spec.precision]
        if spec.verb == "q":
            raw = "#" in spec.flags and "`" not in text and text.isprintable()
            text = f"`{text}`" if raw else quote(text)
            if "+" in spec.flags and not text.isascii():
                text = _ASCII.sub(lambda found: _code(found[0]), text)
        elif spec.verb == "v" and "#" in spec.flags:
            text = quote(text)
        elif spec.verb in "xX":
            raw_bytes = encoded(text)
            if spec.precision is not None:
                raw_bytes = raw_bytes[: spec.precision]
            self._budget.make(2 * len(raw_bytes))
            text = raw_bytes.hex(" ") if " " in spec.flags else raw_bytes.hex()
            text = f"0x{text}" if "#" in spec.flags and text else text
            text = text.upper() if spec.verb == "X" else text
        return self._padded(text, spec)

    # --- numbers

    def _whole(self, value: int, spec: _Spec) -> str:
        verb, spec = spec.verb, _without_plus(spec)
        if verb in "vd":
            return self._digits(value, str(abs(value)), "", spec)
        if verb in _BASES:
            digits = format(abs(value), _BASES[verb])
            prefix = {"b": "0b", "o": "0", "x": "0x", "X": "0X"}.get(verb, "") if "#" in spec.flags else ""
            return self._digits(value, digits, "0o" if verb == "O" else prefix, spec)
        if verb in "cqU":
            return self._rune(int(value), spec)
        return self._bad(value, spec)

    def _rune(self, value: int, spec: _Spec) -> str:
        code = value if 0 <= value <= 0x10FFFF and not 0xD800 <= value <= 0xDFFF else 0xFFFD
        if spec.verb == "c":
            return self._padded(chr(code), spec)
        if spec.verb == "q":
            return self._padded(quote_char(chr(code)), spec)
        unsigned = value % (1 << 64)
        text = f"U+{unsigned:04X}"
        if "#" in spec.flags and unsigned <= 0x10FFFF and chr(unsigned).isprintable():
            text += f" '{chr(unsigned)}'"
        return self._padded(text, _Spec(spec.flags.replace("0", ""), spec.width))

    def _digits(self, value: int, digits: str, prefix: str, spec: _Spec) -> str:
        sign = "-" if value < 0 else "+" if "+" in spec.flags else " " if " " in spec.flags else ""
        flags = spec.flags
        if spec.precision is not None:
            if spec.precision == 0 and value == 0:
                return self._padded("", _Spec(flags.replace("0", ""), spec.width))
            self._budget.make(spec.precision)
            digits = digits.rjust(spec.precision, "0")
            flags = flags.replace("0", "")
        elif "0" in flags and "-" not in flags and spec.width is not None:
            self._budget.make(spec.width)
            digits = digits.rjust(spec.width - len(sign), "0")
        return self._padded(sign + prefix + digits, _Spec(flags.replace("0", ""), spec.width))

    def _real(self, value: float, spec: _Spec) -> str:
        verb, spec = spec.verb, _without_plus(spec)
        if verb not in "vbeEfFgGxX":
            return self._bad(value, spec)
        text = self._real_digits(value, verb, spec.precision)
        sign = text[0] if text[0] in "+-" else ""
        body = text[len(sign) :]
        is_finite = math.isfinite(value)
        if not sign:
            sign = "+" if "+" in spec.flags else " " if " " in spec.flags else ""
        elif sign == "+" and "+" not in spec.flags and not math.isinf(value):
            sign = ""
        if "0" in spec.flags and "-" not in spec.flags and spec.width is not None and is_finite:
            self._budget.make(spec.width)
            return sign + body.rjust(spec.width - len(sign), "0")
        return self._padded(sign + body, _Spec(spec.flags.replace("0", ""), spec.width))

    def _real_digits(self, value: float, verb: str, precision: int | None) -> str:
        if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "+Inf" if value > 0 else "-Inf"
        if precision is not None:
            self._budget.make(precision + 400)
        match verb:
            case "e" | "E":
                text = f"{value:.{6 if precision is None else precision}e}"
            case "f" | "F":
                text = f"{value:.{6 if precision is None else precision}f}"
            case "x" | "X":
                text = _hexadecimal(value)
            case "b":
                text = _power_of_two(value)
            case _:
                text = format_g(value) if precision is None else f"{value:.{precision}g}"
        return text.upper() if verb in "EGX" else text


def _code(char: str) -> str:
    code = ord(char)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _without_plus(spec: _Spec) -> _Spec:
    """Return it for a number: `%+v` asks for the names of fields, not for a sign."""
    return replace(spec, flags=spec.flags.replace("+", "")) if spec.verb == "v" else spec


def _power_of_two(value: float) -> str:
    """Return a number as a whole one times a power of two, `%b` in Go."""
    power = max(math.frexp(value)[1] - _MANTISSA_BITS, _LEAST_POWER) if value else _LEAST_POWER
    return f"{'-' if math.copysign(1, value) < 0 else ''}{int(abs(math.ldexp(value, -power)))}p{power:+d}"


def _hexadecimal(value: float) -> str:
    if value == 0:
        return "-0x0p+00" if math.copysign(1, value) < 0 else "0x0p+00"
    mantissa, _, power = value.hex().partition("p")
    whole, _, fraction = mantissa.partition(".")
    fraction = fraction.rstrip("0")
    return f"{whole}{'.' + fraction if fraction else ''}p{int(power):+03d}"
