"""How severe a log record is, in six levels: what its sender says, and otherwise what its line tells."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.kernel import inlined_kernel, kernel
from pharos.compiled.memory import load_u8

UNKNOWN: Final = 0
TRACE: Final = 1
DEBUG: Final = 2
INFO: Final = 3
WARN: Final = 4
ERROR: Final = 5
FATAL: Final = 6
LEVELS: Final = ("", "trace", "debug", "info", "warn", "error", "fatal")

LEVEL_NAMES: Final = ("level", "lvl", "severity", "log.level", "loglevel", "LEVEL", "Level")
"""Attributes that name a level."""
_LEVEL_WORDS: Final = {
    "trace": TRACE,
    "trc": TRACE,
    "finest": TRACE,
    "debug": DEBUG,
    "dbg": DEBUG,
    "fine": DEBUG,
    "info": INFO,
    "inf": INFO,
    "information": INFO,
    "informational": INFO,
    "notice": INFO,
    "warn": WARN,
    "wrn": WARN,
    "warning": WARN,
    "error": ERROR,
    "err": ERROR,
    "eror": ERROR,
    "severe": ERROR,
    "critical": FATAL,
    "crit": FATAL,
    "fatal": FATAL,
    "alert": FATAL,
    "emerg": FATAL,
    "emergency": FATAL,
    "panic": FATAL,
}
_FOLDED_BYTES: Final = 8
"""So many of a word's bytes tell it from the others."""
_LONGEST_WORD: Final = 13
_LONGEST_NAME: Final = 9
_SCANNED_BYTES: Final = 256
"""A level stands near the beginning of a line."""
_WORD_BYTES: Final = 128
"""A word without a name of a level in front of it stands nearer."""


def _word(text: str) -> Any:
    return np.uint64(int.from_bytes(text[:_FOLDED_BYTES].encode().ljust(_FOLDED_BYTES, b"\0"), "little"))


_WORDS: Final = np.array([_word(text) for text in _LEVEL_WORDS], np.uint64)
_WORD_LEVELS: Final = np.array(list(_LEVEL_WORDS.values()), np.uint8)
_NAMES: Final = np.array([_word(text) for text in LEVEL_NAMES], np.uint64)
_LINE_NAMES: Final = np.array([_word(text) for text in ("level", "lvl", "severity", "loglevel")], np.uint64)
_BY_FOLD: Final = {text[:_FOLDED_BYTES]: level for text, level in _LEVEL_WORDS.items()}

_QUOTE, _EQUALS, _COLON, _SPACE = (ord(sign) for sign in '"=: ')
_OPEN, _CLOSE, _DASH, _UNDERSCORE = (ord(sign) for sign in "[]-_")
_ZERO, _NINE = ord("0"), ord("9")
_V: Final = ord("v")


def level_of(text: str) -> int:
    """Return the level that a word names; 0 if it names none."""
    return _BY_FOLD.get(text.lower()[:_FOLDED_BYTES], UNKNOWN) if len(text) <= _LONGEST_WORD else UNKNOWN


@inlined_kernel
def _folded(raw: Any, start: Any, stop: Any, lower: Any) -> Any:
    """Return the first eight bytes as a word, letters in lower case if `lower`."""
    word = np.uint64(0)
    for index in range(min(stop - start, _FOLDED_BYTES)):
        byte = load_u8(raw, start + index)
        if lower and 65 <= byte <= 90:
            byte = np.uint8(byte | 0x20)
        word |= np.uint64(byte) << np.uint64(8 * index)
    return word


@kernel
def level_of_text(raw: Any, start: Any, stop: Any) -> Any:
    """Return the level that a word names; 0 if it names none."""
    if stop <= start or stop - start > _LONGEST_WORD:
        return UNKNOWN
    word = _folded(raw, start, stop, True)
    for index in range(len(_WORDS)):
        if _WORDS[index] == word:
            return np.int64(_WORD_LEVELS[index])
    return UNKNOWN


@kernel
def is_level_name(raw: Any, start: Any, stop: Any) -> Any:
    """Return whether an attribute of this name holds a level."""
    if stop - start > _LONGEST_NAME or stop <= start:
        return False
    word = _folded(raw, start, stop, False)
    is_one = False
    for index in range(len(_NAMES)):
        is_one |= _NAMES[index] == word
    return is_one


@inlined_kernel
def level_of_number(number: Any) -> Any:
    """Return the level of OpenTelemetry's severity number, 1 to 24; 0 for any other."""
    return (number + 3) >> 2 if 1 <= number <= 24 else UNKNOWN


@inlined_kernel
def _is_letter(byte: Any) -> Any:
    return 97 <= (byte | 0x20) <= 122


@inlined_kernel
def _is_digit(byte: Any) -> Any:
    return _ZERO <= byte <= _NINE


