"""The API of a Kubernetes cluster as it is on the wire: lists in pages, and changes as they come, one a line.

Real clusters answer so (Kubernetes API concepts: "Efficient detection of changes", "Retrieving large results
sets in chunks"); objects are what tests put there.
"""

from __future__ import annotations

import asyncio
import copy
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

from aiohttp import web

Json: TypeAlias = dict[str, Any]

_KINDS = {
    "pods": ("v1", "Pod"),
    "services": ("v1", "Service"),
    "endpoints": ("v1", "Endpoints"),
    "nodes": ("v1", "Node"),
    "namespaces": ("v1", "Namespace"),
    "endpointslices": ("discovery.k8s.io/v1", "EndpointSlice"),
    "ingresses": ("networking.k8s.io/v1", "Ingress"),
}
"""The version and the name of what an object is, by the plural in addresses."""
_WATCHED_MOST_S = 1.0
"""So long changes are told, however long they were asked for: who asks does so again."""
_PAGE_MOST = 2
"""So many objects are listed at once, whatever was asked for: pages come about with few."""


class FakeCluster:
    """A cluster that a test changes; used on one event loop."""

    def __init__(self) -> None:
        self.address = ""
        self.token = ""
        """Who does not bear it gets 401; empty for all."""
        self.forbidden: set[str] = set()
        self.status = 0
        """What everybody gets, as of an API that is away; 0 for answers."""
        self.asked: list[web.Request] = []
        self.oldest = 0
        self._version = 10
        self._objects: dict[str, dict[tuple[str, str], Json]] = {kind: {} for kind in _KINDS}
        self._events: list[tuple[int, str, Json]] = []
        self._changed = asyncio.Event()
        self._was_asked = asyncio.Event()

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Wait for something that comes with a request."""
        async with asyncio.timeout(60):
            while not is_so():
                self._was_asked.clear()
                await self._was_asked.wait()

    def put(self, kind: str, found: Json) -> None:
        """Make an object, or make it another one; `kind` is in the plural."""
        key = _key(found)
        verb = "MODIFIED" if key in self._objects[kind] else "ADDED"
        self._tell(verb, kind, copy.deepcopy(found))

    def delete(self, kind: str, name: str, namespace: str = "") -> None:
        """Delete an object."""
        self._tell("DELETED", kind, self._objects[kind][namespace, name])

    def forget_versions(self) -> None:
        """Know no changes any more that came before now, as a cluster does after a while."""
        self._version += 1
        self.oldest = self._version

    def lists(self, plural: str) -> int:
        """Return how often the objects of a kind were listed."""
        return sum(
            one.path.endswith(f"/{plural}") and not {"watch", "continue"} & one.query.keys()
            for one in self.asked
        )

    def _tell(self, verb: str, kind: str, found: Json) -> None:
        self._version += 1
        found["metadata"] |= {"resourceVersion": str(self._version), "managedFields": [{"manager": "test"}]}
        if verb == "DELETED":
            del self._objects[kind][_key(found)]
        else:
            self._objects[kind][_key(found)] = found
        version, name = _KINDS[kind]
        told = {"apiVersion": version, "kind": name, **copy.deepcopy(found)}
        self._events.append((self._version, kind, {"type": verb, "object": told}))
        waiting, self._changed = self._changed, asyncio.Event()
        waiting.set()

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer as the API does."""
        self.asked.append(request)
        self._was_asked.set()
        *_, plural = parts = request.path.strip("/").split("/")
        namespace = parts[-2] if "namespaces" in parts[:-1] else ""
        if self.status:
            return _refused(self.status, "the server is away")
        if self.token and request.headers.get("Authorization") != f"Bearer {self.token}":
            return _refused(401, "Unauthorized")
        if plural == "version":
            return web.json_response({"major": "1", "minor": "33", "gitVersion": "v1.33.0"})
        if plural not in _KINDS:
            return _refused(404, "the server could not find the requested resource")
        if plural in self.forbidden:
            return _refused(403, f'{plural} is forbidden: User "test" cannot list resource "{plural}"')
        wanted = _wanted(request, namespace)
        if "watch" in request.query:
            return await self._watch(request, plural, wanted)
        return self._list(request, plural, wanted)

    def _list(self, request: web.Request, plural: str, wanted: Callable[[Json], bool]) -> web.Response:
        found = [one for _, one in sorted(self._objects[plural].items()) if wanted(one)]
        begin = int(request.query.get("continue", "0"))
        meta = {"resourceVersion": str(self._version)}
        if "limit" in request.query and begin + _PAGE_MOST < len(found):
            meta["continue"] = str(begin + _PAGE_MOST)
        items = found[begin : begin + _PAGE_MOST] if "limit" in request.query else found
        version, name = _KINDS[plural]
        return web.json_response(
            {"apiVersion": version, "kind": f"{name}List", "metadata": meta, "items": items}
        )

    async def _watch(
        self, request: web.Request, plural: str, wanted: Callable[[Json], bool]
    ) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        response.enable_chunked_encoding()
        await response.prepare(request)
        since = int(request.query.get("resourceVersion") or self._version)
        if since < self.oldest:
            await _say(response, "ERROR", _status(410, "too old resource version"))
            return response
        loop = asyncio.get_running_loop()
        asked_s = float(request.query.get("timeoutSeconds", 300))
        until_s = loop.time() + min(asked_s, _WATCHED_MOST_S)
        while (left_s := until_s - loop.time()) > 0:
            changed = self._changed
            for told, kind, event in [one for one in self._events if one[0] > since]:
                since = told
                if kind == plural and wanted(event["object"]):
                    await _say(response, event["type"], event["object"])
            try:
                async with asyncio.timeout(left_s):
                    await changed.wait()
            except TimeoutError:
                break
        if request.query.get("allowWatchBookmarks") in {"1", "true"}:
            version, name = _KINDS[plural]
            meta = {"resourceVersion": str(since)}
            await _say(response, "BOOKMARK", {"apiVersion": version, "kind": name, "metadata": meta})
        return response


async def _say(response: web.StreamResponse, verb: str, found: Json) -> None:
    """Send an event, in two pieces: a line is not what comes at once."""
    line = json.dumps({"type": verb, "object": found}).encode() + b"\n"
    await response.write(line[:20])
    await response.write(line[20:])


def _key(found: Json) -> tuple[str, str]:
    return found["metadata"].get("namespace", ""), found["metadata"]["name"]


def _wanted(request: web.Request, namespace: str) -> Callable[[Json], bool]:
    """Return what tells whether an object is in the namespace and has the labels that were asked for."""
    terms = [term.partition("=") for term in filter(None, request.query.get("labelSelector", "").split(","))]

    def is_wanted(found: Json) -> bool:
        labels = found["metadata"].get("labels", {})
        is_there = not namespace or found["metadata"].get("namespace") == namespace
        return is_there and all(labels.get(name) == value for name, _, value in terms)

    return is_wanted


def _status(code: int, message: str) -> Json:
    return {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}


def _refused(code: int, message: str) -> web.Response:
    return web.json_response(_status(code, message), status=code)


@asynccontextmanager
async def fake_cluster(tls: ssl.SSLContext | None = None) -> AsyncIterator[FakeCluster]:
    """Serve an empty cluster on a free port of this host."""
    found = FakeCluster()
    app = web.Application()
    app.router.add_get("/{path:.*}", found.answer)
    runner = web.AppRunner(app, shutdown_timeout=0, handler_cancellation=True)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    scheme = "http" if tls is None else "https"
    found.address = f"{scheme}://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield found
    finally:
        await runner.cleanup()
