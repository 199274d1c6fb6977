"""Which attributes of resources become labels of all their series."""

from __future__ import annotations

from typing import Final

from msgspec import Struct


class Promotion(Struct, frozen=True):
    """Which attributes of a resource become labels of its series (`otlp` of a prometheus.yml)."""

    names: frozenset[str] = frozenset()
    """These; or all but these."""
    is_all_but: bool = False

    def takes(self, key: str) -> bool:
        """Return whether an attribute is promoted."""
        return (key in self.names) is not self.is_all_but


NOTHING_PROMOTED: Final = Promotion()
