"""What `pharos check` says of a pharos.yml."""

from __future__ import annotations

from pathlib import Path

from pharos.commands import check_alertmanager as alertmanager
from pharos.commands import check_prometheus as prometheus
from pharos.commands import check_rules as rules
from pharos.config import check_prometheus, load_settings
from pharos.health.files import load_checks
from pharos.slo.files import load_objectives


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file, and of those that it names; raises PharosError for what is
    wrong with any.
    """
    settings = load_settings(path, {})
    check_prometheus(path, settings)
    notices = rules.notices_of_all(settings.rules)
    notices += load_objectives(settings.slos).notices
    load_checks(settings.checks)
    if settings.alertmanager is not None:
        notices += alertmanager.notices_of(settings.alertmanager)
    return notices + ([] if settings.prometheus is None else prometheus.notices_of(settings.prometheus))
