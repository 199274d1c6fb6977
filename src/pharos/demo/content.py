"""What comes with the shop: a dashboard, alert rules, and a configuration of alerting that tells nobody."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from pharos.dashboards.document import Brought, parse_text, unwrap

NAMESPACE: Final = "demo"
GROUP: Final = "shop"
QUIET: Final = "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
"""An alertmanager.yml: what happens in a made-up shop wakes nobody."""
_ERRORS: Final = (
    'sum by (service) (rate(shop_requests_total{status="500"}[1m]))'
    " / sum by (service) (rate(shop_requests_total[1m]))"
)
RULES: Final[dict[str, Any]] = {
    "interval": "5s",
    "rules": [
        {
            "record": "service:shop_errors:ratio_rate1m",
            "expr": _ERRORS,
        },
        {
            "alert": "CheckoutErrors",
            "expr": 'service:shop_errors:ratio_rate1m{service="checkout"} > 0.05',
            "for": "10s",
            "labels": {"severity": "critical", "team": "shop"},
            "annotations": {
                "summary": "{{ $value | humanizePercentage }} of orders fail",
                "description": "Orders fail where payments has no connection to the bank left."
                " See what was released just before.",
            },
        },
        {
            "alert": "PaymentsPoolExhausted",
            "expr": "shop_pool_waiting > 10",
            "for": "15s",
            "labels": {"severity": "warning", "team": "payments"},
            "annotations": {"summary": "{{ $value }} payments wait for a connection to the bank"},
        },
    ],
}


def dashboard() -> Brought:
    """Return the shop's dashboard."""
    return unwrap(parse_text((Path(__file__).parent / "dashboard.json").read_text()))
