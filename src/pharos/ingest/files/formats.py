"""How the lines of a file are written: as they are, as JSON, or wrapped by what runs containers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

import orjson
from msgspec import Struct, field

from pharos.ingest.events.times import time_ns_of_digits, time_ns_of_number, time_ns_of_text
from pharos.ingest.files.joiners import Joiner, NoJoiner, Piece, StartJoiner, TraceJoiner

FORMATS: Final = ("text", "json", "docker", "cri")
_Read: TypeAlias = tuple[Piece, str, bool, str]
"""A line, its stream, whether it goes on, and which runtime of containers wrote it."""
_CRI: Final = re.compile(r"(\S+) (stdout|stderr) ([FP])\S*(?: (.*))?\Z", re.DOTALL)
_STREAM: Final = "log.iostream"
_TIME_FIELDS: Final = ("@timestamp", "timestamp", "time", "ts")


class FileFormat(Struct, frozen=True):
    """How a file's lines are read and joined."""

    name: str = "text"
    languages: tuple[str, ...] = ()
    start: Any = None
    """A compiled pattern that begins a record."""
    most_characters: int = 1 << 20

    @classmethod
    def of(cls, parser: str, start: Any, most_characters: int) -> FileFormat:
        """Return the format of a setting such as `cri+java`."""
        parts = parser.split("+")
        name = next((one for one in parts if one in FORMATS), "text")
        languages = tuple(one for one in parts if one not in FORMATS)
        return cls(name, languages, start, most_characters)

    def joiner(self) -> Joiner:
        """Return what joins the lines of one stream."""
        if self.start is not None:
            return StartJoiner(self.start, self.most_characters)
        if self.languages:
            return TraceJoiner(self.languages, self.most_characters)
        return NoJoiner()


class _Part(Struct):
    """A line that was written in parts."""

    piece: Piece
    texts: list[str] = field(default_factory=list)
    size: int = 0


class LineReader:
    """Turns the lines of one file into records, in their order, for each of its streams."""

    def __init__(self, form: FileFormat) -> None:
        self._form = form
        self._parts: dict[str, _Part] = {}
        self._joiners: dict[str, Joiner] = {}
        self._wrapper = form.name
        self._read: Callable[[str, int], _Read] = {
            "docker": _container,
            "cri": _container,
            "json": _json,
        }.get(form.name, _text)

    def feed(self, line: str, start: int) -> Iterator[Piece]:
        """Yield the records that are complete now that a line has come, which begins at `start`."""
        piece, stream, is_partial, wrapper = self._read(line, start)
        if wrapper != self._wrapper:
            # What another runtime wrote, or none, does not go on with what was begun.
            yield from self._end_parts()
            self._wrapper = wrapper
        whole = self._whole(piece, stream, is_partial=is_partial)
        if whole is not None:
            yield from self._joiner(stream).feed(whole)

    def _joiner(self, stream: str) -> Joiner:
        joiner = self._joiners.get(stream)
        if joiner is None:
            joiner = self._joiners[stream] = self._form.joiner()
        return joiner

    def _end_parts(self) -> Iterator[Piece]:
        """Yield the lines whose rest never came, or what they are joined to."""
        for stream, part in list(self._parts.items()):
            del self._parts[stream]
            part.piece.text = "".join(part.texts)
            yield from self._joiner(stream).feed(part.piece)

    def flush(self) -> Iterator[Piece]:
        """Yield what is left: nothing more is waited for."""
        yield from self._end_parts()
        for joiner in self._joiners.values():
            yield from joiner.flush()

    def start(self) -> int | None:
        """Return where what is held begins; None if nothing is."""
        held = [part.piece.start for part in self._parts.values()]
        held += [start for joiner in self._joiners.values() if (start := joiner.start()) is not None]
        return min(held, default=None)

    def _whole(self, piece: Piece, stream: str, *, is_partial: bool) -> Piece | None:
        """Return a line with the parts before it; None while it goes on."""
        part = self._parts.get(stream)
        if part is None:
            if not is_partial:
                return piece
            part = self._parts[stream] = _Part(piece)
        most = self._form.most_characters
        part.texts.append(piece.text[: max(0, most - part.size)])
        part.piece.is_cut |= part.size + len(piece.text) > most
        part.size += len(piece.text)
        if is_partial:
            return None
        del self._parts[stream]
        part.piece.text = "".join(part.texts)
        return part.piece


def _text(line: str, start: int) -> _Read:
    return Piece(line, start), "", False, ""


def _container(line: str, start: int) -> _Read:
    """Read a line that a container runtime wrote, whichever: nodes change from one to another."""
    if line.startswith("{"):
        return _docker(line, start)
    return _cri(line, start)


def _cri(line: str, start: int) -> _Read:
    """Read a line of the Kubernetes container runtime interface: time, stream, whether it goes on, text."""
    found = _CRI.match(line)
    if found is None:
        return _text(line, start)
    time, stream, tag, text = found.groups()
    piece = Piece(text or "", start, time_ns_of_text(time) or 0, {_STREAM: stream})
    return piece, stream, tag == "P", "cri"


def _docker(line: str, start: int) -> _Read:
    """Read a line of Docker's json-file driver: what has no line break at its end goes on."""
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return _text(line, start)
    if not isinstance(found, dict) or not isinstance(found.get("log"), str):
        return _text(line, start)
    text, stream, time = found["log"], str(found.get("stream", "")), found.get("time")
    attributes: dict[str, Any] = {_STREAM: stream} if stream else {}
    if isinstance(found.get("attrs"), dict):
        attributes |= found["attrs"]
    ts_ns = (time_ns_of_text(time) or 0) if isinstance(time, str) else 0
    piece = Piece(text.removesuffix("\n").removesuffix("\r"), start, ts_ns, attributes)
    return piece, stream, not text.endswith("\n"), "docker"


def _json(line: str, start: int) -> _Read:
    """Read a line that is a JSON object; what is none is text."""
    try:
        found = orjson.loads(line) if line.lstrip().startswith("{") else None
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        return _text(line, start)
    piece = Piece(line, start, document_time_ns(found), {"": found})
    return piece, "", False, ""


def document_time_ns(document: dict[str, Any]) -> int:
    """Return the time that a document tells under one of its usual names; 0 without one."""
    for name in _TIME_FIELDS:
        value = document.get(name)
        found = None
        if isinstance(value, str):
            found = time_ns_of_text(value) or time_ns_of_digits(value)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            found = time_ns_of_number(value)
        if found:
            return found
    return 0
