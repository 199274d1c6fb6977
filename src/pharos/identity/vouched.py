"""People for whom an identity provider vouches: their users, with roles as the provider's rules say."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence

from pharos.errors import Kind, PharosError
from pharos.identity.claims import Claims, Rule, claim_values, roles_of
from pharos.identity.issuers import Issuer
from pharos.state import Author, State, Unit, Writing, accounts, roles, tenants
from pharos.state.accounts import NewUser, User
from pharos.state.tables import name_key

_LOG = logging.getLogger(__name__)


async def user_of_claims(state: State, issuer: Issuer, provider: str, claims: Claims) -> str:
    """Return the id of the user whom the claims of a provider are about; they are added when they first come.

    A user who is here already is never taken for theirs by a name or an address alone: whoever can choose
    those at the provider would become anybody here. What a rule of the provider may give, it also takes.

    Raises PharosError: DENIED for whom no rule gives a role, UNAVAILABLE.
    """
    options = issuer.options
    held = roles_of(claims, options.rules)
    subject = str(claims["sub"])
    name = next((text for one in options.name_claims for text in claim_values(claims, one)), subject)
    email = next(iter(claim_values(claims, "email")), "")

    def write(unit: Writing) -> str:
        user = _known(unit, options.issuer, subject)
        if user is None:
            if not held:
                raise PharosError(
                    Kind.DENIED,
                    f"{name} may sign in at {provider}, and has no role here",
                    hint="the rules of this provider in pharos.yml say who gets which role",
                )
            user = accounts.create_user(unit, NewUser(_free_name(unit, name, provider), name, email))
            accounts.link_identity(unit, user.id, options.issuer, subject)
        _keep_roles(unit, user, held, options.rules)
        return user.id

    return await state.write(write, Author(f"provider:{provider}", name[:100]))


def _known(unit: Unit, issuer: str, subject: str) -> User | None:
    try:
        return accounts.user_of_identity(unit, issuer, subject)
    except PharosError as exc:
        if exc.kind is not Kind.MISSING:
            raise
        return None


def _free_name(unit: Unit, name: str, provider: str) -> str:
    name = "".join(one for one in name if one.isprintable())[:80].strip() or "user"
    taken = {name_key(one.name) for one in accounts.list_users(unit, limit=100_000)}
    candidates = [name, f"{name}@{provider}", *(f"{name}@{provider}-{number}" for number in range(2, 1000))]
    return next(one for one in candidates if name_key(one) not in taken)


def _keep_roles(
    unit: Writing, user: User, held: Collection[tuple[str | None, str]], rules: Sequence[Rule]
) -> None:
    """Give what the rules say now, and take what a rule may have given before."""
    living = {one.id for one in tenants.list_tenants(unit) if one.deleting_ms is None}
    for tenant, role in held:
        if tenant is None or tenant in living:
            roles.grant(unit, user.id, tenant, role)
        else:
            _LOG.warning(
                "%s would have the role %s in %s, and there is no such tenant", user.name, role, tenant
            )
    for one in roles.memberships_of(unit, user.id):
        is_ruled = any(rule.gives(one.tenant_id, one.role) for rule in rules)
        if is_ruled and (one.tenant_id, one.role) not in held:
            roles.withdraw(unit, user.id, one.tenant_id, one.role)
