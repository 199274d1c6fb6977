"""Dependencies: while something that others depend on fails, nobody is paged for what follows from it.

Which alerts tell of the one and which of the other is said by matchers, and by labels whose values both
share. A parent counts while it fires, also where it is silenced or held back itself. Only pages are held
back: children are measured, shown and resolved as ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self

from pydantic import Field, model_validator

from pharos.alerting.config import Inhibition, InhibitionSource
from pharos.alerting.maintenance import Conditions, read_conditions
from pharos.alerting.matchers import in_order
from pharos.alerting.oncall.schedule import Part, read_part


class Dependency(Part):
    """What depends on what, as it is defined."""

    parent: Conditions
    """Alerts that tell that something fails on which others depend."""
    child: Conditions
    """Alerts of those."""
    equal: Annotated[
        tuple[Annotated[str, Field(min_length=1, max_length=200)], ...], Field(max_length=20)
    ] = ()
    """Labels whose values parent and child share; one that neither has is shared."""
    reason: Annotated[str, Field(max_length=2000)] = ""

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if sorted(self.parent) == sorted(self.child):
            raise ValueError("parent and child are the same alerts: nothing would be held back")
        return self


def read_dependency(document: Mapping[str, Any], name: str) -> Dependency:
    """Return a dependency read from JSON. Raises PharosError(INVALID) that names the first field at fault."""
    return read_part(Dependency, document, f"dependency {name!r}")


def as_inhibitions(dependencies: Mapping[str, Dependency]) -> tuple[Inhibition, ...]:
    """Return them as what holds alerts back while others fire; an alert that is both never holds its like
    back.
    """
    return tuple(_inhibition(name, one) for name, one in dependencies.items())


def _inhibition(name: str, one: Dependency) -> Inhibition:
    source = InhibitionSource(in_order(read_conditions(one.parent)), one.equal)
    return Inhibition(name, (source,), in_order(read_conditions(one.child)))
