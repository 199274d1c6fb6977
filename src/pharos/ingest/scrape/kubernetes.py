"""What a Kubernetes cluster has, kept in step with its API: lists first, then what changed since.

Changes are asked for with `watch`, a few seconds at a time, so that a request is one like any other: it ends,
has a bound, what it brought is taken over whole, and a connection that died is noticed. Targets follow as
fast as in Prometheus, whose discovery hands on what it found every five seconds.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final

import orjson
from msgspec.structs import replace
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.ingest.scrape.cluster import Cluster, Grouping, Key, Object, each, key_of, trimmed, within
from pharos.ingest.scrape.job import KubernetesDiscovery, TargetGroup
from pharos.outbound import Outbound, Reply, Request, shown_url
from pharos.telemetry import SCRAPE_DISCOVERY_FAILED

_LOG = logging.getLogger(__name__)

_WATCHED_S: Final = 5
"""So long a request for changes stays open."""
_WATCHED_LEAST_S: Final = 0.5
"""Changes are asked for no oftener, of an API that answers at once too."""
_TIMEOUT_S: Final = 30.0
_LISTED_AT_ONCE: Final = 500
_BODY_MAX_BYTES: Final = 256 << 20
_SAID_MAX_CHARS: Final = 300
_FIRST_WAIT_S, _MOST_WAIT_S = 1.0, 30.0
_GONE: Final = 410
_ALL: Final = ""
_KINDS: Final = {
    "pod": ("api/v1", "pods"),
    "service": ("api/v1", "services"),
    "endpoints": ("api/v1", "endpoints"),
    "node": ("api/v1", "nodes"),
    "namespace": ("api/v1", "namespaces"),
    "endpointslice": ("apis/discovery.k8s.io/v1", "endpointslices"),
    "ingress": ("apis/networking.k8s.io/v1", "ingresses"),
}
_OF_WHOLE_CLUSTER: Final = frozenset({"node", "namespace"})
_BEHIND: Final = ("service", "pod")
_NEEDED: Final = {"endpoints": ("endpoints", *_BEHIND), "endpointslice": ("endpointslice", *_BEHIND)}


class _Followed:
    """The objects of one kind in one namespace, or in all."""

    def __init__(self, asked: KubernetesDiscovery, kind: str, namespace: str, outbound: Outbound) -> None:
        prefix, self.plural = _KINDS[kind]
        parts = [prefix, *(("namespaces", namespace) if namespace else ()), self.plural]
        self.kind = kind
        self.objects: dict[Key, Object] = {}
        self.is_known = False
        """Whether they were listed once: what was known stays while the API is away."""
        self.error = ""
        """Why they cannot be followed just now."""
        self._url = URL(asked.server.rstrip("/") + "/" + "/".join(parts))
        self._selected = {
            name: ",".join(filter(None, (getattr(own, field) for own in asked.selectors if own.role == kind)))
            for name, field in (("labelSelector", "label"), ("fieldSelector", "field"))
        }
        self._http = asked.http
        self._outbound = outbound
        self._version = ""
        self._is_listed = False

    async def follow(self, changed: Callable[[], None]) -> None:
        """Keep the objects in step, and tell of each change, until the task is cancelled."""
        wait_s = 0.0
        while True:
            try:
                if not self._is_listed:
                    await self._list()
                    changed()
                if await self._watch():
                    changed()
            except PharosError as exc:
                self._fail(exc)
            if self._is_listed:
                wait_s, self.error = 0.0, ""
            else:
                wait_s = min(max(2 * wait_s, _FIRST_WAIT_S), _MOST_WAIT_S)
                await asyncio.sleep(wait_s)

    def _fail(self, exc: PharosError) -> None:
        SCRAPE_DISCOVERY_FAILED.inc()
        self._is_listed = False
        if self.error != str(exc):
            self.error = str(exc)
            _LOG.warning("discovery of a cluster's %s, the last good ones stay: %s", self.plural, exc)

    async def _list(self) -> None:
        found: dict[Key, Object] = {}
        after = ""
        while True:
            reply = await self._ask(limit=str(_LISTED_AT_ONCE), **{"continue": after})
            self._check(reply)
            said = await asyncio.to_thread(_listed, reply.body)
            if said is None:
                raise PharosError(Kind.INVALID, f"{shown_url(self._url)} answered with no list of objects")
            for one in each(said, "items"):
                found[key_of(one)] = trimmed(self.kind, one)
            meta = within(said, "metadata")
            after = str(meta.get("continue") or "")
            if not after:
                break
        self.objects, self._version = found, str(meta.get("resourceVersion") or "")
        self._is_listed = self.is_known = True

    async def _watch(self) -> bool:
        """Take over what changed; return whether anything did."""
        loop = asyncio.get_running_loop()
        begun_s = loop.time()
        reply = await self._ask(
            watch="1",
            allowWatchBookmarks="true",
            resourceVersion=self._version,
            timeoutSeconds=str(_WATCHED_S),
        )
        if reply.status == _GONE:
            # The version that is known is too old: everything is listed anew.
            self._is_listed = False
            return False
        self._check(reply)
        is_changed = False
        for event in await asyncio.to_thread(_events, reply.body):
            kind, one = event.get("type"), within(event, "object")
            if kind == "ERROR":
                self._is_listed = False
                if one.get("code") != _GONE:
                    raise PharosError(Kind.UNAVAILABLE, f"{shown_url(self._url)}: {_said(one)}".rstrip(": "))
                break
            self._version = str(within(one, "metadata").get("resourceVersion") or self._version)
            is_changed |= kind != "BOOKMARK" and self._take(kind, one)
        await asyncio.sleep(begun_s + _WATCHED_LEAST_S - loop.time())
        return is_changed

    def _take(self, kind: object, one: Object) -> bool:
        """Take an object over, or away; return whether it is another one than before."""
        key = key_of(one)
        before = self.objects.get(key)
        if kind == "DELETED":
            self.objects.pop(key, None)
            return before is not None
        self.objects[key] = trimmed(self.kind, one)
        return self.objects[key] != before

    async def _ask(self, **asked: str) -> Reply:
        query = {name: value for name, value in {**self._selected, **asked}.items() if value}
        request = Request(
            self._url.with_query(query),
            headers={"Accept": "application/json", "Accept-Encoding": "gzip"},
            timeout_s=_TIMEOUT_S,
            body_limit=_BODY_MAX_BYTES,
        )
        return await self._outbound.send(request, self._http)

    def _check(self, reply: Reply) -> None:
        if reply.status == 200:
            return
        said = _said(_listed(reply.body) or {})
        message = f"{shown_url(self._url)} answered {reply.status}{': ' if said else ''}{said}"
        if reply.status == 401:
            raise PharosError(Kind.DENIED, message, hint="its token or certificate is not taken")
        if reply.status == 403:
            raise PharosError(Kind.DENIED, message, hint=f"it needs list and watch of {self.plural}")
        raise PharosError(Kind.UNAVAILABLE, message)


def _listed(body: bytes) -> Object | None:
    """Return an object as JSON; None for what is none."""
    try:
        said = orjson.loads(body)
    except orjson.JSONDecodeError:
        return None
    return said if isinstance(said, dict) else None


def _said(status: Object) -> str:
    """Return what the API says of a failure, on one line."""
    return " ".join(str(status.get("message") or "").split())[:_SAID_MAX_CHARS]


def _events(body: bytes) -> list[dict[str, Any]]:
    """Return the events of a watch, one a line; what was cut off in the midst of a line comes again."""
    found = []
    for line in body.splitlines():
        event = _listed(line)
        if event is None:
            break
        found.append(dict(event))
    return found


class _View:
    """The targets of one role in one namespace, or in all, for all jobs that ask for them."""

    def __init__(self, asked: KubernetesDiscovery, outbound: Outbound) -> None:
        self.groups: tuple[TargetGroup, ...] | None = None
        """None until all that they are made of is known: what is half known would be other targets."""
        self.listeners: set[asyncio.Event] = set()
        self._grouping = Grouping(asked.role, asked.attached)
        self._followed = [_Followed(asked, kind, namespace, outbound) for kind, namespace in _parts(asked)]
        self._changed = asyncio.Event()

    @property
    def errors(self) -> Iterator[str]:
        """Why some of it cannot be followed just now."""
        return (one.error for one in self._followed if one.error)

    async def follow(self) -> None:
        """Keep the groups in step until the task is cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for one in self._followed:
                tasks.create_task(one.follow(self._changed.set), name=f"discovery of {one.plural}")
            while True:
                await self._changed.wait()
                self._changed.clear()
                if not all(one.is_known for one in self._followed):
                    continue
                groups = await asyncio.to_thread(self._grouping.groups, self._cluster())
                # Those of what did not change are the same objects, which are soon compared.
                if groups != self.groups:
                    self.groups = groups
                    for listener in self.listeners:
                        listener.set()

    def _cluster(self) -> Cluster:
        """Return what is known by now; a copy, for it changes while it is looked through."""
        cluster = Cluster()
        for one in self._followed:
            setattr(cluster, one.plural, dict(one.objects))
        return cluster


