"""Code for a family of processors runs on those that have all that it uses."""

from __future__ import annotations

import pytest

from pharos.compiled.processor import Processor, family_of

_X86 = "x86_64-unknown-linux-gnu"
_LEVEL_3 = (
    "+avx,+avx2,+bmi,+bmi2,+cx16,+f16c,+fma,+lzcnt,+movbe,+popcnt,+sahf,+sse3,+sse4.1,+sse4.2,+ssse3,+xsave"
)


@pytest.mark.parametrize(
    ("triple", "features", "name"),
    [
        (_X86, _LEVEL_3, "x86-64-v3"),
        (_X86, f"{_LEVEL_3},+avx512f,-amx-int8", "x86-64-v3"),
        (_X86, _LEVEL_3.replace("+avx2", "-avx2"), None),
        (_X86, "", None),
        ("aarch64-unknown-linux-gnu", "", "generic"),
        ("arm64-apple-darwin24", "+neon", "generic"),
        ("s390x-unknown-linux-gnu", "", None),
    ],
)
def test_a_family_is_of_use_to_those_that_have_its_features(
    triple: str, features: str, name: str | None
) -> None:
    found = family_of(Processor(triple, "some", features))
    assert found == (None if name is None else Processor(triple, name, ""))


def test_a_family_is_its_own() -> None:
    family = Processor(_X86, "x86-64-v3", "")
    assert family_of(family) == family
