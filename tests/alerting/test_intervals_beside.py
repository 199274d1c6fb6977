"""Routes with times made up at random are silent when those of a running Alertmanager are."""

from __future__ import annotations

import json
import random
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml
from bench.hook import hooking
from bench.paging import Alertmanager
from bench.servers import free_port

from pharos.alerting.config import load_alerting
from pharos.alerting.intervals import silenced_by
from pharos.alerting.route import Route

ROUTES = 200
LAST = "last"
"""An alert whose group waits longer than all others: when it is told, they were."""
CHOICES: dict[str, list[list[Any]]] = {
    "weekdays": [["monday:friday"], ["Tuesday"], ["sunday", "tuesday:thursday"], ["saturday:saturday"], []],
    "days_of_month": [["1:5"], ["-31"], ["-30:-1"], ["29:31"], ["-1"], ["1:-1"], ["30:31", "1"], ["5:-20"]],
    "months": [["december"], ["1:11"], ["January:march", "10:12"], ["6"], ["November:december"]],
    "years": [["2000:2025"], ["2026"], ["2027:2099", "2026"], ["2100"]],
}
ZONES = [
    "UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Kiritimati",
    "Pacific/Pago_Pago", "America/St_Johns", "Africa/Casablanca", "Etc/GMT+12", "Asia/Kathmandu", "Local", "",
]  # fmt: skip


def clock_times(chance: random.Random) -> dict[str, str]:
    """Return a part of a day, in steps of a quarter of an hour."""
    first, last = sorted(chance.sample(range(97), 2))
    names = [f"{at // 4:02d}:{at % 4 * 15:02d}" for at in (first, last)]
    return {"start_time": names[0], "end_time": names[1]}


def interval(chance: random.Random) -> dict[str, Any]:
    """Return one element of `time_intervals`."""
    found: dict[str, Any] = {
        name: chance.choice(some) for name, some in CHOICES.items() if chance.random() < 0.35
    }
    if chance.random() < 0.5:
        found["times"] = [clock_times(chance) for _ in range(chance.randint(1, 2))]
    if chance.random() < 0.8:
        found["location"] = chance.choice(ZONES)
    return found


def configuration(chance: random.Random, url: str) -> str:
    """Return an alertmanager.yml with many routes, each silent at times of its own."""
    intervals, routes = [], [{"receiver": LAST, "matchers": [f'n="{LAST}"'], "group_wait": "5s"}]
    for number in range(ROUTES):
        times = [interval(chance) for _ in range(chance.randint(1, 2))]
        intervals.append({"name": f"i{number}", "time_intervals": times})
        names = [f"i{chance.randint(0, number)}" for _ in range(chance.randint(1, 2))]
        kinds = chance.choice([["mute"], ["active"], ["mute", "active"]])
        silent = {f"{kind}_time_intervals": names for kind in kinds}
        one: dict[str, Any] = {"receiver": str(number), "matchers": [f'n="{number}"'], "group_wait": "1s"}
        routes.append({**one, **silent})
    receivers = [
        {"name": name, "webhook_configs": [{"url": url}]} for name in (LAST, *map(str, range(ROUTES)))
    ]
    whole = {
        "route": {"receiver": LAST, "routes": routes},
        "receivers": receivers,
        "time_intervals": intervals,
    }
    return yaml.safe_dump(whole)


@pytest.mark.needs("amtool")
def test_routes_are_silent_when_those_of_alertmanager_are(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    with hooking() as hook:
        path.write_text(configuration(random.Random(7), hook.url))
        config = load_alerting(path)

        def speaks(route: Route, at_s: float) -> bool:
            at_ms = round(at_s * 1000)
            return silenced_by(config.intervals, route.active_intervals, route.mute_intervals, at_ms) is None

        server = Alertmanager(tmp_path, free_port())
        try:
            server.start()
            began_s = time.time()
            names = [LAST, *map(str, range(ROUTES))]
            body = json.dumps([{"labels": {"alertname": name, "n": name}} for name in names]).encode()
            headers = {"Content-Type": "application/json"}
            url = f"http://127.0.0.1:{server.port}/api/v2/alerts"
            with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60):
                pass
            assert hook.wait(lambda: bool(hook.told(LAST)))
        finally:
            server.stop()
        ended_s = time.time()
    compared = 0
    for route in config.route.routes[1:]:
        wanted = speaks(route, began_s)
        if wanted is speaks(route, ended_s):
            compared += 1
            assert bool(hook.told(route.receiver)) is wanted, route.receiver
    assert compared > ROUTES // 2
