"""Targets of a Kubernetes cluster: what its objects stand for, and how changes of them are followed."""

from __future__ import annotations

import asyncio
import base64
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from msgspec.structs import replace
from tests.scrape.fake_cluster import Json, fake_cluster

from pharos.document import load_document
from pharos.errors import PharosError
from pharos.ingest.scrape.cluster import Cluster, Grouping, key_of, trimmed
from pharos.ingest.scrape.config import load_scrape_config
from pharos.ingest.scrape.job import Attached, JobConfig, KubernetesDiscovery
from pharos.ingest.scrape.kubernetes import Clusters, ClusterWatch
from pharos.ingest.scrape.kubernetes_section import read_kubernetes
from pharos.outbound import Outbound

CASES = yaml.safe_load((Path(__file__).parent / "cases" / "cluster.yaml").read_text())
KIND_OF = {
    "pods": "pod",
    "services": "service",
    "nodes": "node",
    "endpoints": "endpoints",
    "endpointslices": "endpointslice",
    "ingresses": "ingress",
    "namespaces": "namespace",
}


def _of_role(cluster: Cluster, role: str) -> list[tuple[str, dict[str, str]]]:
    attached = Attached(nodes=role.startswith("endpoint"), namespaces=role == "service")
    return [(group.targets[0], dict(group.labels)) for group in Grouping(role, attached).groups(cluster)]


@pytest.mark.parametrize("role", CASES["targets"])
def test_objects_stand_for_targets(role: str) -> None:
    whole, kept = Cluster(), Cluster()
    for kind, objects in CASES["objects"].items():
        getattr(whole, kind).update((key_of(one), one) for one in objects)
        getattr(kept, kind).update((key_of(one), trimmed(KIND_OF[kind], one)) for one in objects)
    found, wanted = _of_role(whole, role), CASES["targets"][role]
    assert _of_role(kept, role) == found
    assert [address for address, _ in found] == [one["address"] for one in wanted]
    for (_, labels), one in zip(found, wanted, strict=True):
        assert {name: labels.get(name) for name in one["labels"]} == one["labels"]
        assert not labels.keys() & set(one.get("without", ()))


def test_what_is_no_object_stands_for_nothing() -> None:
    odd: list[Any] = [
        {},
        {"spec": None, "status": []},
        {"spec": {"containers": ["x", None]}, "status": {"podIP": "1.2.3.4"}},
    ]
    for role in CASES["targets"]:
        for one in odd:
            cluster = Cluster()
            for kind in CASES["objects"]:
                getattr(cluster, kind)["", "odd"] = trimmed(KIND_OF[kind], one)
            assert Grouping(role, Attached(nodes=True, namespaces=True)).groups(cluster) == ()


def test_a_heartbeat_is_no_change() -> None:
    pod = CASES["objects"]["pods"][0]
    beat = {"conditions": [{**one, "lastProbeTime": "now"} for one in pod["status"]["conditions"]]}
    later = {**pod, "status": {**pod["status"], **beat}}
    later["metadata"] = {**pod["metadata"], "resourceVersion": "9", "managedFields": [{}]}
    assert trimmed("pod", later) == trimmed("pod", pod)


