"""Who asks, whose telemetry is asked about, and what may be done: permissions, roles, and `Scope`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from msgspec import Struct, field

from pharos.errors import Kind, PharosError

PERMISSIONS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "account.use": "See who one is, and one's own sessions; change one's own name and password.",
        "metrics.view": "Query metrics, and see what is scraped and which rules there are.",
        "metrics.write": "Send metrics.",
        "metrics.export": "Read whole series out of the store: remote read, federation and files.",
        "metrics.delete": "Delete series.",
        "logs.view": "Search logs.",
        "logs.write": "Send logs.",
        "logs.export": "Download logs.",
        "traces.view": "Search traces.",
        "traces.write": "Send traces.",
        "flows.write": "Send what runs of flows do.",
        "traces.export": "Download lists of traces.",
        "flows.create": "Define flows.",
        "flows.read": "See flows and their runs.",
        "flows.update": "Change flows.",
        "flows.delete": "Delete flows.",
        "flows.start": "Start a run.",
        "flows.pause": "Pause a run.",
        "flows.resume": "Resume a run.",
        "flows.retry": "Run a failed step again.",
        "flows.abort": "Abort a run.",
        "alerts.view": "See alerts.",
        "alerts.acknowledge": "Acknowledge alerts.",
        "alerts.escalate": "Escalate alerts.",
        "alerts.silence": "Make, change and end silences.",
        "alerts.write": "Send alerts.",
        "alerts.configure": "Change rules, routes and escalation.",
        "dashboards.view": "See dashboards.",
        "dashboards.edit": "Change dashboards.",
        "tenants.view": "See a tenant's name and usage.",
        "tenants.read_across": "Read a tenant together with others in one query.",
        "tenants.manage": "Create, rename, suspend and delete tenants.",
        "limits.view": "See a tenant's limits.",
        "limits.change": "Change a tenant's limits and retention.",
        "members.view": "See who has which role.",
        "members.manage": "Give and take roles.",
        "tokens.manage": "Create, rotate and revoke API tokens.",
        "roles.manage": "Define roles.",
        "users.manage": "Add and disable users, and reset their passwords.",
        "governance.propose": "Propose a change of a protected policy.",
        "governance.approve": "Approve or reject proposals.",
        "audit.view": "Read the audit log.",
        "audit.export": "Export the audit log.",
        "server.view": "See what Pharos measures of itself, in all tenants.",
        "server.operate": "See settings, reload, back up, and use the admin API.",
    }
)
"""Every permission, and what it allows. There is no other list."""

OF_THE_WHOLE: Final = frozenset(
    {"tenants.manage", "roles.manage", "users.manage", "server.view", "server.operate"}
)
"""What is no single tenant's to give: it counts only in a role that is held everywhere."""

OF_CONTENTS: Final = frozenset(
    name
    for name in PERMISSIONS
    if name.partition(".")[0] in {"metrics", "logs", "traces", "flows", "alerts", "dashboards"}
)
"""What is about what a tenant holds, and not about the tenant: nobody has it where one is suspended."""
READ_ACROSS: Final = "tenants.read_across"
"""The permission to read a tenant together with others."""
ANY_IDENTITY: Final = "account.use"
"""The permission of everybody who has an identity."""
_EVERYONE: Final = frozenset({ANY_IDENTITY})
ALL: Final = frozenset(PERMISSIONS)
_LOOKING: Final = frozenset(
    {
        "metrics.view",
        "logs.view",
        "traces.view",
        "flows.read",
        "alerts.view",
        "dashboards.view",
        "tenants.view",
        "limits.view",
    }
)
_FLOWS: Final = frozenset(name for name in PERMISSIONS if name.startswith("flows."))
_ALERTS: Final = frozenset(name for name in PERMISSIONS if name.startswith("alerts."))
_EDITING: Final = (
    _LOOKING
    | (_FLOWS - {"flows.delete"})
    | _ALERTS
    | {"metrics.write", "metrics.export", "logs.write", "logs.export"}
    | {"traces.write", "traces.export"}
    | {"dashboards.edit", "members.view", "governance.propose"}
)
_OWNING: Final = (
    _EDITING
    | _FLOWS
    | {
        "metrics.delete",
        "tenants.read_across",
        "members.manage",
        "tokens.manage",
        "audit.view",
        "audit.export",
    }
)


