"""Everything that is answered about versions: two groups compared, and rollouts."""

from __future__ import annotations

from pharos.api.http.bodies import Bodies
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native
from pharos.api.native.comparisons import ComparisonsApi
from pharos.api.native.rollouts import RolloutsApi
from pharos.clock import Clock
from pharos.state import State
from pharos.versions.readings import Readings
from pharos.versions.rolling import Rollouts


def version_operations(
    bodies: Bodies, state: State, clock: Clock, readings: Readings, rollouts: Rollouts
) -> list[Operation]:
    """Return the operations."""
    native = Native(bodies, "versions")
    return [
        *ComparisonsApi(native, readings, clock).operations(),
        *RolloutsApi(native, state, rollouts).operations(),
    ]
