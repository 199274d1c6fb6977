"""What an outside issuer says of somebody, made into roles: by rules of the settings, and by nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from msgspec import Struct, field

from pharos.access import check_tenant
from pharos.errors import PharosError

Claims = Mapping[str, Any]

_VALUES_MAX: Final = 1000
"""Of one claim: more groups than that are no groups of people."""


class Rule(Struct, frozen=True):
    """Who has all of `when` gets the role: in one tenant, in those that a claim names, or everywhere."""

    role: str
    when: Mapping[str, str] = field(default_factory=dict)
    """By claim, whose parts stand between dots: the value that it has, or has among others; `*` is any."""
    tenant: str | None = None
    tenant_claim: str = ""
    """The claim that names the tenant, or a list of them."""

    @property
    def reason(self) -> str:
        """Return what the rule asks for, in words."""
        return " and ".join(f"{name}={wanted}" for name, wanted in self.when.items()) or "everybody"

    def gives(self, tenant: str | None, role: str) -> bool:
        """Return whether the rule may give the role in the tenant, or everywhere (None)."""
        return role == self.role and (tenant is not None if self.tenant_claim else tenant == self.tenant)


def claim_values(claims: Claims, name: str) -> tuple[str, ...]:
    """Return the texts of a claim: one, several of a list, or none.

    A name with dots is first looked for as it is, as in `https://example.com/roles`, then part by part.
    """
    found: Any = claims.get(name)
    if found is None:
        found = claims
        for part in name.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    if isinstance(found, str):
        return (found,)
    if isinstance(found, list):
        return tuple(one for one in found[:_VALUES_MAX] if isinstance(one, str))
    return ()


def roles_of(claims: Claims, rules: Iterable[Rule]) -> Mapping[tuple[str | None, str], Rule]:
    """Return the rule that gives each role, by (tenant, role), the tenant being None for everywhere."""
    found: dict[tuple[str | None, str], Rule] = {}
    for rule in rules:
        for pair in _given(claims, rule):
            found.setdefault(pair, rule)
    return found


def _given(claims: Claims, rule: Rule) -> Iterator[tuple[str | None, str]]:
    for name, wanted in rule.when.items():
        values = claim_values(claims, name)
        if wanted not in values and not (wanted == "*" and values):
            return
    if not rule.tenant_claim:
        yield rule.tenant, rule.role
        return
    for tenant in claim_values(claims, rule.tenant_claim):
        try:
            yield check_tenant(tenant), rule.role
        except PharosError:
            # What is no tenant's name gives no role anywhere.
            continue