class Role(Struct, frozen=True):
    """A named set of permissions."""

    name: str
    permissions: frozenset[str]
    summary: str = ""


ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        role.name: role
        for role in (
            Role("viewer", _LOOKING, "Sees a tenant."),
            Role(
                "writer",
                frozenset({"metrics.write", "logs.write", "traces.write", "flows.write", "alerts.write"}),
                "Sends telemetry and sees nothing: for senders.",
            ),
            Role("editor", _EDITING, "Sees and changes a tenant's dashboards, alerts and flows."),
            Role("admin", _OWNING, "Does everything in a tenant, and says who else may."),
            Role("operator", ALL, "Runs the whole server."),
            Role("dao-admin", _OWNING | {"governance.approve"}, "Full control over a DAO subnet."),
            Role(
                "flow-operator",
                _FLOWS | (_LOOKING - {"tenants.view", "limits.view"}) | {"alerts.acknowledge"},
                "Manages flows within a DAO subnet.",
            ),
            Role(
                "monitor",
                frozenset({"metrics.view", "logs.view", "traces.view", "alerts.view", "dashboards.view"}),
                "Reads metrics, logs, traces and alerts.",
            ),
            Role(
                "governance",
                _LOOKING
                | {
                    "alerts.configure",
                    "alerts.escalate",
                    "alerts.silence",
                    "limits.change",
                    "members.view",
                    "governance.propose",
                    "governance.approve",
                    "audit.view",
                },
                "Changes policies and escalation procedures.",
            ),
        )
    }
)
"""The roles that are there from the start; others are defined by people."""

_ROLE_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,62}\Z")
TENANT_ALPHABET: Final = "up to 150 letters, digits and !_.*'()-"
TENANT_SEPARATOR: Final = "|"
"""Between the tenants of a scope that reads several; no tenant has it in its name."""
_TENANT: Final = re.compile(r"[a-zA-Z0-9!_.*'()-]{1,150}\Z")


def is_tenant(name: str) -> bool:
    """Return whether a tenant may be called so (Mimir, About tenant IDs)."""
    return _TENANT.match(name) is not None and name not in {".", ".."}


def check_tenant(name: str) -> str:
    """Return a tenant's name; raises PharosError(INVALID) for one outside of Mimir's alphabet."""
    if not is_tenant(name):
        raise PharosError(Kind.INVALID, f"{name[:160]!r} is no tenant", hint=TENANT_ALPHABET)
    return name


def check_role(role: Role) -> Role:
    """Return a role that somebody defines; raises PharosError(INVALID) for a bad name or permission."""
    if not _ROLE_NAME.match(role.name):
        raise PharosError(
            Kind.INVALID,
            f"{role.name[:80]!r} is no name of a role",
            hint="small letters, digits, - and _, beginning with a letter, up to 63",
        )
    if role.name in ROLES:
        raise PharosError(Kind.INVALID, f"the role {role.name} is built in", hint="choose another name")
    unknown = sorted(role.permissions - ALL)
    if unknown:
        raise PharosError(
            Kind.INVALID,
            f"there is no permission {unknown[0][:80]!r}",
            hint=f"one of {', '.join(PERMISSIONS)}",
        )
    return role


class IdentityKind(StrEnum):
    """How somebody is known."""

    LOCAL = "local"
    """Whoever reaches a server that has no users, and who may read its data folder; Pharos itself."""
    USER = "user"
    """A person who signed in here."""
    TOKEN = "token"  # noqa: S105 - a kind, no token
    """A program with one of our API tokens."""
    ISSUER = "issuer"
    """Somebody for whom an outside issuer vouches with a signed token."""
    ANONYMOUS = "anonymous"
    """Whoever has no credentials, where the settings give those a role."""
    NOBODY = "nobody"
    """Whoever has no credentials, or bad ones."""


