"""A plain reader of XOR chunks, bit by bit after upstream's format (tsdb/docs/bstream and chunkenc)."""

from __future__ import annotations


class Bits:
    """Bits of bytes, highest first."""

    def __init__(self, raw: bytes) -> None:
        self._value = int.from_bytes(raw)
        self._left = len(raw) * 8

    def take(self, count: int) -> int:
        """Return the next `count` bits."""
        self._left -= count
        assert self._left >= 0
        return (self._value >> self._left) & ((1 << count) - 1)

    def varint(self) -> int:
        """Return an unsigned varint."""
        value = shift = 0
        while True:
            byte = self.take(8)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7


def read_varint(raw: bytes, at: int) -> tuple[int, int]:
    """Return (unsigned varint, where it ends)."""
    bits = Bits(raw[at : at + 10] + bytes(10))
    value = bits.varint()
    return value, at + max(1, -(-value.bit_length() // 7))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >> 63 else value


def decode_chunk(message: bytes) -> list[tuple[int, int]]:
    """Return the (time, bits of the value) pairs of one `chunks` field, its head checked."""
    assert message[0] == 0x12
    size, at = read_varint(message, 1)
    assert size == len(message) - at
    assert message[at] == 0x08
    low, at = read_varint(message, at + 1)
    assert message[at] == 0x10
    high, at = read_varint(message, at + 1)
    assert message[at : at + 3] == b"\x18\x01\x22"
    size, at = read_varint(message, at + 3)
    assert size == len(message) - at
    samples = decode_xor(message[at:])
    assert (samples[0][0], samples[-1][0]) == (_signed(low), _signed(high))
    return samples


def decode_xor(data: bytes) -> list[tuple[int, int]]:
    """Return the samples of a chunk."""
    count, bits = int.from_bytes(data[:2]), Bits(data[2:])
    raw = bits.varint()
    moment = (raw >> 1) ^ -(raw & 1)
    value = bits.take(64)
    samples = [(moment, value)]
    delta = leading = trailing = 0
    for number in range(1, count):
        delta = bits.varint() if number == 1 else delta + _delta_of_delta(bits)
        moment += delta
        if bits.take(1):
            if bits.take(1):
                leading = bits.take(5)
                width = bits.take(6) or 64
                trailing = 64 - leading - width
            value ^= bits.take(64 - leading - trailing) << trailing
        samples.append((moment, value))
    return samples


def _delta_of_delta(bits: Bits) -> int:
    ones = 0
    while ones < 4 and bits.take(1):
        ones += 1
    width = (0, 14, 17, 20, 64)[ones]
    raw = bits.take(width) if width else 0
    if width == 64:
        return _signed(raw)
    return raw - (1 << width) if width and raw > 1 << (width - 1) else raw
