"""What is known of one kind of receiver, and how the global settings stand in for what it does not say."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct

from pharos.alerting.fields import Field, Section, Values, flag, one
from pharos.alerting.receiver_parts import EXTRAS


class KindOfReceiver(Struct, frozen=True):
    """What is known of one kind."""

    kind: str
    section: Section
    stand_ins: Mapping[str, str]
    """Fields that a global setting fills in where they are empty."""
    required: tuple[str, ...] = ()
    """Fields that may not be empty then."""
    finish: Callable[[Values, Values], str] | None = None
    """Settles what is odd, given the fields and the global ones; returns what is wrong."""


def settle(kind: KindOfReceiver, values: Values, global_: Values) -> str:
    """Fill in what the global settings say; return what is wrong, empty for nothing."""
    if kind.finish is not None:
        wrong = kind.finish(values, global_)
        if wrong:
            return wrong
    if "http_config" in values and values["http_config"] is None:
        values["http_config"] = global_["http_config"]
    for name, stand_in in kind.stand_ins.items():
        if values[name] is None or not values[name]:
            values[name] = global_[stand_in]
    for name in kind.required:
        if not values[name]:
            stand_in = kind.stand_ins.get(name, "")
            return f"{name} is missing" + (f", and so is the global {stand_in}" if stand_in else "")
    return ""


def kind_of(
    kind: str,
    fields: Mapping[str, Field],
    *checks: Callable[[Values], str],
    sends_resolved: bool = True,
    stand_ins: Mapping[str, str] | None = None,
    required: tuple[str, ...] = (),
    finish: Callable[[Values, Values], str] | None = None,
) -> KindOfReceiver:
    """Return a kind, with the settings that all kinds have besides its own."""
    own = {"send_resolved": flag(default=sends_resolved), "pharos": one(EXTRAS)}
    section = Section(f"{kind}_configs", {**own, **fields}, checks)
    return KindOfReceiver(kind, section, stand_ins or {}, required, finish)