class Identity(Struct, frozen=True):
    """Who asks; `id` is the same for ever, `name` is for people."""

    kind: IdentityKind
    id: str
    name: str
    owner: str = ""
    """Whose token it is, by name; empty for one of nobody."""

    @property
    def person(self) -> str:
        """Which person it is, or whose program, as schedules call them; empty where that is not known."""
        return self.name if self.kind in _PEOPLE else self.owner

    @property
    def is_known(self) -> bool:
        """Return whether credentials told who it is."""
        return self.kind in _KNOWN or self == OWNER


_PEOPLE: Final = frozenset({IdentityKind.USER, IdentityKind.ISSUER})
_KNOWN: Final = frozenset({IdentityKind.USER, IdentityKind.TOKEN, IdentityKind.ISSUER})
LOCAL: Final = Identity(IdentityKind.LOCAL, "local", "local")
OWNER: Final = Identity(IdentityKind.LOCAL, "owner", "owner of the data folder")
ANONYMOUS: Final = Identity(IdentityKind.ANONYMOUS, "anonymous", "anonymous")
NOBODY: Final = Identity(IdentityKind.NOBODY, "", "nobody")


@dataclass(frozen=True, slots=True)
class Scope:
    """What a request or a piece of work may see and change: one tenant's telemetry; of several it may see it.

    It is made once, where something comes in, and handed down: code below never reads a tenant by itself.
    Scopes that may see the same are equal, so that what is kept of one answer serves the other, whoever asks.
    """

    tenant: str
    """Or several in order, joined by `|`: whoever takes it for one finds nothing, since none is called so."""
    who: Identity = dataclasses.field(default=NOBODY, compare=False)
    permissions: frozenset[str] = dataclasses.field(default=frozenset(), compare=False)

    @property
    def is_several(self) -> bool:
        """Whether it reads several tenants at once."""
        return TENANT_SEPARATOR in self.tenant

    @property
    def tenants(self) -> tuple[str, ...]:
        """The tenants."""
        return tuple(self.tenant.split(TENANT_SEPARATOR))

    def each(self) -> Iterator[Scope]:
        """Yield the scope of each tenant alone."""
        for tenant in self.tenants:
            yield replace(self, tenant=tenant)

    def alone(self) -> Scope:
        """Return the scope itself if it is of one tenant. Raises PharosError(INVALID) for several."""
        if self.is_several:
            raise PharosError(
                Kind.INVALID,
                f"only one tenant can be named here, not {self.tenant!r}",
                hint="several tenants can be read at once, and only by queries; set X-Scope-OrgID to one",
            )
        return self

    @property
    def is_local(self) -> bool:
        """Whether it is of somebody whom nobody asks who they are, or of Pharos itself."""
        return self.who.kind is IdentityKind.LOCAL

    @property
    def token(self) -> str:
        """The id of the API token that asks; empty for anybody else."""
        return self.who.id if self.who.kind is IdentityKind.TOKEN else ""

    def check(self, permission: str) -> None:
        """Raise PharosError(DENIED) unless the permission is among the scope's."""
        if permission not in self.permissions:
            raise denied(self.who, self.tenant, permission)


def denied(who: Identity, tenant: str, permission: str) -> PharosError:
    """Return the error that somebody lacks a permission; it says which roles have it."""
    having = [role.name for role in ROLES.values() if permission in role.permissions]
    where = "everywhere" if permission in OF_THE_WHOLE else f"in the tenant {tenant}"
    return PharosError(
        Kind.DENIED,
        f"{who.name} lacks the permission {permission} {where}",
        hint=f"it belongs to the roles {', '.join(having)}",
    )


DEFAULT: Final = Scope("default", LOCAL, ALL)
"""Of whoever names no tenant, and of what Pharos does by itself."""


def upkeep(tenant: str) -> Scope:
    """Return the scope of what Pharos does to a tenant by itself: what it does not keep is deleted."""
    return Scope(tenant, LOCAL, ALL)


def listening(tenant: str) -> Scope:
    """Return the scope of what comes in by a listener, or from files, whose tenant the settings name."""
    return Scope(tenant, LOCAL, frozenset({"logs.write"}))


def sending(tenant: str) -> Scope:
    """Return the scope of what this process sends to a tenant as a sender would."""
    return Scope(tenant, LOCAL, frozenset({"metrics.write", "logs.write", "traces.write"}))


