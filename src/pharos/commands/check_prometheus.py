"""What `pharos check` says of a prometheus.yml."""

from __future__ import annotations

from pathlib import Path

from pharos.commands import check_rules as rules
from pharos.config import process_environment
from pharos.ingest.scrape.config import load_scrape_config


def notices_of(path: Path) -> list[str]:
    """Return what is worth knowing of a good file, and of its files of rules; raises PharosError for what is
    wrong with any.
    """
    config = load_scrape_config(path, environment=process_environment())
    return [*map(str, config.notices), *rules.notices_of_all(config.rule_files)]
