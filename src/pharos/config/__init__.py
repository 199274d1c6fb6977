"""Settings: one document (pharos.yml), gathered into frozen records.

`written` is how values are written, `sections`, `doors` and `sampling` which settings there are, `loading`
how a document becomes them.
"""

from __future__ import annotations

from pharos.config.doors import FileSource, Forward, Syslog, Tls
from pharos.config.loading import check_prometheus, external_url, load_settings
from pharos.config.sampling import sampling_of
from pharos.config.sections import (
    STATE_FILE,
    ActionSettings,
    IssuerSettings,
    Limits,
    ProviderSettings,
    RoleRule,
    Settings,
    Tenant,
    limit_table,
    process_environment,
)
from pharos.config.written import is_loopback, split_address

__all__ = [
    "STATE_FILE",
    "ActionSettings",
    "FileSource",
    "Forward",
    "IssuerSettings",
    "Limits",
    "ProviderSettings",
    "RoleRule",
    "Settings",
    "Syslog",
    "Tenant",
    "Tls",
    "check_prometheus",
    "external_url",
    "is_loopback",
    "limit_table",
    "load_settings",
    "process_environment",
    "sampling_of",
    "split_address",
]
