"""From one fetched page to one remote-write body: recognise, read what is new, relabel, check limits,
encode.

One PageDigest belongs to one target. A page is taken whole or not at all, as in Prometheus: a line that
cannot be read or a limit that is passed fails the scrape, and what the target showed before gets stale
markers instead.
"""

from __future__ import annotations

import struct
from bisect import bisect_right
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

import numpy as np
from msgspec import Struct, field

from pharos.errors import Kind, PharosError
from pharos.ingest.remote_write.messages import (
    STALE_BITS,
    encode_exemplar,
    encode_histogram,
    encode_labels,
    encode_metadata,
    encode_sample,
)
from pharos.ingest.scrape.cache import ScrapeCache
from pharos.ingest.scrape.exposition.families import SpelledPage, spell
from pharos.ingest.scrape.exposition.scan import (
    DROPPED,
    EXEMPLAR_START,
    FAULT_TEXT,
    HARD_TIME,
    HARD_VALUE,
    HAS_TIME,
    IS_HISTOGRAM,
    START,
    STOP,
    TIME_START,
    TIME_STOP,
    UNKNOWN,
    VALUE_START,
    VALUE_STOP,
    Fault,
    Page,
)
from pharos.ingest.scrape.exposition.text import (
    Exemplar,
    Note,
    RepeatedLabelError,
    canonical_bound,
    parse_exemplar,
    parse_note,
    parse_series,
    read_number,
    refuse,
)
from pharos.ingest.scrape.job import JobConfig
from pharos.ingest.scrape.learn import target_columns
from pharos.labels import METRIC_NAME, Labels, labels_of
from pharos.relabel import is_label_name, is_metric_name, relabel

AHEAD_AT_MOST_MS: Final = 600_000
"""How far in the future an explicit timestamp may lie; later ones are left out, as upstream."""
_MOST_NOTE_SETS: Final = 32
EXPORTED_PREFIX: Final = "exported_"

REPORT_NAMES: Final = (
    "up",
    "scrape_duration_seconds",
    "scrape_samples_scraped",
    "scrape_samples_post_metric_relabeling",
    "scrape_series_added",
)
EXTRA_REPORT_NAMES: Final = ("scrape_timeout_seconds", "scrape_sample_limit", "scrape_body_size_bytes")


class Format(StrEnum):
    """How a page is written."""

    TEXT = "text"
    OPENMETRICS = "openmetrics"
    PROTOBUF = "protobuf"


class Metadata(Struct, frozen=True):
    """What a page says of a metric family; `kind` is the type word."""

    family: str
    kind: str = "unknown"
    help: str = ""
    unit: str = ""


class Digest(Struct):
    """One scrape's body and counts; `metadata` is what the body tells of families that was not told
    before.
    """

    body: bytes = b""
    scraped: int = 0
    kept: int = 0
    added: int = 0
    metadata: dict[str, Metadata] = field(default_factory=dict)


class JobMemory(Struct):
    """What the targets of one job share: metadata that is stored already, and comments read already, by
    hash.
    """

    told: dict[str, Metadata] = field(default_factory=dict)
    notes: dict[int, list[Note | None]] = field(default_factory=dict)


class _LineError(PharosError):
    """A line was refused; `row` is its place among the samples, `scraped` how many count as scraped.

    As upstream, a line that cannot be read does not count, one that is refused for what it says does.
    """

    def __init__(self, cause: PharosError, row: int, scraped: int) -> None:
        super().__init__(cause.kind, cause.message)
        self.row = row
        self.scraped = scraped


class PageError(PharosError):
    """A page was refused; carries how many samples were read and kept before the fault."""

    def __init__(self, cause: PharosError, scraped: int, kept: int) -> None:
        super().__init__(cause.kind, cause.message)
        self.scraped = scraped
        self.kept = kept


def merge_target_labels(exposed: Mapping[str, str], target: Labels, honor_labels: bool) -> dict[str, str]:
    """Return a sample's labels with the target's.

    With `honor_labels` an exposed label stays, an exposed empty one keeps the target's away (the
    Pushgateway's `instance=""`); otherwise the target's label wins and the exposed one gets `exported_`
    before its name.
    """
    labels = dict(exposed)
    if honor_labels:
        for name, value in target:
            labels.setdefault(name, value)
        return labels
    conflicts = [(name, exposed[name]) for name, _ in target if exposed.get(name)]
    labels.update(target)
    for name, value in sorted(conflicts, key=lambda one: len(one[0])):
        renamed = EXPORTED_PREFIX + name
        while labels.get(renamed):
            renamed = EXPORTED_PREFIX + renamed
        labels[renamed] = value
    return labels