def _parts(asked: KubernetesDiscovery) -> Iterator[tuple[str, str]]:
    """Yield (kind, namespace) of all that targets are made of."""
    (namespace,) = asked.namespaces
    kinds = list(_NEEDED.get(asked.role, (asked.role,)))
    kinds += ["node"] if asked.attached.nodes and "node" not in kinds else []
    kinds += ["namespace"] if asked.attached.namespaces else []
    for kind in kinds:
        yield kind, _ALL if kind in _OF_WHOLE_CLUSTER else namespace


class Clusters:
    """What is followed of clusters: the same once, however many jobs ask for it. Used on one event loop."""

    def __init__(self, outbound: Outbound) -> None:
        self._outbound = outbound
        self._views: dict[KubernetesDiscovery, tuple[_View, asyncio.Task[None]]] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def join(self, asked: KubernetesDiscovery, changed: asyncio.Event) -> _View:
        """Return the targets of one namespace, or of all; `changed` is set whenever they are others."""
        if asked not in self._views:
            view = _View(asked, self._outbound)
            self._views[asked] = (view, asyncio.create_task(view.follow(), name=f"discovery of {asked.role}"))
        view, _ = self._views[asked]
        view.listeners.add(changed)
        return view

    def leave(self, asked: KubernetesDiscovery, changed: asyncio.Event) -> None:
        """Follow them no more for whom `changed` is, and not at all for nobody."""
        view, task = self._views[asked]
        view.listeners.discard(changed)
        if not view.listeners:
            del self._views[asked]
            task.cancel()
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        """Wait for what was left to end; everybody has left before."""
        await asyncio.gather(*self._ending, return_exceptions=True)


