"""New series the short way: the plain spelling of a series text, parsed, merged and encoded in compiled
code.

Most new lines are plain: a classic name, labels without blanks, escapes and characters beyond ASCII, none
that the target has too. When nothing is to be relabelled or limited, such a line's stored labels are its own
and the target's, sorted. What is not plain stays UNKNOWN for the long way, which decides alone what is
legal: this one never refuses, it only passes on. That makes the first scrape of thousands of targets cheap.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from pharos.compiled.hashing import hash_bytes
from pharos.compiled.kernel import kernel
from pharos.compiled.memory import copy_bytes, load_u8, store_u8
from pharos.compiled.protobuf import varint_size, write_varint
from pharos.ingest.scrape.exposition.scan import START, STOP, UNKNOWN, find_slot
from pharos.labels import Labels

_MOST_LABELS: Final = 48
_METRIC_NAME: Final = np.frombuffer(b"__name__", dtype=np.uint8)


def target_columns(labels: Labels) -> tuple[Any, Any]:
    """Return (bytes of all names and values, their [name start, name stop, value stop) offsets), in order."""
    blob = b"".join(name.encode() + value.encode() for name, value in labels)
    spans = np.zeros((max(len(labels), 1), 3), dtype=np.int64)
    place = 0
    for index, (name, value) in enumerate(labels):
        middle = place + len(name.encode())
        spans[index] = (place, middle, middle + len(value.encode()))
        place = int(spans[index, 2])
    return np.frombuffer(blob + b"\0", dtype=np.uint8), spans[: len(labels)]


@kernel
def _is_name_byte(byte: Any, first: bool) -> bool:
    letter = 97 <= byte | 32 <= 122 or byte == 95
    return bool(letter or (48 <= byte <= 57 and not first))


@kernel
def _is_canonical(body: Any, start: int, stop: int) -> bool:
    """Return whether a bucket's bound is surely spelled as it is stored: +Inf, or a short decimal with a
    point.
    """
    if stop - start == 4 and load_u8(body, start) == 43:
        inf = load_u8(body, start + 1) == 73 and load_u8(body, start + 2) == 110
        return bool(inf and load_u8(body, start + 3) == 102)
    point, digits = -1, 0
    for pos in range(start, stop):
        byte = load_u8(body, pos)
        if byte == 46 and point < 0:
            point = pos
        elif 48 <= byte <= 57:
            digits += 1
        else:
            return False
    if point <= start or point + 1 >= stop or point - start > 6 or digits > 15:
        return False
    if load_u8(body, start) == 48:
        zeros = 0
        while point + 1 + zeros < stop and load_u8(body, point + 1 + zeros) == 48:
            zeros += 1
        # Below 0.0001 an exponent is written.
        if point - start > 1 or zeros > 3:
            return False
    return bool(load_u8(body, stop - 1) != 48 or stop - point == 2)


@kernel
def _needs_canon(body: Any, start: int, stop: int) -> bool:
    """Return whether a label is named `le` or `quantile`."""
    if stop - start == 2:
        return bool(load_u8(body, start) == 108 and load_u8(body, start + 1) == 101)
    return bool(stop - start == 8 and load_u8(body, start) == 113 and load_u8(body, start + 1) == 117)


@kernel
def _parse_plain(body: Any, start: int, stop: int, spans: Any) -> int:
    """Fill `spans` with [name start, name stop, value start, value stop) of each label; row 0 is the metric
    name.

    Returns how many rows; -1 if the text is not plain.
    """
    pos = start
    while pos < stop:
        byte = np.int64(load_u8(body, pos))
        if not (_is_name_byte(byte, pos == start) or byte == 58):
            break
        pos += 1
    if pos == start:
        return -1
    spans[0, 0], spans[0, 1], spans[0, 2], spans[0, 3] = 0, 8, start, pos
    count = 1
    if pos == stop:
        return count
    if load_u8(body, pos) != 123:
        return -1
    pos += 1
    while pos < stop and load_u8(body, pos) != 125:
        name = pos
        while pos < stop and _is_name_byte(np.int64(load_u8(body, pos)), pos == name):
            pos += 1
        if pos == name or pos + 3 > stop or load_u8(body, pos) != 61 or load_u8(body, pos + 1) != 34:
            return -1
        value = pos + 2
        end = value
        while end < stop and load_u8(body, end) != 34:
            if load_u8(body, end) == 92 or load_u8(body, end) >= 128 or load_u8(body, end) == 10:
                return -1
            end += 1
        if end >= stop or end == value or count >= _MOST_LABELS:
            return -1
        if _needs_canon(body, name, pos) and not _is_canonical(body, value, end):
            return -1
        spans[count, 0], spans[count, 1], spans[count, 2], spans[count, 3] = name, pos, value, end
        count += 1
        pos = end + 1
        if pos < stop and load_u8(body, pos) == 44:
            pos += 1
        elif pos >= stop or load_u8(body, pos) != 125:
            return -1
    return count if pos == stop - 1 else -1


@kernel
def _compare(one: Any, start: int, stop: int, other: Any, other_start: int, other_stop: int) -> int:
    """Return less than, equal to or greater than 0, as the first bytes sort against the second."""
    common = min(stop - start, other_stop - other_start)
    for index in range(common):
        difference = np.int64(one[start + index]) - np.int64(other[other_start + index])
        if difference != 0:
            return int(difference)
    return (stop - start) - (other_stop - other_start)


@kernel
def _compare_rows(body: Any, spans: Any, left: int, right: int) -> int:
    """Compare two label names; row 0 is `__name__` itself, whose bytes are not in the body."""
    if left == 0:
        return _compare(_METRIC_NAME, 0, 8, body, spans[right, 0], spans[right, 1])
    if right == 0:
        return _compare(body, spans[left, 0], spans[left, 1], _METRIC_NAME, 0, 8)
    return _compare(body, spans[left, 0], spans[left, 1], body, spans[right, 0], spans[right, 1])


@kernel
def _sort(body: Any, spans: Any, count: int, order: Any) -> bool:
    """Fill `order` with the rows by name; return False if a name is there twice."""
    for row in range(count):
        place = row
        while place > 0:
            difference = _compare_rows(body, spans, order[place - 1], row)
            if difference == 0:
                return False
            if difference < 0:
                break
            order[place] = order[place - 1]
            place -= 1
        order[place] = row
    return True


@kernel
def _put_label(
    out: Any, size: int, name: Any, name_start: int, name_size: int, value: Any, start: int, length: int
) -> int:
    """Write one Label field and return the offset after it."""
    inner = 2 + varint_size(np.uint64(name_size)) + name_size + varint_size(np.uint64(length)) + length
    store_u8(out, size, np.uint8(0x0A))
    size = write_varint(out, size + 1, np.uint64(inner))
    store_u8(out, size, np.uint8(0x0A))
    size = write_varint(out, size + 1, np.uint64(name_size))
    copy_bytes(out, size, name, name_start, name_size)
    size += name_size
    store_u8(out, size, np.uint8(0x12))
    size = write_varint(out, size + 1, np.uint64(length))
    copy_bytes(out, size, value, start, length)
    return int(size + length)


@kernel
def _encode(
    body: Any, spans: Any, count: int, order: Any, target: Any, target_spans: Any, out: Any, size: int
) -> int:
    """Write the labels of a text and of its target in the order of their names; -1 if they share one."""
    own = other = 0
    while own < count or other < len(target_spans):
        difference = -1
        if own == count:
            difference = 1
        elif other < len(target_spans):
            row = order[own]
            name_stop = target_spans[other, 1]
            if row == 0:
                difference = _compare(_METRIC_NAME, 0, 8, target, target_spans[other, 0], name_stop)
            else:
                difference = _compare(
                    body, spans[row, 0], spans[row, 1], target, target_spans[other, 0], name_stop
                )
        if difference == 0:
            return -1
        if difference < 0:
            row = order[own]
            length = spans[row, 3] - spans[row, 2]
            if row == 0:
                size = _put_label(out, size, _METRIC_NAME, 0, 8, body, spans[row, 2], length)
            else:
                name_size = spans[row, 1] - spans[row, 0]
                size = _put_label(out, size, body, spans[row, 0], name_size, body, spans[row, 2], length)
            own += 1
        else:
            start, middle, stop = target_spans[other, 0], target_spans[other, 1], target_spans[other, 2]
            size = _put_label(out, size, target, start, middle - start, target, middle, stop - middle)
            other += 1
    return size


@kernel
def room_to_learn(
    spans: Any, refs: Any, lines: int, target_bytes: int, target_labels: int
) -> tuple[int, int]:
    """Return (unknown lines, bytes that their encoded labels take at most)."""
    unknown, room = 0, 0
    for row in range(lines):
        if refs[row] == UNKNOWN:
            unknown += 1
            # A label is at least five bytes of text (`a="",`) and at most ten bytes longer when encoded.
            length = spans[row, STOP] - spans[row, START]
            room += 3 * length + 32 + target_bytes + 16 * target_labels
    return unknown, room


@kernel
def learn_plain(
    body: Any,
    page: Any,
    lines: int,
    seed: Any,
    target: Any,
    texts: Any,
    turn: int,
    by_labels: Any,
    store: Any,
    counts: Any,
) -> tuple[int, int, int, int]:
    """Learn the plain ones among the unknown lines; return (series, bytes of labels, texts, texts that are
    new).

    `page` is (spans, refs, hashes); `target` of target_columns; `texts` the table of known texts;
    `by_labels` a table (keys, refs) of the known series by the hash of their labels; `store` (blob, offsets,
    lengths), all with room enough; `counts` (series, bytes, texts) so far.
    """
    line_spans, refs, hashes = page
    target_blob, target_spans = target
    keys, values, seen = texts
    label_keys, label_refs = by_labels
    blob, offsets, lengths = store
    series, size, used = counts
    fresh = 0
    spans = np.empty((_MOST_LABELS, 4), dtype=np.int64)
    order = np.empty(_MOST_LABELS, dtype=np.int64)
    for row in range(lines):
        if refs[row] != UNKNOWN:
            continue
        slot = find_slot(keys, hashes[row])
        if keys[slot] == hashes[row]:
            refs[row] = values[slot]
            continue
        count = _parse_plain(body, line_spans[row, START], line_spans[row, STOP], spans)
        if count < 0 or not _sort(body, spans, count, order):
            continue
        stop = _encode(body, spans, count, order, target_blob, target_spans, blob, size)
        if stop < 0:
            continue
        key = hash_bytes(blob, size, stop, seed) | np.uint64(1)
        place = find_slot(label_keys, key)
        if label_keys[place] == key:
            ref = label_refs[place]
        else:
            ref = series
            label_keys[place] = key
            label_refs[place] = ref
            offsets[ref], lengths[ref] = size, stop - size
            size = stop
            series += 1
        keys[slot] = hashes[row]
        values[slot] = ref
        seen[slot] = turn
        refs[row] = ref
        used += 1
        fresh += 1
    return series, size, used, fresh


@kernel
def index_labels(blob: Any, offsets: Any, lengths: Any, series: int, seed: Any, keys: Any, refs: Any) -> None:
    """Fill the empty table (keys, refs) with the known series by the hash of their labels."""
    for ref in range(series):
        key = hash_bytes(blob, offsets[ref], offsets[ref] + lengths[ref], seed) | np.uint64(1)
        place = find_slot(keys, key)
        keys[place] = key
        refs[place] = ref
