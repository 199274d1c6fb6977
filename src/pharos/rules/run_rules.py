"""The rules that tell of runs that are late or stuck, and of workflows that are missing, failing or flapping.

They are switched on for workflows, or for all, by a line of the settings, or by people, who have the last
word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

from msgspec import Struct, field

from pharos.gotext.durations import format_duration
from pharos.gotext.quoting import quote
from pharos.rules.spec import RuleGroup, group_of

ALL: Final = "*"
"""Stands for all workflows."""
GROUP: Final = "runs"
_INTERVAL_MS: Final = 15_000
_OVERDUE: Final = "workflow_run_overdue_seconds"


class RunAlerts(Struct, frozen=True):
    """Of which workflows of a tenant somebody is told."""

    switches: Mapping[str, bool] = field(default_factory=dict)
    """By workflow, or `ALL` for those that are not named."""

    @classmethod
    def of(cls, named: Iterable[str], kept: Mapping[str, bool]) -> RunAlerts:
        """Return what the settings name, and people switch on or off."""
        return cls({**dict.fromkeys(named, True), **kept})

    def is_on(self, workflow: str) -> bool:
        """Return whether somebody is told of a workflow's runs."""
        return self.switches.get(workflow, self.switches.get(ALL, False))

    @property
    def matcher(self) -> str:
        """PromQL's matcher of the workflows; empty where there are none."""
        is_usual = self.switches.get(ALL, False)
        others = sorted(name for name, on in self.switches.items() if name != ALL and on is not is_usual)
        names = quote("|".join(map(re.escape, others)))
        if is_usual:
            return f"workflow!~{names}" if others else 'workflow!=""'
        return f"workflow=~{names}" if others else ""

    def rules(self, interval_ms: int = 0) -> RuleGroup | None:
        """Return the group of rules, None where nobody is told; without an interval it is every 15 s."""
        matcher = self.matcher
        return _group(matcher, interval_ms or _INTERVAL_MS) if matcher else None


def is_switched_on(document: Mapping[str, Any] | None) -> bool:
    """Return what a kept switch says."""
    return document is not None and document.get("enabled") is True


def _escaped(label: str) -> str:
    """Return the template of a label's value as a part of an address."""
    return f'{{{{ reReplaceAll "[+]" "%20" ($labels.{label} | urlquery) }}}}'


_RUN: Final = f"{{{{ externalURL }}}}/runs/{_escaped('run_id')}"
_WORKFLOW: Final = f"{{{{ externalURL }}}}/workflows/{_escaped('workflow')}"


def _alert(name: str, expression: str, severity: str, page: str, summary: str) -> dict[str, Any]:
    notes = {"summary": f"{{{{ $labels.workflow }}}}: {summary}", "run": page}
    return {"alert": name, "expr": expression, "labels": {"severity": severity}, "annotations": notes}


@lru_cache(256)
def _group(matcher: str, interval_ms: int) -> RuleGroup:
    late, stuck = (f'{_OVERDUE}{{state="{state}",{matcher}}} > 0' for state in ("late", "stuck"))
    since = "{{ humanizeDuration $value }}"
    rules = [
        _alert("RunLate", late, "warning", _RUN, f"the run {{{{ $labels.run_id }}}} is late by {since}"),
        _alert(
            "RunStuck", stuck, "critical", _RUN, f"the run {{{{ $labels.run_id }}}} is silent for {since}"
        ),
        *(
            _alert(name, f"workflow_run_{what}{{{matcher}}} > 0", severity, _WORKFLOW, said)
            for name, what, severity, said in (
                ("RunMissing", "missing", "critical", "a run should have begun and did not"),
                ("WorkflowFailing", "failing", "critical", "the last three runs failed"),
                ("WorkflowFlapping", "flapping", "warning", "runs fail and succeed in turns"),
            )
        ),
    ]
    return group_of({"name": GROUP, "interval": format_duration(interval_ms), "rules": rules}, GROUP)