def test_targets_are_made_anew_where_something_that_they_are_made_of_changed() -> None:
    cluster = Cluster()
    for kind, objects in CASES["objects"].items():
        getattr(cluster, kind).update((key_of(one), one) for one in objects)
    cluster.endpoints["shop", "alone"] = {
        "metadata": {"namespace": "shop", "name": "alone"},
        "subsets": [{"addresses": [{"ip": "10.9.9.9"}], "ports": [{"port": 1}]}],
    }
    grouping = Grouping("endpoints", Attached(nodes=True, namespaces=True))
    before = grouping.groups(cluster)
    assert all(one is other for one, other in zip(before, grouping.groups(cluster), strict=True))
    changed = {
        ("services", ("shop", "cart")): "__meta_kubernetes_service_label_now",
        ("pods", ("shop", "cart-7d9-x2x")): "__meta_kubernetes_pod_label_now",
        ("nodes", ("", "node-1")): "__meta_kubernetes_node_label_now",
        ("namespaces", ("", "shop")): "__meta_kubernetes_namespace_label_now",
        ("endpoints", ("shop", "cart")): "__meta_kubernetes_endpoints_label_now",
    }
    for (kind, key), label in changed.items():
        objects = getattr(cluster, kind)
        meta = {**objects[key]["metadata"], "labels": {"now": "here"}}
        objects[key] = {**objects[key], "metadata": meta}
        found = grouping.groups(cluster)
        alone, cart = found[0], found[1]
        assert (alone is before[0]) == (kind != "namespaces")
        assert dict(cart.labels)[label] == "here"
        before = found
    # What was asked for and was not there may come, too.
    del cluster.services["shop", "cart"]
    assert "__meta_kubernetes_service_name" not in dict(grouping.groups(cluster)[1].labels)
    cluster.services["shop", "cart"] = CASES["objects"]["services"][0]
    assert "__meta_kubernetes_service_name" in dict(grouping.groups(cluster)[1].labels)


def pod(name: str, ip: str, namespace: str = "shop", **labels: str) -> Json:
    """Return a pod with one port."""
    return {
        "metadata": {"namespace": namespace, "name": name, "labels": labels},
        "spec": {"containers": [{"name": "c", "ports": [{"containerPort": 80}]}]},
        "status": {"podIP": ip, "phase": "Running"},
    }


def _job(text: str, environment: dict[str, str] | None = None, base: Path | None = None) -> JobConfig:
    (job,) = load_scrape_config(
        f"scrape_configs:\n- job_name: j\n  kubernetes_sd_configs:\n  - {text}\n",
        base,
        environment=environment or {},
    ).jobs
    return job


