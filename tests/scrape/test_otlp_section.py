"""The section `otlp` of a prometheus.yml."""

from __future__ import annotations

from pathlib import Path

import pytest

from pharos.errors import PharosError
from pharos.ingest.otlp.promotion import Promotion
from pharos.ingest.scrape.config import load_scrape_config


@pytest.mark.parametrize(
    ("section", "found"),
    [
        ("{}", Promotion()),
        (
            "{promote_resource_attributes: [host.name, k8s.pod.name]}",
            Promotion(frozenset({"host.name", "k8s.pod.name"})),
        ),
        (
            "{promote_all_resource_attributes: true, ignore_resource_attributes: [a]}",
            Promotion(frozenset({"a"}), is_all_but=True),
        ),
        ("{translation_strategy: UnderscoreEscapingWithSuffixes}", Promotion()),
    ],
)
def test_it_says_what_is_promoted(section: str, found: Promotion) -> None:
    assert load_scrape_config(f"otlp: {section}\n", Path()).otlp == found


@pytest.mark.parametrize(
    ("section", "told"),
    [
        ("{promote_all_resource_attributes: true, promote_resource_attributes: [a]}", "simultaneously"),
        ("{ignore_resource_attributes: [a]}", "unless all others are promoted"),
        ("{promote_resource_attributes: [a, a]}", "duplicated resource attribute 'a'"),
        ("{promote_resource_attributes: ['']}", "empty resource attribute"),
        ("{unknown: 1}", "unknown"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(section: str, told: str) -> None:
    with pytest.raises(PharosError, match=told) as refused:
        load_scrape_config(f"# first\notlp: {section}\n", Path())
    assert "prometheus.yml:2" in str(refused.value)


def test_what_is_not_served_is_accepted_with_a_notice() -> None:
    text = "otlp:\n  translation_strategy: NoTranslation\n  keep_identifying_resource_attributes: true\n"
    notices = load_scrape_config(text, Path()).notices
    assert [(one.line, one.section) for one in notices] == [
        (2, "otlp.translation_strategy"),
        (3, "otlp.keep_identifying_resource_attributes"),
    ]
