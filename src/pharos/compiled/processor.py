"""For which processors code is compiled: for the one at hand, or for all of its family that are of use.

Code for a family can be made on one machine and run on another, as in a wheel. On x86 that is the level that
processors have had since about 2013: what runs on older ones is compiled there.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Processor(NamedTuple):
    """What code is compiled for, as LLVM names it."""

    triple: str
    """Architecture, vendor, system and binary interface."""
    name: str
    features: str
    """`+feature` and `-feature`, separated by commas; empty for what the name alone implies."""

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that make numba compile for it."""
        return {"NUMBA_CPU_NAME": self.name, "NUMBA_CPU_FEATURES": self.features}


_FAMILIES: Final = {
    # x86-64 psABI, section 3.1.1: microarchitecture level 3.
    "x86_64": (
        "x86-64-v3",
        "avx avx2 bmi bmi2 cx16 f16c fma lzcnt movbe popcnt sahf sse3 sse4.1 sse4.2 ssse3 xsave",
    ),
    "aarch64": ("generic", ""),
    "arm64": ("generic", ""),
}


def family_of(processor: Processor) -> Processor | None:
    """Return the family whose code runs on the processor at hand too, None if there is none."""
    found = _FAMILIES.get(processor.triple.partition("-")[0])
    if found is None:
        return None
    name, needed = found
    if processor.name == name:
        return processor
    there = {feature[1:] for feature in processor.features.split(",") if feature.startswith("+")}
    return Processor(processor.triple, name, "") if there.issuperset(needed.split()) else None
