"""The conformance kit's templates: annotations as Prometheus has them, notifications as Alertmanager."""

from __future__ import annotations

import subprocess
import sys

import pytest
from tests.peers import CONFORMANCE, ROOT

RUNNER = CONFORMANCE / "alerting/templates/templates_conformance.py"


@pytest.mark.needs("conformance")
@pytest.mark.parametrize("kind", ["annotation/", "prometheus/", "notification/", "alertmanager/"])
def test_all_cases_of_the_kit_expand_as_they_should(kind: str) -> None:
    run = subprocess.run(
        [sys.executable, RUNNER, "--only", kind, "--pipe", f"{sys.executable} -m tests.gotemplate.expander"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
