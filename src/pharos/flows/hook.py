"""How the engine of a workflow is reached: it is called at an address, or it asks a queue."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from yarl import URL

from pharos.errors import Kind, PharosError
from pharos.state.documents import Defined, find_document
from pharos.state.flow_controls import FlowAction, Way
from pharos.state.unit import Unit

EVERY_WORKFLOW: Final = "*"
"""What a hook is called that counts for all workflows without one of their own."""
HIDDEN: Final = "<secret>"
"""Stands for a secret that is kept: in what is shown, and in what is given by whoever leaves it as it is."""
_HIDDEN_PATH: Final = f"/{HIDDEN}"
_URL_MOST: Final = 2_000


def _url(value: str) -> str:
    if not value:
        return value
    try:
        found = URL(value)
    except ValueError as exc:
        raise ValueError("no address") from exc
    if found.scheme not in {"http", "https"} or not found.host:
        raise ValueError("an address such as https://engine.example.org/control")
    if found.user is not None or found.password is not None:
        raise ValueError("an address without a password in it: requests are signed by `secret`")
    return value


class Hook(BaseModel):
    """A control hook; what is not named here is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    url: Annotated[str, AfterValidator(_url), Field(max_length=_URL_MOST)] = ""
    """Where each control is posted to."""
    secret: Annotated[str, Field(max_length=1_000)] = ""
    """With this each request is signed."""
    queue: bool = False
    """Whether the engine asks for what is wanted of it."""
    actions: tuple[FlowAction, ...] = tuple(FlowAction)
    """What the engine can do."""
    timeout_s: int = Field(default=10, ge=1, le=60)
    """So long a call may take."""
    answer_within_s: int = Field(default=3_600, ge=10, le=7 * 86_400)
    """So long an answer counts."""
    description: str = Field(default="", max_length=2_000)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.url) == self.queue:
            raise ValueError("a hook is one of url and queue")
        if self.secret and not self.url:
            raise ValueError("a secret signs what is sent to a url")
        if self.url and len(self.secret) < 16:
            raise ValueError(
                "a url needs a secret of 16 characters or more, by which the engine knows who calls"
            )
        return self

    @property
    def way(self) -> Way:
        """Return how the engine hears of what is asked."""
        return Way.QUEUE if self.queue else Way.URL


def read_hook(document: Mapping[str, Any], kept: Mapping[str, Any] | None = None) -> Hook:
    """Return a hook read from JSON, in which `<secret>` stands for what is kept.

    Raises PharosError(INVALID) that names the first field at fault, and nothing of what was sent.
    """
    whole = dict(document)
    before = kept or {}
    if whole.get("secret") == HIDDEN:
        whole["secret"] = before.get("secret", "")
        if not whole["secret"]:
            raise PharosError(
                Kind.INVALID, f"secret: {HIDDEN} stands for one that is kept, and none is: write it"
            )
    if isinstance(whole.get("url"), str) and whole["url"].endswith(_HIDDEN_PATH):
        if whole["url"] != shown_hook(before).get("url"):
            raise PharosError(
                Kind.INVALID, f"url: {HIDDEN} stands for what is kept, and that is another address"
            )
        whole["url"] = before["url"]
    try:
        return Hook.model_validate(whole)
    except ValidationError as exc:
        first = exc.errors(include_input=False, include_url=False, include_context=False)[0]
        name = ".".join(map(str, first["loc"]))
        said = first["msg"].removeprefix("Value error, ")
        raise PharosError(Kind.INVALID, f"control hook: {f'{name}: ' if name else ''}{said}") from exc


def shown_hook(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what may be said of a hook: of its address where it leads, since the rest may be a password."""
    shown = dict(document)
    if shown.get("secret"):
        shown["secret"] = HIDDEN
    if shown.get("url"):
        shown["url"] = f"{URL(shown['url']).origin()}{_HIDDEN_PATH}"
    return shown


def find_hook(unit: Unit, tenant_id: str, workflow: str) -> Hook:
    """Return the hook of a workflow, or that of all. Raises PharosError(MISSING)."""
    for name in (workflow, EVERY_WORKFLOW):
        found = find_document(unit, tenant_id, Defined.FLOW_HOOK, name)
        if found is not None and found.document is not None:
            return read_hook(found.document)
    raise PharosError(
        Kind.MISSING,
        f"the workflow {workflow[:200]!r} has no control hook",
        hint="its engine registers one: PUT /api/v1/flows/hooks",
    )
