"""Scraping a Kubernetes cluster by the whole server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from tests.peers import CONFORMANCE
from tests.process import Server
from tests.scrape.fake_cluster import FakeCluster, Json, fake_cluster

from pharos.ingest.scrape.config import load_scrape_config

OWN_FILE = CONFORMANCE.parent / "requirements/files/dwcp-production/prometheus.yml"


async def ask(session: aiohttp.ClientSession, url: str) -> Any:
    async with session.get(url) as response:
        response.raise_for_status()
        return json.loads(await response.read())["data"]


@asynccontextmanager
async def opened(folder: Path, configuration: str) -> AsyncIterator[tuple[aiohttp.ClientSession, str]]:
    """Run a whole server with a prometheus.yml; yield its address, and who asks it."""
    (folder / "prometheus.yml").write_text(configuration)
    file = str(folder / "prometheus.yml")
    server = await asyncio.to_thread(Server, folder / "data", "--prometheus", file)
    try:
        async with aiohttp.ClientSession() as session:
            yield session, server.url
    finally:
        await asyncio.to_thread(server.stop)


async def until(session: aiohttp.ClientSession, url: str, is_so: Callable[[Any], bool]) -> Any:
    """Ask until the answer is the wanted one, and return it."""
    found: Any = None
    try:
        async with asyncio.timeout(60):
            while True:
                found = await ask(session, url)
                if is_so(found):
                    return found
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"{url} answers {json.dumps(found, indent=1)}") from None


@asynccontextmanager
async def page() -> AsyncIterator[int]:
    """Serve a page of metrics on a port of this host, whoever it is asked for."""

    async def answer(request: web.Request) -> web.Response:
        return web.Response(text=f'asked{{path="{request.path}"}} 1\n')

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app, shutdown_timeout=0)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield int(runner.addresses[0][1])
    await runner.cleanup()


def _pod(name: str, port: int, ip: str = "127.0.0.1", **annotations: str) -> Json:
    meta = {"namespace": "shop", "name": name, "labels": {"app": name.partition("-")[0]}}
    noted = {f"prometheus.io/{key}": value for key, value in annotations.items()}
    return {
        "metadata": {**meta, "annotations": noted},
        "spec": {"nodeName": "node-1", "containers": [{"name": "c", "ports": [{"containerPort": port}]}]},
        "status": {"podIP": ip, "phase": "Running"},
    }


def _node(port: int) -> Json:
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
    }
    return {"metadata": {"name": "node-1", "labels": {"zone": "a"}}, "status": status}


def _endpoints(port: int, *pods: str) -> Json:
    addresses = [
        {"ip": "127.0.0.1", "targetRef": {"kind": "Pod", "namespace": "shop", "name": name}} for name in pods
    ]
    subset = {"addresses": addresses, "ports": [{"name": "http", "port": port}]}
    return {"metadata": {"namespace": "shop", "name": "cart"}, "subsets": [subset]}


# As people have it: the example of Prometheus' own documentation.
USUAL = """\
global: {scrape_interval: 1s}
scrape_configs:
- job_name: kubernetes-pods
  kubernetes_sd_configs: [{role: pod, api_server: 'API'}]
  relabel_configs:
  - {source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_scrape], action: keep, regex: true}
  - source_labels: [__meta_kubernetes_pod_annotation_prometheus_io_path]
    action: replace
    target_label: __metrics_path__
    regex: (.+)
  - source_labels: [__address__, __meta_kubernetes_pod_annotation_prometheus_io_port]
    action: replace
    regex: ([^:]+)(?::\\d+)?;(\\d+)
    replacement: $1:$2
    target_label: __address__
  - {action: labelmap, regex: __meta_kubernetes_pod_label_(.+)}
  - {source_labels: [__meta_kubernetes_namespace], action: replace, target_label: namespace}
  - {source_labels: [__meta_kubernetes_pod_name], action: replace, target_label: pod}
- job_name: kubernetes-service-endpoints
  kubernetes_sd_configs: [{role: endpoints, api_server: 'API'}]
  relabel_configs:
  - {source_labels: [__meta_kubernetes_service_annotation_prometheus_io_scrape], action: keep, regex: true}
  - {source_labels: [__meta_kubernetes_service_name], action: replace, target_label: service}
  - {source_labels: [__meta_kubernetes_pod_name], action: replace, target_label: pod}
- job_name: kubernetes-nodes
  kubernetes_sd_configs: [{role: node, api_server: 'API'}]
  relabel_configs:
  - {action: labelmap, regex: __meta_kubernetes_node_label_(.+)}