class PageDigest:
    """A target's memory and rules; `memory` is shared by the targets of its job."""

    def __init__(
        self, job: JobConfig, labels: Labels, seed: int, memory: JobMemory, cache: ScrapeCache | None
    ) -> None:
        self._job = job
        self._labels = labels
        self._seed = seed
        self._memory = memory
        self.cache = cache or ScrapeCache(seed)
        self._notes_hash = 0
        self.metadata: tuple[Metadata, ...] = ()
        names = REPORT_NAMES + (EXTRA_REPORT_NAMES if job.extra_scrape_metrics else ())
        self._report = [encode_labels(labels_of({**dict(labels), METRIC_NAME: name})) for name in names]
        self._reported = False
        self._last_exemplars: dict[tuple[int, int], Exemplar] = {}
        limits = job.limits
        labels_matter = (
            limits.label_limit or limits.label_name_length_limit or limits.label_value_length_limit
        )
        plain = not job.metric_relabel_rules and not labels_matter
        self._plain = target_columns(labels) if plain else None

    def digest(self, body: bytes, form: Format, time_ms: int, page: Page) -> Digest:
        """Return the samples of a page as WriteRequest fields, markers for series that it lacks included.

        `page` is working space with room for the body's lines. Raises PageError; the cache is then as
        before.
        """
        strict = form is Format.OPENMETRICS
        spelled = None
        if form is Format.PROTOBUF:
            spelled = self._spell(body)
            body, page = spelled.text(), Page.of_size(len(spelled.lines) + 1)
        array = np.frombuffer(body, dtype=np.uint8)
        self.cache.scan(array, strict, page)
        try:
            self._check_fault(page, body)
            _settle_hard_numbers(page, body)
            notes = self._notes(page, body, strict) if spelled is None else self._place(page, spelled)
            added = page.revived + self._learn(page, body, strict, notes)
            kept = self.cache.count_kept(page)
            self._check_sample_limit(kept)
            exemplars = self._exemplars(page, body, array, time_ms) if strict else []
        except PharosError as exc:
            raise PageError(exc, *self._count_read(page, body, strict, exc)) from exc
        emitted = self.cache.emit(
            page,
            time_ms,
            time_ms + AHEAD_AT_MOST_MS,
            self._job.honor_timestamps,
            self._job.track_timestamps_staleness,
        )
        parts = [emitted.body, self.cache.stale(time_ms), *exemplars]
        if spelled is not None:
            parts += self._beside(page, spelled, time_ms)
        changed = self._metadata(page, notes)
        parts += [encode_metadata(one.family, one.kind, one.help, one.unit) for one in changed.values()]
        return Digest(b"".join(parts), page.lines, kept, added, changed)

    def _spell(self, body: bytes) -> SpelledPage:
        job = self._job
        try:
            return spell(
                body, native=job.scrape_native_histograms, classic_too=job.always_scrape_classic_histograms
            )
        except PharosError as exc:
            raise PageError(exc, 0, 0) from exc

    def _place(self, page: Page, spelled: SpelledPage) -> list[tuple[int, Note]] | None:
        """Put what text could not say into the scanned page; return its notes as `_notes` does."""
        for row, time_ms in spelled.times:
            page.times[row] = time_ms
            page.flags[row] |= HAS_TIME
        for row, _ in spelled.histograms:
            page.flags[row] |= IS_HISTOGRAM
        page.notes_hash = hash(tuple(spelled.notes))
        known = page.notes_hash == self._notes_hash and not (page.refs[: page.lines] == UNKNOWN).any()
        return None if known else spelled.notes

    def _beside(self, page: Page, spelled: SpelledPage, time_ms: int) -> list[bytes]:
        """Return the native histograms, and the exemplars that are new, of a protobuf page."""
        found = []
        honored = self._job.honor_timestamps
        times = {row: own for row, own in spelled.times if honored}
        for row, histogram in spelled.histograms:
            if page.refs[row] >= 0:
                histogram.timestamp = times.get(row, time_ms)
                labels = self.cache.labels(int(page.refs[row]))
                found.append(encode_histogram(labels, histogram.SerializeToString()))
        latest: dict[tuple[int, int], Exemplar] = {}
        for place, (row, exemplar) in enumerate(spelled.exemplars):
            key = (int(page.hashes[row]), place)
            latest[key] = exemplar
            is_new = page.refs[row] >= 0 and self._last_exemplars.get(key) != exemplar
            # A native histogram's exemplar without a time cannot be told from a repeated one.
            if is_new and (exemplar.time_ms is not None or not page.flags[row] & IS_HISTOGRAM):
                stamp = times.get(row, time_ms) if exemplar.time_ms is None else exemplar.time_ms
                labels = self.cache.labels(int(page.refs[row]))
                found.append(encode_exemplar(labels, exemplar.labels, exemplar.value, stamp))
        self._last_exemplars = latest
        return found

    def stale(self, time_ms: int) -> bytes:
        """Return stale markers for all that is live, for a scrape that failed or a target that is gone."""
        return self.cache.stale(time_ms)

    def report(self, values: tuple[float, ...], time_ms: int) -> bytes:
        """Return the samples about the scrape itself, in the order of REPORT_NAMES and EXTRA_REPORT_NAMES."""
        self._reported = True
        return b"".join(
            [
                encode_sample(labels, struct.unpack("<Q", struct.pack("<d", value))[0], time_ms)
                for labels, value in zip(self._report, values, strict=False)
            ]
        )

    def stale_report(self, time_ms: int) -> bytes:
        """Return stale markers for the samples about scrapes; nothing if there never was one."""
        if not self._reported:
            return b""
        return b"".join([encode_sample(labels, STALE_BITS, time_ms) for labels in self._report])

    def stored(self, digest: Digest) -> None:
        """Note that a digest's body is durable."""
        self._memory.told.update(digest.metadata)

    def not_stored(self) -> None:
        """Note that the last digest's body was lost: its metadata must be told again."""
        self._notes_hash = 0

    def _check_fault(self, page: Page, body: bytes) -> None:
        if page.fault is Fault.NONE:
            return
        line = body[page.where : page.where + 200].split(b"\n", 1)[0]
        number = body.count(b"\n", 0, page.where) + 1
        failed = refuse(FAULT_TEXT[page.fault], line)
        raise PharosError(Kind.INVALID, f"line {number}: {failed.message}")

    def _check_sample_limit(self, kept: int) -> None:
        limit = self._job.limits.sample_limit
        if limit and kept > limit:
            raise PharosError(
                Kind.TOO_LARGE, f"sample limit exceeded: {kept} samples after relabelling, limit {limit}"
            )

    def _notes(self, page: Page, body: bytes, strict: bool) -> list[tuple[int, Note]] | None:
        """Return (samples before it, note) for each comment; None if all comments are those of the last
        page.
        """
        if page.notes_hash == self._notes_hash and not (page.refs[: page.lines] == UNKNOWN).any():
            return None
        comments = page.comments[: page.notes].tolist()
        notes = self._memory.notes.get(page.notes_hash)
        if notes is None or len(notes) != len(comments):
            notes = []
            for start, stop, row in comments:
                try:
                    notes.append(parse_note(body[start:stop], strict))
                except PharosError as exc:
                    raise _LineError(exc, row, row) from exc
            if len(self._memory.notes) >= _MOST_NOTE_SETS:
                self._memory.notes.clear()
            self._memory.notes[page.notes_hash] = notes
        return [(row, note) for (_, _, row), note in zip(comments, notes, strict=True) if note is not None]

    def _learn(self, page: Page, body: bytes, strict: bool, notes: list[tuple[int, Note]] | None) -> int:
        """Read the unknown lines the long way; return how many series are new."""
        fresh = 0
        if self._plain is not None:
            fresh = self.cache.learn_plain(np.frombuffer(body, dtype=np.uint8), page, self._plain)
        rows = self.cache.unknown_rows(page)
        if not rows:
            return fresh
        types = [(row, note.text) for row, note in notes or [] if note.word == "TYPE"]
        starts = [row for row, _ in types]
        learnt: list[tuple[int, bytes | None]] = []
        for row in rows:
            text = body[page.spans[row, START] : page.spans[row, STOP]]
            place = bisect_right(starts, row)
            kind = types[place - 1][1] if place else ""
            labels = self._identify(text, strict, kind, row)
            learnt.append((row, None if labels is None else encode_labels(labels)))
        added = fresh
        for row, encoded in learnt:
            added += encoded is not None
            ref = DROPPED if encoded is None else self.cache.series(encoded)
            self.cache.learn(int(page.hashes[row]), ref)
        self.cache.resolve(page)
        return added

    def _identify(self, text: bytes, strict: bool, kind: str, row: int) -> Labels | None:
        """Return the stored labels of a series text, None if relabelling drops it; _LineError if it is
        illegal.
        """
        try:
            exposed = dict(parse_series(text, strict))
        except PharosError as exc:
            raise _LineError(exc, row, row + isinstance(exc, RepeatedLabelError)) from exc
        bound = "le" if kind == "histogram" else ("quantile" if kind == "summary" else "")
        if bound in exposed:
            exposed[bound] = canonical_bound(exposed[bound])
        try:
            return self.final_labels(exposed)
        except PharosError as exc:
            raise _LineError(exc, row, row + 1) from exc

    def final_labels(self, exposed: Mapping[str, str]) -> Labels | None:
        """Return the stored labels of a sample with these exposed ones, None if relabelling drops it.

        Raises PharosError(INVALID) for illegal names, TOO_LARGE for a label limit.
        """
        merged = merge_target_labels(exposed, self._labels, self._job.honor_labels)
        labels = relabel(merged, self._job.metric_relabel_rules)
        if not labels:
            return None
        name = labels.get(METRIC_NAME, "")
        if not name:
            raise PharosError(Kind.INVALID, "missing metric name (__name__ label)")
        legacy = self._job.legacy_names
        if not is_metric_name(name, legacy) or not all(is_label_name(one, legacy) for one in labels):
            raise PharosError(Kind.INVALID, f"invalid metric name or label names: {sorted(labels)[:20]!r}")
        self._check_label_limits(name, labels)
        return labels_of(labels)

    def _check_label_limits(self, metric: str, labels: Mapping[str, str]) -> None:
        limits = self._job.limits
        if limits.label_limit and len(labels) > limits.label_limit:
            raise PharosError(
                Kind.TOO_LARGE,
                f"label_limit exceeded (metric: {metric[:50]}, number of labels: {len(labels)}, "
                f"limit: {limits.label_limit})",
            )
        for what, limit, index in (
            ("label_name_length_limit", limits.label_name_length_limit, 0),
            ("label_value_length_limit", limits.label_value_length_limit, 1),
        ):
            for pair in labels.items() if limit else ():
                length = len(pair[index].encode())
                if length > limit:
                    raise PharosError(
                        Kind.TOO_LARGE,
                        f"{what} exceeded (metric: {metric[:50]}, label name: {pair[0][:50]}, "
                        f"length: {length}, limit: {limit})",
                    )

    def _count_read(self, page: Page, body: bytes, strict: bool, cause: PharosError) -> tuple[int, int]:
        """Return how many samples of a refused page count as scraped, and how many of them were kept by
        relabelling: those before the first fault.
        """
        scraped, fault = page.lines, cause
        while True:
            if isinstance(fault, _LineError):
                scraped, page.lines = fault.scraped, fault.row
                page.notes = int(np.searchsorted(page.comments[: page.notes, 2], fault.row))
            try:
                self._learn(page, body, strict, self._notes(page, body, strict))
            except _LineError as earlier:
                fault = earlier
            else:
                return scraped, self.cache.count_kept(page)

    def _exemplars(self, page: Page, body: bytes, array: Any, time_ms: int) -> list[bytes]:
        """Return the exemplars that are new since the last scrape; one that cannot be read fails the page."""
        found = []
        for row in self.cache.new_exemplars(array, page):
            start = int(page.spans[row, EXEMPLAR_START])
            try:
                exemplar = parse_exemplar(body[start : body.index(b"\n", start)])
            except PharosError:
                self.cache.forget_exemplars()
                raise
            own_time = int(page.times[row]) if page.flags[row] & HAS_TIME else time_ms
            stamp = own_time if exemplar.time_ms is None else exemplar.time_ms
            labels = self.cache.labels(int(page.refs[row]))
            found.append(encode_exemplar(labels, exemplar.labels, exemplar.value, stamp))
        return found

    def _metadata(self, page: Page, notes: list[tuple[int, Note]] | None) -> dict[str, Metadata]:
        """Return the metadata of this page that the job's targets did not tell yet."""
        if notes is None:
            return {}
        families: dict[str, dict[str, str]] = {}
        for _, note in notes:
            word = {"TYPE": "kind", "HELP": "help", "UNIT": "unit"}[note.word]
            families.setdefault(note.family, {})[word] = note.text
        found = [Metadata(family, **texts) for family, texts in families.items()]
        self.metadata = tuple(
            told if (told := self._memory.told.get(one.family)) == one else one for one in found
        )
        self._notes_hash = page.notes_hash
        return {one.family: one for one in self.metadata if self._memory.told.get(one.family) is not one}


def _settle_hard_numbers(page: Page, body: bytes) -> None:
    """Let Python read the numbers that compiled code left open."""
    flags = page.flags[: page.lines]
    for row in np.flatnonzero(flags & (HARD_VALUE | HARD_TIME)).tolist():
        spans = page.spans[row]
        line = body[spans[START] : spans[STOP]]
        if flags[row] & HARD_VALUE:
            value = _number(body[spans[VALUE_START] : spans[VALUE_STOP]], line, row)
            page.bits[row] = struct.unpack("<Q", struct.pack("<d", value))[0]
        if flags[row] & HARD_TIME:
            seconds = _number(body[spans[TIME_START] : spans[TIME_STOP]], line, row)
            if not abs(seconds) < 9e15:
                raise _LineError(refuse("the timestamp is out of range", line), row, row)
            page.times[row] = int(seconds * 1000)


def _number(text: bytes, line: bytes, row: int) -> float:
    try:
        return read_number(text.decode(errors="replace"), line)
    except PharosError as exc:
        raise _LineError(exc, row, row) from exc