class ClusterWatch:
    """The clusters of one job; used on one event loop."""

    def __init__(self, discoveries: Sequence[KubernetesDiscovery], clusters: Clusters) -> None:
        asked = [
            replace(one, namespaces=(namespace,))
            for one in discoveries
            for namespace in (() if one.role == "node" else one.namespaces) or (_ALL,)
        ]
        self._clusters = clusters
        self._shown: dict[KubernetesDiscovery, tuple[TargetGroup, ...]] = dict.fromkeys(asked, ())
        self._views: list[_View] = []

    @property
    def groups(self) -> tuple[TargetGroup, ...]:
        """The groups as of the last change that was taken over."""
        return tuple(group for groups in self._shown.values() for group in groups)

    @property
    def errors(self) -> tuple[str, ...]:
        """Why objects cannot be followed just now."""
        return tuple(error for view in self._views for error in view.errors)

    async def follow(self, take_over: Callable[[], Awaitable[None]]) -> None:
        """Keep the groups in step, and call `take_over` when they are others, until the task is cancelled."""
        changed = asyncio.Event()
        views = {one: self._clusters.join(one, changed) for one in self._shown}
        self._views = list(views.values())
        # What is followed for another job may be known already.
        changed.set()
        try:
            while True:
                await changed.wait()
                changed.clear()
                known = {one: view.groups for one, view in views.items() if view.groups is not None}
                others = {one: groups for one, groups in known.items() if groups is not self._shown[one]}
                self._shown |= others
                if others:
                    await take_over()
        finally:
            for one in views:
                self._clusters.leave(one, changed)