@inlined_kernel
def _joins(byte: Any) -> Any:
    """Return whether a byte beside a word makes it a part of a longer one."""
    return _is_letter(byte) or _is_digit(byte) or byte in (_DASH, _UNDERSCORE)


@kernel
def level_in_line(raw: Any, start: Any, stop: Any) -> Any:
    """Return the level that a line tells near its beginning; 0 if it tells none.

    What follows the name of a level (`level=warn`, `"level":"warn"`, `"level":40` as bunyan and pino count)
    counts more than a word by itself: in capitals (`ERROR`), in brackets (`[error]`), or the head of klog
    (`E0115`).
    """
    stop = min(stop, start + _SCANNED_BYTES)
    alone = _klog_level(raw, start, stop)
    for pos in range(start, stop):
        byte = load_u8(raw, pos)
        # Few bytes are any of these, and each name of a level has a v in it: the rest of a line costs little.
        is_v, is_capital = (byte | 0x20) == _V, (byte >= 65) & (byte <= 90)
        if not (is_v | is_capital | (byte == _OPEN)):
            continue
        if is_v:
            first, last = _word_around(raw, start, pos, stop)
            if _is_line_name(raw, first, last):
                level = _level_after(raw, last, stop)
                if level != UNKNOWN:
                    return level
        elif alone == UNKNOWN and pos - start < _WORD_BYTES:
            alone = _level_alone(raw, start, pos, stop)
    return alone


@inlined_kernel
def _word_around(raw: Any, start: Any, pos: Any, stop: Any) -> Any:
    """Return where the letters around a place begin and end."""
    first, last = pos, pos
    while first > start and _is_letter(load_u8(raw, first - 1)):
        first -= 1
    while last < stop and _is_letter(load_u8(raw, last)):
        last += 1
    return first, last


@inlined_kernel
def _level_alone(raw: Any, start: Any, pos: Any, stop: Any) -> Any:
    """Return the level that a word names which begins here in capitals, or stands here in brackets."""
    is_bracket = load_u8(raw, pos) == _OPEN
    if not is_bracket and pos > start and _joins(load_u8(raw, pos - 1)):
        return UNKNOWN
    first = last = pos + is_bracket
    capitals = True
    while last < stop and _is_letter(load_u8(raw, last)):
        capitals = capitals and load_u8(raw, last) < 97
        last += 1
    after = load_u8(raw, last) if last < stop else np.uint8(_SPACE)
    is_apart = after == _CLOSE if is_bracket else capitals and not _joins(after)
    return level_of_text(raw, first, last) if is_apart else UNKNOWN


@inlined_kernel
def _is_line_name(raw: Any, first: Any, after: Any) -> Any:
    if after - first > _FOLDED_BYTES:
        return False
    word = _folded(raw, first, after, True)
    is_one = False
    for index in range(len(_LINE_NAMES)):
        is_one |= _LINE_NAMES[index] == word
    return is_one


@inlined_kernel
def _level_after(raw: Any, pos: Any, stop: Any) -> Any:
    """Return the level that follows `=` or `:` behind a name of one; 0 where there is no such thing."""
    if pos < stop and load_u8(raw, pos) == _QUOTE:
        pos += 1
    while pos < stop and load_u8(raw, pos) == _SPACE:
        pos += 1
    if pos >= stop or (load_u8(raw, pos) != _EQUALS and load_u8(raw, pos) != _COLON):
        return UNKNOWN
    pos += 1
    while pos < stop and (load_u8(raw, pos) == _SPACE or load_u8(raw, pos) == _QUOTE):
        pos += 1
    first, number = pos, np.int64(0)
    while pos < stop and _is_digit(load_u8(raw, pos)) and pos - first < 2:
        number = 10 * number + np.int64(load_u8(raw, pos)) - _ZERO
        pos += 1
    if pos > first:
        is_whole = pos >= stop or not _joins(load_u8(raw, pos))
        return number // 10 if is_whole and number % 10 == 0 and 10 <= number <= 60 else UNKNOWN
    while pos < stop and _is_letter(load_u8(raw, pos)):
        pos += 1
    return level_of_text(raw, first, pos)


@inlined_kernel
def _klog_level(raw: Any, start: Any, stop: Any) -> Any:
    """Return the level of a line that begins as Kubernetes' own do: a letter, month and day."""
    if stop - start < 6 or load_u8(raw, start + 5) != _SPACE:
        return UNKNOWN
    for index in range(1, 5):
        if not _is_digit(load_u8(raw, start + index)):
            return UNKNOWN
    letter = load_u8(raw, start)
    if letter == ord("I"):
        return INFO
    if letter == ord("W"):
        return WARN
    if letter == ord("E"):
        return ERROR
    return FATAL if letter == ord("F") else UNKNOWN
