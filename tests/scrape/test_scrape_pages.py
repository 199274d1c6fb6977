"""What is stored of a page, row by row; the same page a second time takes the compiled way and must say
the same.
"""

from __future__ import annotations

import math
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from tests.scrape.written import Written, bits, read

from pharos.compiled.float_read import HARD, MALFORMED, PARSED, parse_float
from pharos.errors import PharosError
from pharos.ingest.scrape.digest import Format, JobMemory, PageDigest
from pharos.ingest.scrape.exposition.scan import Page
from pharos.ingest.scrape.exposition.text import canonical_bound
from pharos.ingest.scrape.job import JobConfig

NOW_MS = 1_700_000_000_000
CASES = YAML(typ="safe").load(Path(__file__).parent / "cases" / "pages.yaml")
TARGET = (("instance", "i"), ("job", "j"))


def intake(**settings_: Any) -> PageDigest:
    return PageDigest(JobConfig("j", **settings_), TARGET, 7, JobMemory(), None)


def digest(one: PageDigest, page: str | bytes, form: Format = Format.TEXT, time_ms: int = NOW_MS) -> Written:
    body = page.encode() if isinstance(page, str) else page
    found = one.digest(body, form, time_ms, Page.of_size(body.count(b"\n") + 1))
    one.stored(found)
    one.cache.next_turn(good=True)
    return read(found.body)


def spelled(value: int) -> str:
    number = struct.unpack("<d", struct.pack("<Q", value))[0]
    if math.isnan(number):
        assert value == 0x7FF8000000000001
        return "NaN"
    if math.isinf(number):
        return "+Inf" if number > 0 else "-Inf"
    return repr(number)


def expected(row: str) -> tuple[str, str, int]:
    found = re.fullmatch(r"(.*?)(\{.*\})? (\S+)(?: @(-?\d+))?", row, re.DOTALL)
    assert found is not None, row
    value = found[3] if found[3] in {"NaN", "+Inf", "-Inf"} else repr(float(found[3]))
    return found[1] + (found[2] or ""), value, int(found[4]) if found[4] else NOW_MS


def stored(written: Written) -> list[tuple[str, str, int]]:
    found = []
    for labels, time_ms, value in written.samples:
        assert TARGET[0] in labels
        assert TARGET[1] in labels
        pairs = ",".join(f"{k}='{v}'" for k, v in labels if k not in {"__name__", "instance", "job"})
        found.append((dict(labels)["__name__"] + (f"{{{pairs}}}" if pairs else ""), spelled(value), time_ms))
    return found


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_page_is_stored_as_its_row_says(case: dict[str, Any]) -> None:
    one = intake()
    if "error" in case:
        for _ in range(2):
            with pytest.raises(PharosError) as raised:
                digest(one, case["page"], Format(case["format"]))
            assert case["error"] in str(raised.value)
        return
    wanted = [expected(row) for row in case["samples"]]
    assert stored(digest(one, case["page"], Format(case["format"]))) == wanted
    # The second time every line is known to the cache.
    assert stored(digest(one, case["page"], Format(case["format"]))) == wanted


def test_invalid_utf8_in_a_label_is_refused() -> None:
    with pytest.raises(PharosError, match="invalid UTF-8"):
        digest(intake(), b'a{b="\xff"} 1\n')


NUMBER_TEXTS = st.one_of(
    st.floats(allow_nan=False).map(repr),
    st.integers(min_value=-(10**25), max_value=10**25).map(str),
    st.tuples(st.integers(0, 10**19), st.integers(-340, 310)).map(lambda pair: f"{pair[0]}e{pair[1]}"),
    st.from_regex(r"[+-]?[0-9]{0,12}\.?[0-9]{0,12}([eE][+-]?[0-9]{1,3})?", fullmatch=True),
    st.text("0123456789.eE+-xinfnaINFA_", max_size=12),
)


@given(NUMBER_TEXTS)
@settings(max_examples=1000)
def test_compiled_number_is_exact_or_left_to_python(text: str) -> None:
    found, status = parse_float(np.frombuffer(text.encode() + b"x", dtype=np.uint8), 0, len(text))
    legal = re.fullmatch(
        r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?|nan", text, re.IGNORECASE | re.ASCII
    )
    if legal is None:
        assert status == MALFORMED
        return
    assert status in {PARSED, HARD}
    if status == PARSED and not math.isnan(float(text)):
        assert int(found) == bits(float(text))


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("1", "1.0"),
        ("0", "0.0"),
        ("-1", "-1.0"),
        ("0.25", "0.25"),
        ("100000", "100000.0"),
        ("1000000", "1e+06"),
        ("1.5e6", "1.5e+06"),
        ("123456789", "1.23456789e+08"),
        ("0.0001", "0.0001"),
        ("0.00001", "1e-05"),
        ("1e21", "1e+21"),
        ("1e-7", "1e-07"),
        ("1.0", "1.0"),
        ("+Inf", "+Inf"),
        ("inf", "+Inf"),
        ("NaN", "NaN"),
        ("x", "x"),
        ("", ""),
    ],
)
def test_bound_is_spelled_as_upstream_spells_it(text: str, canonical: str) -> None:
    assert canonical_bound(text) == canonical


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_canonical_bound_keeps_the_number(number: float) -> None:
    assert float(canonical_bound(repr(number))) == number
