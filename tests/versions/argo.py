"""A stand-in for the controller of Argo Rollouts: it does a Rollout's steps; what it knows is in the cluster.

It judges analyses as the controller does (measurements of the web provider, their conditions, the limits of a
metric, when a metric is over), where conditions and paths have the forms below. Run as
`python -m tests.versions.argo CLUSTER NAME`.
"""

from __future__ import annotations

import base64
import json
import re
import sys
import threading
import urllib.error
import urllib.request
from typing import Any

from tests.versions.cluster import CONTROLLER, ROLLOUTS, SECRETS, SERVICES, TEMPLATES

_RETRY_S = 0.5
"""So long after an error a measurement is made again; the controller's own 10 s would only take longer."""
_ERRORS_IN_A_ROW = 4
"""More than so many errors end a metric that does not say how many."""
_CONDITION = re.compile(r'result (==|!=) "([^"]*)"')
_PATH = re.compile(r"\{\$((?:\.\w+)+)\}")
_LABEL = re.compile(r"metadata\.labels\['([^']+)'\]")
_ARGUMENT = re.compile(r"\{\{\s*args\.([\w-]+)\s*\}\}")
_HOST = re.compile(r"https://([\w.-]+)")
_COUNTS = {"Successful": "successful", "Failed": "failed", "Inconclusive": "inconclusive"}
OVER = frozenset({"Healthy", "Degraded", "Paused", "InvalidSpec"})


class Api:
    """The cluster's API, as the controller uses it."""

    def __init__(self, url: str) -> None:
        self._url = url

    def ask(self, path: str, patch: Any = None) -> Any:
        """Return an object, patched if a patch is given."""
        headers = {"Authorization": f"Bearer {CONTROLLER}", "Content-Type": "application/merge-patch+json"}
        body, method = (None, "GET") if patch is None else (json.dumps(patch).encode(), "PATCH")
        request = urllib.request.Request(f"{self._url}{path}", body, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())


def effective_count(metric: dict[str, Any]) -> int | None:
    """Return after how many measurements a metric is over; None for one that goes on for ever."""
    if metric.get("count"):
        return int(metric["count"])
    return None if metric.get("interval") else 1


def evaluate(metric: dict[str, Any], result: str) -> str:
    """Return what a measurement comes to by the conditions of its metric."""
    success, failure = metric.get("successCondition"), metric.get("failureCondition")
    is_success = success is not None and _holds(success, result)
    is_failure = failure is not None and _holds(failure, result)
    if failure is None:
        is_failure = success is not None and not is_success
    if success is None:
        is_success = not is_failure
    if is_failure:
        return "Failed"
    return "Successful" if is_success else "Inconclusive"


def _holds(condition: str, result: str) -> bool:
    found = _CONDITION.fullmatch(condition)
    assert found is not None, condition
    return (result == found[2]) is (found[1] == "==")


def assess(metric: dict[str, Any], counts: dict[str, int]) -> str:
    """Return the phase of a metric by how many of its measurements came to what."""
    phase = ""
    if counts.get("failed", 0) > metric.get("failureLimit", 0):
        phase = "Failed"
    if counts.get("inconclusive", 0) > metric.get("inconclusiveLimit", 0):
        phase = "Inconclusive"
    if counts.get("consecutiveError", 0) > metric.get("consecutiveErrorLimit", _ERRORS_IN_A_ROW):
        phase = "Error"
    if phase:
        return phase
    most = effective_count(metric)
    return "Successful" if most is not None and counts.get("count", 0) >= most else "Running"


def counted(counts: dict[str, int], came_to: str) -> dict[str, int]:
    """Return counts with one more measurement: errors do not count as measurements."""
    if came_to == "Error":
        return {**counts, **{name: counts.get(name, 0) + 1 for name in ("error", "consecutiveError")}}
    more = {name: counts.get(name, 0) + 1 for name in (_COUNTS[came_to], "count")}
    return {**counts, **more, "consecutiveError": 0}


