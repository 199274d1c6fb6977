"""`/api/demo`: a made-up shop in a tenant of its own, started, stopped and erased with one request each."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct
from starlette.requests import Request

from pharos.api.http.identity import scope_of
from pharos.api.http.routes import Operation
from pharos.api.native.answers import Native, Shape
from pharos.demo.running import Demo, Status
from pharos.identity.sign_in import author_of

_PATH = "/api/demo"


class DemoShape(Shape):
    """How it stands with the demo."""

    tenant: str
    """Where its telemetry is; empty where there is none."""
    is_running: bool
    is_broken: bool
    """Whether the release that goes wrong runs just now."""
    release: str
    """That of the service payments; empty where nothing runs."""
    cycle_s: int
    """So often a release goes wrong."""


class DemoApi(Struct, frozen=True):
    """Starts and ends the demo."""

    native: Native
    demo: Demo

    def operations(self) -> Iterator[Operation]:
        """Yield the operations."""
        make, manage = self.native.operation, "tenants.manage"
        yield make(f"GET {_PATH}", "tenants.view", self.show_demo, DemoShape)
        yield make(f"POST {_PATH}/start", manage, self.start_demo, DemoShape)
        yield make(f"POST {_PATH}/stop", manage, self.stop_demo, DemoShape)
        yield make(f"DELETE {_PATH}", manage, self.erase_demo, DemoShape)

    async def show_demo(self, request: Request) -> DemoShape:  # noqa: ARG002
        """Return how it stands with the demo."""
        return _shape(await self.demo.status())

    async def start_demo(self, request: Request) -> DemoShape:
        """Have the shop live, in a tenant that is made for it."""
        return _shape(await self.demo.start(author_of(scope_of(request).who)))

    async def stop_demo(self, request: Request) -> DemoShape:  # noqa: ARG002
        """Have the shop send nothing more; what it sent stays."""
        return _shape(await self.demo.stop())

    async def erase_demo(self, request: Request) -> DemoShape:
        """Stop the shop, and delete its tenant with all that is in it."""
        return _shape(await self.demo.erase(author_of(scope_of(request).who)))


def _shape(found: Status) -> DemoShape:
    moment = found.moment
    return DemoShape(
        tenant=found.tenant,
        is_running=found.is_running,
        is_broken=moment is not None and moment.is_broken,
        release="" if moment is None else moment.version,
        cycle_s=found.cycle_s,
    )
