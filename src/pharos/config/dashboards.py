"""The settings of dashboards."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from pharos.config.written import Section, TenantName


class DashboardFolder(Section):
    """A folder whose files are dashboards."""

    path: Path = Field(description="The folder; JSON and YAML files in it, and in folders within, are shown.")
    tenant: TenantName = Field(default="default", description="The tenant that sees them.")
    title: str = Field(default="", max_length=100, description="The folder in which they are listed.")


class DashboardSettings(Section):
    """Where dashboards come from, beside those that people save."""

    folders: tuple[DashboardFolder, ...] = Field(
        default=(),
        description="Folders whose files are dashboards, each with a `path`; they are read again when files"
        " change.",
    )
    shipped: bool = Field(default=True, description="Whether dashboards that come with Pharos are listed.")
    public_links: bool = Field(
        default=False,
        description="Whether links to dashboards may be made that need no sign-in.",
    )