class Controller:
    """Brings one Rollout on, a step at a time."""

    def __init__(self, api: Api, name: str) -> None:
        self._api, self._path = api, f"{ROLLOUTS}{name}"

    def reconcile(self) -> str:
        """Do what is next, keep it in the Rollout's status, and return its phase."""
        rollout = self._api.ask(self._path)
        more = self._next(rollout, rollout.get("status", {}))
        if more:
            self._api.ask(f"{self._path}/status", {"status": more})
        return str(more.get("phase", "Progressing"))

    def _next(self, rollout: dict[str, Any], status: dict[str, Any]) -> dict[str, Any]:
        steps, place = rollout["spec"]["strategy"]["canary"]["steps"], status.get("currentStepIndex", 0)
        if status.get("abort"):
            return {"phase": "Degraded", "weight": 0}
        if place == len(steps):
            return {"phase": "Healthy", "weight": 100}
        if "setWeight" in steps[place]:
            return {"weight": steps[place]["setWeight"], "currentStepIndex": place + 1}
        return self._analysis(rollout, steps[place]["analysis"], status, place)

    def _analysis(
        self, rollout: dict[str, Any], asked: dict[str, Any], status: dict[str, Any], place: int
    ) -> dict[str, Any]:
        [of] = asked["templates"]
        template = self._api.ask(f"{TEMPLATES}{of['templateName']}")
        [metric] = template["spec"]["metrics"]
        if effective_count(metric) is None:
            return {"phase": "InvalidSpec", "message": f"metric {metric['name']} runs indefinitely"}
        arguments = self._arguments(template, asked, rollout)
        counts = counted(status.get("analysis") or {}, self._measure(metric, arguments))
        phase = assess(metric, counts)
        if phase == "Successful":
            return {"currentStepIndex": place + 1, "analysis": None}
        if phase in {"Failed", "Error"}:
            return {"analysis": counts, "abort": True, "message": f"metric {metric['name']}: {phase}"}
        return {"analysis": counts, **({"phase": "Paused"} if phase == "Inconclusive" else {})}

    def _arguments(
        self, template: dict[str, Any], asked: dict[str, Any], rollout: dict[str, Any]
    ) -> dict[str, str]:
        given = {one["name"]: one for one in asked["args"]}
        found = {}
        for one in template["spec"]["args"]:
            source = given.get(one["name"], one)
            if "value" in source:
                found[one["name"]] = source["value"]
            elif "fieldRef" in source["valueFrom"]:
                label = _LABEL.fullmatch(source["valueFrom"]["fieldRef"]["fieldPath"])
                assert label is not None, source
                found[one["name"]] = rollout["metadata"]["labels"][label[1]]
            else:
                key = source["valueFrom"]["secretKeyRef"]
                secret = self._api.ask(f"{SECRETS}{key['name']}")
                found[one["name"]] = base64.b64decode(secret["data"][key["key"]]).decode()
        return found

    def _measure(self, metric: dict[str, Any], arguments: dict[str, str]) -> str:
        web = json.loads(
            _ARGUMENT.sub(lambda name: arguments[name[1]], json.dumps(metric["provider"]["web"]))
        )
        headers = {one["key"]: one["value"] for one in web["headers"]}
        request = urllib.request.Request(
            _HOST.sub(self._address, web["url"]), web["body"].encode(), headers, method=web["method"]
        )
        try:
            with urllib.request.urlopen(request, timeout=web.get("timeoutSeconds", 10)) as answer:
                found = json.loads(answer.read())
        except OSError:
            # No answer, or one that is not 2xx.
            return "Error"
        path = _PATH.fullmatch(web["jsonPath"])
        assert path is not None, web["jsonPath"]
        for name in path[1].removeprefix(".").split("."):
            found = found[name]
        return evaluate(metric, found)

    def _address(self, host: re.Match[str]) -> str:
        """Return where a host of the cluster is by now, as its names say."""
        return str(self._api.ask(f"{SERVICES}{host[1]}")["spec"]["externalName"])


def main(cluster: str, name: str) -> None:
    """Bring a Rollout on until it is over."""
    controller = Controller(Api(cluster), name)
    between = threading.Event()
    while controller.reconcile() not in OVER:
        between.wait(_RETRY_S)


if __name__ == "__main__":
    main(*sys.argv[1:])