class Following:
    """A job's clusters while they are followed."""

    def __init__(self, watch: ClusterWatch) -> None:
        self.watch = watch
        self.changes = 0
        self._changed = asyncio.Event()

    async def take_over(self) -> None:
        self.changes += 1
        self._changed.set()

    def targets(self) -> set[str]:
        return {target for group in self.watch.groups for target in group.targets}

    async def until(self, wanted: set[str]) -> None:
        async with asyncio.timeout(60):
            while self.targets() != wanted:
                self._changed.clear()
                await self._changed.wait()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what no request tells."""
    async with asyncio.timeout(60):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.02)


@asynccontextmanager
async def following(*jobs: tuple[KubernetesDiscovery, ...]) -> AsyncIterator[list[Following]]:
    """Follow the clusters of some jobs."""
    outbound = Outbound(allow_private=True, user_agent="test", random_source=Random(1))
    clusters = Clusters(outbound)
    found = [Following(ClusterWatch(job, clusters)) for job in jobs]
    tasks = [asyncio.create_task(one.watch.follow(one.take_over)) for one in found]
    try:
        yield found
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await clusters.close()
        await outbound.close()


async def test_changes_are_followed_and_what_was_known_stays_while_the_cluster_is_away() -> None:
    async with fake_cluster() as api:
        for number in range(5):
            api.put("pods", pod(f"p{number}", f"10.0.0.{number}", app="x"))
        api.put("pods", pod("other", "10.0.1.1"))
        api.put("pods", pod("elsewhere", "10.0.1.2", "infra", app="x"))
        more = (
            "bearer_token: t, namespaces: {names: [shop]},"
            " selectors: [{role: pod, label: 'app=x', field: 'status.phase=Running'}]"
        )
        job = _job(f"{{role: pod, api_server: '{api.address}', {more}}}")
        every = {f"10.0.0.{number}:80" for number in range(5)}
        async with following(job.clusters) as (one,):
            await one.until(every)
            first = api.asked[0]
            assert (first.path, first.headers["Authorization"]) == (
                "/api/v1/namespaces/shop/pods",
                "Bearer t",
            )
            assert (first.query["labelSelector"], first.query["fieldSelector"]) == (
                "app=x",
                "status.phase=Running",
            )
            assert [one.query.get("continue") for one in api.asked[:3]] == [None, "2", "4"]
            api.delete("pods", "p0", "shop")
            api.put("pods", pod("p1", "10.0.0.99", app="x"))
            api.put("pods", pod("new", "10.0.0.7", app="x"))
            every = every - {"10.0.0.0:80", "10.0.0.1:80"} | {"10.0.0.99:80", "10.0.0.7:80"}
            await one.until(every)
            # The version that is known by then is too old: everything is listed anew.
            assert api.lists("pods") == 1
            api.forget_versions()
            await api.until(lambda: api.lists("pods") == 2)
            api.delete("pods", "p2", "shop")
            await one.until(every - {"10.0.0.2:80"})
            api.status = 503
            asked = len(api.asked)
            await api.until(lambda: len(api.asked) >= asked + 2)
            assert one.targets() == every - {"10.0.0.2:80"}
            assert [*one.watch.errors] == [
                f"{api.address}/api/v1/namespaces/shop/pods answered 503: the server is away"
            ]
            api.status = 0
            api.delete("pods", "p3", "shop")
            await one.until(every - {"10.0.0.2:80", "10.0.0.3:80"})
            changes = one.changes
            watched = len(api.asked)
            await api.until(lambda: len(api.asked) > watched + 1)
            assert one.watch.errors == ()
            assert one.changes == changes


async def test_what_several_jobs_ask_for_is_asked_once() -> None:
    async with fake_cluster() as api:
        api.put("pods", pod("a", "10.0.0.1"))
        api.put("pods", pod("b", "10.0.0.2", "infra"))
        role = f"{{role: pod, api_server: '{api.address}'}}"
        jobs = [_job(role).clusters, _job(role).clusters]
        jobs.append(_job(role.replace("pod", "pod, namespaces: {names: [infra]}")).clusters)
        async with following(*jobs) as (first, second, third):
            await first.until({"10.0.0.1:80", "10.0.0.2:80"})
            await second.until(first.targets())
            await third.until({"10.0.0.2:80"})
            assert api.lists("pods") == 2


async def test_targets_come_when_all_that_they_are_made_of_is_known() -> None:
    slice_ = {
        "metadata": {"namespace": "shop", "name": "s", "labels": {"kubernetes.io/service-name": "cart"}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"]}],
        "ports": [{"port": 80}],
    }
    service = {"metadata": {"namespace": "shop", "name": "cart", "annotations": {"x": "y"}}, "spec": {}}
    async with fake_cluster() as api:
        api.put("endpointslices", slice_)
        api.put("services", service)
        api.forbidden = {"services"}
        more = "attach_metadata: {namespace: true}"
        job = _job(f"{{role: endpointslice, api_server: '{api.address}', {more}}}")
        async with following(job.clusters) as (one,):
            await api.until(lambda: api.lists("services") > 1 and api.lists("namespaces") > 0)
            assert one.targets() == set()
            told = 'services is forbidden: User "test" cannot list resource "services"'
            hint = "it needs list and watch of services"
            assert [*one.watch.errors] == [f"{api.address}/api/v1/services answered 403: {told} ({hint})"]
            api.forbidden = set()
            await one.until({"10.0.0.1:80"})
            ((labels,),) = ([dict(group.labels)] for group in one.watch.groups)
            assert labels["__meta_kubernetes_service_annotation_x"] == "y"


async def test_a_namespace_that_may_not_be_seen_hides_none_of_the_others() -> None:
    async with fake_cluster() as api:
        api.put("pods", pod("a", "10.0.0.1"))
        names = "namespaces: {names: [shop]}"
        job = _job(f"{{role: pod, api_server: '{api.address}', {names}}}")
        away = _job(f"{{role: pod, api_server: 'http://127.0.0.1:1', {names}}}")
        async with following((*away.clusters, *job.clusters)) as (one,):
            await one.until({"10.0.0.1:80"})
            await until(lambda: bool(one.watch.errors))
            assert [*one.watch.errors] == [
                "cannot read http://127.0.0.1:1/api/v1/namespaces/shop/pods: connection refused"
            ]


# -- how the cluster is found, and who asks --

INSIDE = {"KUBERNETES_SERVICE_HOST": "127.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def _in_pod(text: str, account: Path, environment: dict[str, str]) -> KubernetesDiscovery:
    (value,) = load_document(f"- {text}\n".encode(), "prometheus.yml").items()
    found = read_kubernetes(value, Path(), environment, lambda *_: None, account)
    assert found is not None
    return found


def test_the_own_cluster_is_known_by_the_environment(tmp_path: Path) -> None:
    (found,) = _job(
        "{role: node}", {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    ).clusters
    assert found.server == "https://[fd00::1]:443"
    assert found.http.credentials.path.endswith("/serviceaccount/token")
    assert found.http.tls.ca_path.endswith("/serviceaccount/ca.crt")
    (tmp_path / "namespace").write_text("own\n")
    found = _in_pod("{role: pod, namespaces: {own_namespace: true, names: [a, own]}}", tmp_path, INSIDE)
    assert found.namespaces == ("a", "own")


@pytest.fixture
def served(tmp_path: Path) -> ssl.SSLContext:
    """What an API serves with whose authority is in a folder."""
    cert, key = tmp_path / "ca.crt", tmp_path / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    name = ["-subj", "/CN=kubernetes", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run(["openssl", "req", "-x509", *curve, *name, *files], check=True, capture_output=True)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return context


async def test_the_token_of_the_own_cluster_is_read_each_time(tmp_path: Path, served: ssl.SSLContext) -> None:
    async with fake_cluster(served) as api:
        api.token = "first"
        api.put("pods", pod("a", "10.0.0.1"))
        port = api.address.rpartition(":")[2]
        (tmp_path / "token").write_text("stale\n")
        asked = _in_pod("{role: pod}", tmp_path, {**INSIDE, "KUBERNETES_SERVICE_PORT": port})
        async with following((asked,)) as (one,):
            await api.until(lambda: api.lists("pods") > 1)
            assert "answered 401: Unauthorized (its token or certificate is not taken)" in " ".join(
                one.watch.errors
            )
            (tmp_path / "token").write_text("first\n")
            await one.until({"10.0.0.1:80"})
            api.token = "second"
            (tmp_path / "token").write_text("second\n")
            api.put("pods", pod("b", "10.0.0.2"))
            await one.until({"10.0.0.1:80", "10.0.0.2:80"})
        unknown = replace(asked, http=replace(asked.http, tls=replace(asked.http.tls, ca_path="")))
        asked_before = len(api.asked)
        async with following((unknown,)) as (one,):
            await until(lambda: bool(one.watch.errors))
            assert "its certificate is not trusted: self-signed certificate" in " ".join(one.watch.errors)
            assert len(api.asked) == asked_before


def test_outside_of_a_cluster_a_notice_says_what_to_write() -> None:
    config = load_scrape_config("scrape_configs:\n- job_name: j\n  kubernetes_sd_configs: [{role: pod}]\n")
    assert config.jobs[0].clusters == ()
    assert str(config.notices[0]).startswith("prometheus.yml:3: kubernetes_sd_configs: ")
    (notice,) = config.notices
    assert "write api_server or kubeconfig_file" in notice.text


def test_a_kubeconfig_names_the_cluster_and_who_asks(tmp_path: Path) -> None:
    pem = base64.b64encode(b"-----BEGIN CERTIFICATE-----").decode()
    file = {
        "current-context": "here",
        "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [
            {"name": "c", "cluster": {"server": "https://k:6443", "certificate-authority-data": pem}}
        ],
        "users": [{"name": "u", "user": {"tokenFile": "token"}}],
    }
    (tmp_path / "config").write_text(yaml.safe_dump(file))
    (found,) = _job(
        "{role: pod, kubeconfig_file: config, attach_metadata: {node: true}}", base=tmp_path
    ).clusters
    assert (found.server, found.http.tls.ca) == ("https://k:6443", "-----BEGIN CERTIFICATE-----")
    assert found.http.credentials.path == str(tmp_path / "token")
    assert found.attached == Attached(nodes=True)
    file["users"] = [{"name": "u", "user": {"exec": {"command": "aws"}}}]
    (tmp_path / "config").write_text(yaml.safe_dump(file))
    with pytest.raises(PharosError, match="users by exec are not supported"):
        _job("{role: pod, kubeconfig_file: config}", base=tmp_path)
