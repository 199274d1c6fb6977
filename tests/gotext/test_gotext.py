"""Numbers, durations, quoted strings and names against what Go and prometheus/common print and read.

The tables were written by a Go program; they are not to be changed by hand.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pharos.compiled.float_text import FLOAT_BYTES, SLACK, print_floats
from pharos.errors import Kind, PharosError
from pharos.gotext.durations import format_duration, parse_duration
from pharos.gotext.numbers import (
    format_e,
    format_f,
    format_fixed,
    format_g,
    format_json,
    format_open_metrics,
    parse_decimal_int,
    parse_float,
    parse_int,
)
from pharos.gotext.quoting import quote, quote_char, unquote
from pharos.labels import LEGACY_LABEL_NAME, LEGACY_METRIC_NAME

_TABLES = Path(__file__).parent


def table(name: str) -> Any:
    return yaml.load((_TABLES / f"{name}.yaml").read_text(), yaml.CSafeLoader)


def double(bits: str) -> float:
    value: float = struct.unpack(">d", bytes.fromhex(bits))[0]
    return value


def bits_of(value: float) -> str:
    return struct.pack(">d", value).hex()


def json_text(row: dict[str, str]) -> str:
    """Return what upstream's JSON shows of a number: Go's 'f', or its 'e' where that is shorter by rule."""
    size = abs(double(row["bits"]))
    return row["f"] if size == 0 or not math.isfinite(size) or 1e-6 <= size < 1e21 else row["e"]


NUMBERS = table("numbers")
READINGS = table("readings")


def test_numbers_are_printed_as_go_prints_them() -> None:
    assert len(NUMBERS) > 400
    for row in NUMBERS:
        value = double(row["bits"])
        got = {
            "bits": row["bits"],
            "f": format_f(value),
            "g": format_g(value),
            "e": format_e(value),
            "g2": format_g(value, 2),
            "g17": format_g(value, 17),
            "f0": format_fixed(value, 0),
            "f6": format_fixed(value),
            "e3": f"{value:.3e}" if math.isfinite(value) else row["e3"],
        }
        assert got == row


def test_numbers_of_numpy_are_printed_the_same() -> None:
    value = np.float64(1.5e-7)
    assert (format_f(value), format_e(value), format_g(value)) == ("0.00000015", "1.5e-07", "1.5e-07")


def test_numbers_in_json_are_printed_alike_by_python_and_by_compiled_code() -> None:
    want = [json_text(row) for row in NUMBERS]
    values = np.array([int(row["bits"], 16) for row in NUMBERS], np.uint64).view(np.float64)
    out, ends = np.empty(values.size * FLOAT_BYTES + SLACK, np.uint8), np.empty(values.size, np.int64)
    print_floats(values, out, ends)
    text, begins = out.tobytes().decode("latin-1"), [0, *ends.tolist()]
    compiled = [text[begin:end] for begin, end in zip(begins, ends.tolist(), strict=False)]
    assert [format_json(value) for value in values.tolist()] == compiled == want


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0.0"),
        (-0.0, "0.0"),
        (1.0, "1.0"),
        (-2.0, "-2.0"),
        (0.25, "0.25"),
        (999999.0, "999999.0"),
        (1e6, "1e+06"),
        (1e-5, "1e-05"),
        (math.inf, "+Inf"),
        (-math.inf, "-Inf"),
        (math.nan, "NaN"),
    ],
)
def test_numbers_of_openmetrics_have_a_point_or_an_exponent(value: float, text: str) -> None:
    assert format_open_metrics(value) == text


@pytest.mark.parametrize("row", READINGS, ids=[row["text"][:24] for row in READINGS])
def test_numbers_are_read_as_go_reads_them(row: dict[str, Any]) -> None:
    if row["float"] is None:
        with pytest.raises(PharosError) as raised:
            parse_float(row["text"])
        assert (raised.value.kind, raised.value.message) == (Kind.INVALID, row["error"])
    elif row["float"] == "7ff8000000000001":
        assert math.isnan(parse_float(row["text"]))
    else:
        assert bits_of(parse_float(row["text"])) == row["float"]
    if row["int"] is None:
        with pytest.raises(PharosError, match=r"strconv\.ParseInt: parsing "):
            parse_int(row["text"])
    else:
        assert parse_int(row["text"]) == row["int"]


def test_an_integer_without_a_base_is_decimal() -> None:
    assert [parse_decimal_int(text) for text in ("010", "-7", "+9223372036854775807")] == [10, -7, 2**63 - 1]
    with pytest.raises(PharosError, match=r'strconv\.Atoi: parsing "1.5": invalid syntax'):
        parse_decimal_int("1.5")
    with pytest.raises(PharosError, match="value out of range"):
        parse_decimal_int("9" * 5000)


def test_durations_are_printed_as_prometheus_prints_them() -> None:
    rows = table("durations")["prints"]
    assert [format_duration(row["ms"]) for row in rows] == [row["text"] for row in rows]
    assert format_duration(-90_000) == "-1m30s"


@pytest.mark.parametrize("row", table("durations")["reads"], ids=lambda row: repr(row["text"]))
def test_durations_are_read_as_prometheus_reads_them(row: dict[str, Any]) -> None:
    if row["ms"] is not None:
        assert parse_duration(row["text"]) == row["ms"]
        return
    with pytest.raises(PharosError) as raised:
        parse_duration(row["text"])
    assert raised.value.kind is Kind.INVALID
    assert (
        quote(row["text"]) in raised.value.message
        or "empty" in str(raised.value)
        or "range" in str(raised.value)
    )


@given(st.integers(0, 2**63 // 1_000_000))
def test_a_printed_duration_reads_back_the_same(ms: int) -> None:
    assert parse_duration(format_duration(ms)) == ms


def test_texts_are_quoted_as_go_quotes_them() -> None:
    rows = table("quotes")["quoted"]
    texts = [bytes.fromhex(row["bytes"]).decode(errors="surrogateescape") for row in rows]
    assert [quote(text) for text in texts] == [row["text"] for row in rows]


def test_characters_are_quoted_as_go_quotes_them() -> None:
    rows = table("quotes")["characters"]
    assert [quote_char(chr(row["code"])) for row in rows] == [row["text"] for row in rows]


def test_literals_are_read_as_go_reads_them() -> None:
    rows = table("quotes")["literals"]
    got = [unquote(row["literal"]).encode(errors="surrogateescape").hex() for row in rows]
    assert got == [row["bytes"] for row in rows]


def test_legal_names_are_those_of_prometheus() -> None:
    rows = table("names")
    got = [
        {
            "name": row["name"],
            "metric": LEGACY_METRIC_NAME.fullmatch(row["name"]) is not None,
            "label": LEGACY_LABEL_NAME.fullmatch(row["name"]) is not None,
        }
        for row in rows
    ]
    assert got == rows
