"""An alert: a set of labels that something is wrong with, since when and until when.

Rules make alerts, and other servers send them; what is done about one is `alerting`'s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from pharos.labels import Labels

ALERT_NAME: Final = "alertname"
SEVERITY: Final = "severity"

_FNV_OFFSET: Final = 0xCBF29CE484222325
_FNV_PRIME: Final = 0x100000001B3
_MASK: Final = (1 << 64) - 1
_SEPARATOR: Final = b"\xff"


@lru_cache(maxsize=16_384)
def fingerprint(labels: Labels) -> str:
    """Return what an alert with these labels is called, as Alertmanager calls it: 16 hexadecimal digits.

    FNV-1a of names and values, each followed by a byte 0xff (prometheus/common, `model/signature.go`).
    """
    found = _FNV_OFFSET
    for name, value in labels:
        for byte in _bytes(name) + _SEPARATOR + _bytes(value) + _SEPARATOR:
            found = ((found ^ byte) * _FNV_PRIME) & _MASK
    return f"{found:016x}"


def shown_labels(labels: Mapping[str, str]) -> str:
    """Return an alert's labels as people are told them: its name, and the others in braces after it."""
    rest = ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()) if name != ALERT_NAME)
    return f"{labels.get(ALERT_NAME, '')}{{{rest}}}" if rest else labels.get(ALERT_NAME, "")


def _bytes(text: str) -> bytes:
    # Halves of surrogate pairs are no text, and no reason to tell nobody.
    return text.encode(errors="surrogatepass")


@dataclass(frozen=True, slots=True)
class Alert:
    """One alert at one time. Times are milliseconds since the epoch."""

    labels: Labels
    """Which alert it is."""
    annotations: Labels = ()
    """What is said of it, sorted by name; unlike a label's, an annotation's value may be empty."""
    starts_ms: int = 0
    ends_ms: int = 0
    """When it is over, which may be to come: a sender that falls silent lets it end so."""
    updated_ms: int = 0
    """When it was last heard of."""
    generator_url: str = ""
    """Where what it is made from can be seen."""
    is_timed_out: bool = field(default=False, compare=False)
    """Whether its sender named no end, so that `ends_ms` is only when it is given up."""

    @property
    def name(self) -> str:
        """What kind of alert it is; empty where the labels do not say."""
        return self.label(ALERT_NAME)

    @property
    def fingerprint(self) -> str:
        """What it is called."""
        return fingerprint(self.labels)

    def label(self, name: str) -> str:
        """Return a label's value; empty where there is none."""
        return next((value for key, value in self.labels if key == name), "")

    def is_resolved_at(self, now_ms: int) -> bool:
        """Return whether it is over."""
        return 0 < self.ends_ms <= now_ms