def reading(tenant: str, permissions: Iterable[str]) -> Scope:
    """Return the scope of who opens a public link: nobody who is known, with what its maker let them read."""
    return Scope(tenant, ANONYMOUS, frozenset(permissions))


class RoleSource(StrEnum):
    """Where somebody has a role from."""

    USER = "user"
    """Somebody here gave it to the person."""
    PROVIDER = "provider"
    """The rules of the identity provider at which the person signs in; it is given and taken by them."""
    ISSUER = "issuer"
    """The rules of the outside issuer of the token that was sent."""
    TOKEN = "token"  # noqa: S105 - a source, no token
    """The API token that was sent has it."""
    SETTINGS = "settings"
    """The settings give it to whoever has no credentials."""
    LOCAL = "local"
    """Nobody is asked who they are, or the key of the data folder was sent."""


class HeldRole(Struct, frozen=True):
    """A role that somebody has, in a tenant or (None) everywhere."""

    name: str
    tenant: str | None
    source: RoleSource
    detail: str = ""
    """Of rules: whose they are, and what they ask for."""


class Grant(Struct, frozen=True):
    """What an identity may do, and where: the permissions of its roles."""

    who: Identity
    everywhere: frozenset[str] = frozenset()
    by_tenant: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """Of each tenant with a role of its own, with those that are held everywhere."""
    roles: tuple[HeldRole, ...] = ()
    """Where they come from; a token may have less than they allow."""

    def permissions(self, tenant: str) -> frozenset[str]:
        """Return the permissions in a tenant; none at all where the identity has no role."""
        return self.by_tenant.get(tenant, self.everywhere)

    def tenant(self) -> str:
        """Return the tenant that is meant by who names none.

        Raises PharosError(DENIED) where that is not clear, or there is none.
        """
        if len(self.by_tenant) == 1 and not self.everywhere:
            return next(iter(self.by_tenant))
        if self.everywhere or DEFAULT.tenant in self.by_tenant:
            return DEFAULT.tenant
        if not self.by_tenant:
            raise PharosError(
                Kind.DENIED, f"{self.who.name} has no role in any tenant", hint="an admin of one may give one"
            )
        names = ", ".join(sorted(self.by_tenant)[:10])
        raise PharosError(
            Kind.DENIED,
            f"{self.who.name} has roles in several tenants, and the request names none",
            hint=f"the header X-Scope-OrgID chooses one of {names}",
        )

    def reaches(self, tenant: str) -> bool:
        """Return whether the identity has any role in a tenant."""
        return bool(self.everywhere) or tenant in self.by_tenant


def grant(who: Identity, held: Iterable[tuple[str | None, Role]], roles: tuple[HeldRole, ...] = ()) -> Grant:
    """Return what somebody may do who holds these roles, each in a tenant or (None) everywhere.

    `roles` says of them where they come from.
    """
    everywhere: frozenset[str] = frozenset()
    by_tenant: dict[str, frozenset[str]] = {}
    for tenant, role in held:
        if tenant is None:
            everywhere |= role.permissions | _EVERYONE
        else:
            own = (role.permissions - OF_THE_WHOLE) | _EVERYONE
            by_tenant[tenant] = by_tenant.get(tenant, frozenset()) | own
    return Grant(who, everywhere, {tenant: own | everywhere for tenant, own in by_tenant.items()}, roles)


_OPERATING: Final = (HeldRole("operator", None, RoleSource.LOCAL),)
OPEN: Final = Grant(LOCAL, ALL, roles=_OPERATING)
"""Of everybody who reaches a server that asks nobody who they are."""
OWNING: Final = Grant(OWNER, ALL, roles=_OPERATING)
"""Of who may read the data folder, and with it the key that lies there."""


def restrict(found: Grant, permissions: frozenset[str]) -> Grant:
    """Return what is left of a grant when only these permissions count."""
    kept = permissions | _EVERYONE
    by_tenant = {tenant: own & kept for tenant, own in found.by_tenant.items()}
    return Grant(found.who, found.everywhere & kept, by_tenant, found.roles)


def granted(tenant: str, grant: Grant) -> Scope:
    """Return the scope of an identity in a tenant, with what its roles let it do there by now."""
    return Scope(tenant, grant.who, grant.permissions(tenant))
