"""Federation: how names beyond the classic alphabet are written, by what the client accepts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pharos.api.prometheus.federate import escape_name, negotiate_escaping

CASES: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "cases" / "escaping.yaml").read_text())


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["accept"])
def test_the_escaping_is_negotiated(case: dict[str, Any]) -> None:
    assert negotiate_escaping(case["accept"]) == case["scheme"]


@pytest.mark.parametrize(
    ("scheme", "names"),
    [
        ("underscores", ["http_requests", "a_b_c", "__", "_a"]),
        ("dots", ["http_dot_requests", "a__b_dot_c", "____", "__a"]),
        ("values", ["U__http_2e_requests", "U__a__b_2e_c", "U___31__fc_", "U___31_a"]),
        ("allow-utf-8", ['"http.requests"', '"a_b.c"', '"1ü"', '"1a"']),
    ],
)
def test_a_name_is_written_as_upstream_writes_it(scheme: str, names: list[str]) -> None:
    assert [escape_name(name, scheme, ":") for name in ("http.requests", "a_b.c", "1ü", "1a")] == names
