"""The settings of checks of health and of status pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from pharos.config.written import Section, TenantName, fault_text


def _domain(text: str) -> str:
    name = text.strip().lower().removesuffix(".")
    if not name or "." not in name or set(name) & set(":/@ *"):
        raise fault_text(f"{text[:80]!r} is no name of a host, such as status.example.com")
    return name


class HealthSettings(Section):
    """What checks of health may do, and where status pages are reached."""

    private_checks: bool = Field(
        default=False,
        description="Whether checks that people define over the API may go to private networks; those of"
        " `checks` files may. A cloud's metadata is never called.",
    )
    rules: bool = Field(
        default=True,
        description="Whether every tenant with checks has the rules that come with them: down, and a"
        " certificate that ends.",
    )
    domains: dict[Annotated[str, AfterValidator(_domain)], TenantName] = Field(
        default={},
        description="Names by which status pages are reached, each with its tenant, such as"
        " {status.example.com: team-a}; nothing else is answered there.",
    )