"""


JOBS_OF_PODS = ("kubernetes-pods", "kubernetes-service-endpoints")


def _labels_by_pod(targets: Any, job: str) -> dict[str, dict[str, str]]:
    found = [one["labels"] for one in targets["activeTargets"] if one["scrapePool"] == job]
    return {labels.get("pod", labels["instance"]): labels for labels in found}


def _pods(targets: Any, job: str) -> set[str]:
    return {*_labels_by_pod(targets, job)}


def _fill(api: FakeCluster, port: int) -> None:
    """Make a node, a service with a pod behind it, and a pod that is not to be scraped."""
    api.put("pods", _pod("cart-1", port, scrape="true", path="/own"))
    api.put("pods", _pod("silent-1", port))
    api.put("nodes", _node(port))
    service = {"namespace": "shop", "name": "cart", "annotations": {"prometheus.io/scrape": "true"}}
    api.put("services", {"metadata": service, "spec": {"ports": [{"port": 80}]}})
    api.put("endpoints", _endpoints(port, "cart-1"))


async def test_a_cluster_is_scraped_by_the_rules_that_people_have(tmp_path: Path) -> None:
    async with fake_cluster() as api, page() as port:
        _fill(api, port)
        async with opened(tmp_path, USUAL.replace("API", api.address)) as (session, url):
            targets = f"{url}/api/v1/targets"
            found = await until(
                session,
                targets,
                lambda found: (
                    [one["health"] for one in found["activeTargets"] if "kube" in one["scrapePool"]]
                    == ["up"] * 3
                ),
            )
            assert _labels_by_pod(found, "kubernetes-pods") == {
                "cart-1": {
                    "job": "kubernetes-pods",
                    "instance": f"127.0.0.1:{port}",
                    "app": "cart",
                    "namespace": "shop",
                    "pod": "cart-1",
                }
            }
            (behind,) = _labels_by_pod(found, "kubernetes-service-endpoints").values()
            assert (behind["service"], behind["pod"]) == ("cart", "cart-1")
            (node,) = _labels_by_pod(found, "kubernetes-nodes").values()
            assert (node["instance"], node["zone"]) == ("node-1", "a")
            (shown,) = (one for one in found["activeTargets"] if one["scrapePool"] == "kubernetes-pods")
            assert shown["scrapeUrl"] == f"http://127.0.0.1:{port}/own"
            discovered = shown["discoveredLabels"]
            assert discovered["__meta_kubernetes_pod_annotation_prometheus_io_path"] == "/own"
            assert discovered["__meta_kubernetes_pod_phase"] == "Running"
            (dropped,) = found["droppedTargets"]
            assert dropped["discoveredLabels"]["__meta_kubernetes_pod_name"] == "silent-1"
            series = 'asked{namespace="shop",pod="cart-1",path="/own"}'
            await until(session, f"{url}/api/v1/query?query={series}", lambda found: found["result"] != [])


async def test_targets_come_and_go_with_the_objects_of_a_cluster(tmp_path: Path) -> None:
    async with fake_cluster() as api, page() as port:
        _fill(api, port)
        async with opened(tmp_path, USUAL.replace("API", api.address)) as (session, url):
            targets = f"{url}/api/v1/targets"
            await until(session, targets, lambda found: _pods(found, "kubernetes-pods") == {"cart-1"})
            # Another pod comes, one goes, and of one that stays it is seen what became of it.
            api.put("pods", _pod("cart-2", port, scrape="true"))
            ready = _pod("cart-1", port, scrape="true", path="/own")
            ready["status"]["conditions"] = [{"type": "Ready", "status": "True"}]
            api.put("pods", ready)
            api.put("endpoints", _endpoints(port, "cart-1", "cart-2"))
            found = await until(
                session,
                targets,
                lambda found: all(_pods(found, job) == {"cart-1", "cart-2"} for job in JOBS_OF_PODS),
            )
            states = {
                one["labels"]["pod"]: one["discoveredLabels"]["__meta_kubernetes_pod_ready"]
                for one in found["activeTargets"]
                if one["scrapePool"] == "kubernetes-pods"
            }
            assert states == {"cart-1": "true", "cart-2": "unknown"}
            api.delete("pods", "cart-1", "shop")
            api.put("endpoints", _endpoints(port, "cart-2"))
            await until(
                session,
                targets,
                lambda found: all(_pods(found, job) == {"cart-2"} for job in JOBS_OF_PODS),
            )

            # Whoever may not ask any more is told so, and loses nothing.
            api.forbidden = {"pods"}
            found = await until(session, targets, lambda found: len(found["discoveryErrors"]) == 2)
            assert [one["scrapePool"] for one in found["discoveryErrors"]] == [*JOBS_OF_PODS]
            assert "/api/v1/pods answered 403: pods is forbidden" in found["discoveryErrors"][0]["error"]
            assert _pods(found, "kubernetes-pods") == {"cart-2"}
            api.forbidden = set()
            await until(session, targets, lambda found: found["discoveryErrors"] == [])


@pytest.mark.needs("conformance")
async def test_the_file_of_the_requirements_finds_its_targets(tmp_path: Path) -> None:
    """Seven jobs of a cluster, as they stand but for the address of the API, which pods have no need of."""
    text = OWN_FILE.read_text()
    jobs = load_scrape_config(OWN_FILE).jobs
    apps = [job.job_name for job in jobs if job.job_name != "kubernetes-nodes"]
    async with fake_cluster() as api, page() as port:
        for number, app in enumerate(apps, 1):
            # Targets of one job each, of which none is another's.
            one = _pod(f"{app}-0", port, f"127.0.0.{number}")
            one["metadata"]["labels"] = {"app": app}
            api.put("pods", one)
        api.put("pods", _pod("other-0", port, "127.0.0.9"))
        api.put("nodes", _node(port))
        written = text.replace("- role: ", f"- api_server: '{api.address}'\n        role: ")
        assert written.count(api.address) == len(jobs) == 7
        async with opened(tmp_path, written) as (session, url):
            found = await until(
                session,
                f"{url}/api/v1/targets",
                lambda found: len({one["scrapePool"] for one in found["activeTargets"]} & {*apps}) == 6,
            )
            urls = {
                one["scrapePool"]: one["scrapeUrl"]
                for one in found["activeTargets"]
                if not one["scrapePool"].startswith("pharos")
            }
            assert urls == {
                **{app: f"http://127.0.0.{number}:{port}/metrics" for number, app in enumerate(apps, 1)},
                "kubernetes-nodes": f"https://127.0.0.1:{port}/metrics",
            }
            (manager,) = _labels_by_pod(found, "dwcp-manager").values()
            assert manager == {"job": "dwcp-manager", "instance": "dwcp-manager-0"}
            assert found["discoveryErrors"] == []
        # Six jobs that ask for the same are one to the cluster.
        assert (api.lists("pods"), api.lists("nodes")) == (1, 1)
