"""The bodies and answers of Pharos' own addresses of dashboards."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from pharos.api.native.answers import Body, Shape

_UID = Field(default="", max_length=100)
_MESSAGE = Field(default="", max_length=2000)


class DashboardSummaryShape(Shape):
    """What lists show of a dashboard."""

    uid: str
    title: str
    description: str
    tags: list[str]
    folder: str
    folder_title: str
    source: Literal["stored", "file", "shipped"]
    file: str
    panels: int
    version: int
    created_at: str
    created_by: str
    updated_at: str
    updated_by: str
    deleted_at: str | None
    may_edit: bool
    url: str


class DashboardTagShape(Shape):
    """A tag, and how many dashboards have it."""

    tag: str
    count: int


class DashboardListShape(Shape):
    """A page of a list of dashboards."""

    total: int
    tags: list[DashboardTagShape]
    dashboards: list[DashboardSummaryShape]


class DashboardNoteShape(Shape):
    """A remark on a dashboard that was read."""

    level: Literal["lost", "changed", "note"]
    panel: int | None
    where: str
    message: str
    hint: str


class DashboardListsShape(Shape):
    """What a dashboard defines beside its panels, in the words of the classic schema."""

    variables: list[dict[str, Any]]
    annotations: list[dict[str, Any]]
    links: list[dict[str, Any]]


class DashboardModelShape(Shape):
    """What a dashboard shows."""

    format: Literal["classic", "v2"]
    model: dict[str, Any]
    definitions: DashboardListsShape
    report: list[DashboardNoteShape]


class DashboardDraftShape(DashboardModelShape):
    """A draft as it is after changes."""

    document: dict[str, Any]


class DashboardShape(DashboardSummaryShape):
    """A dashboard: as it is kept, and what it shows."""

    message: str
    format: Literal["classic", "v2"]
    document: dict[str, Any]
    model: dict[str, Any]
    definitions: DashboardListsShape
    report: list[DashboardNoteShape]


class DashboardGoneShape(Shape):
    """A dashboard that was taken away."""

    uid: str
    title: str
    version: int


class DashboardVersionShape(Shape):
    """A version of a dashboard."""

    version: int
    at: str
    by: str
    message: str
    restored_from: int | None
    is_deletion: bool


class DashboardChangeShape(Shape):
    """What differs at one place."""

    path: str
    kind: Literal["changed", "added", "removed"]
    before: Any
    after: Any


class DashboardDiffShape(Shape):
    """What differs between two versions."""

    from_: int = Field(alias="from")
    to: int
    changes: list[DashboardChangeShape]
    before: str
    after: str


class DashboardInputShape(Shape):
    """What is chosen at an import."""

    name: str
    type: str
    label: str
    description: str
    plugin: str
    value: str


class DashboardImportedShape(Shape):
    """What an import came to."""

    uid: str
    title: str
    version: int
    is_new: bool
    inputs: list[DashboardInputShape]
    panels: int
    report: list[DashboardNoteShape]
    format: Literal["classic", "v2"]
    schema_: str = Field(alias="schema")


class FolderShape(Shape):
    """A folder."""

    uid: str
    title: str
    parent: str
    source: Literal["stored", "file", "shipped"]
    dashboards: int
    may_edit: bool
    may_manage: bool
    restricted: bool


class FolderGoneShape(Shape):
    """How many dashboards went with a folder."""

    deleted: int


class CreateBody(Body):
    """A new dashboard: its JSON, or a title alone."""

    document: dict[str, Any] | None = None
    title: str = Field(default="", max_length=500)
    folder: str = _UID
    message: str = _MESSAGE
    uid: str = _UID


class SaveBody(Body):
    """The next version of a dashboard: as a whole, or what changes of it."""

    version: int = Field(ge=0)
    message: str = _MESSAGE
    document: dict[str, Any] | None = None
    changes: list[dict[str, Any]] | None = Field(default=None, max_length=1000)
    folder: str | None = Field(default=None, max_length=100)


class ImportBody(Body):
    """A dashboard that comes from elsewhere."""

    document: dict[str, Any] | None = None
    text: str = ""
    folder: str = _UID
    uid: str = _UID
    inputs: dict[str, str] = Field(default={}, max_length=200)
    overwrite: bool = False
    dry_run: bool = False
    message: str = _MESSAGE


class DocumentBody(Body):
    """A dashboard's JSON."""

    document: dict[str, Any]


class ChangesBody(Body):
    """A dashboard's JSON, and what is to be changed in it."""

    document: dict[str, Any]
    changes: list[dict[str, Any]] = Field(max_length=1000)


class MoveBody(Body):
    """Into which folder; empty for none."""

    folder: str = _UID


class CopyBody(Body):
    """What a copy is called, and where it lies."""

    title: str = Field(default="", max_length=500)
    folder: str = _UID
    uid: str = _UID


class RestoreBody(Body):
    """Which version is brought back."""

    version: int = Field(ge=1)
    message: str = _MESSAGE


class FolderBody(Body):
    """A folder."""

    title: str = Field(max_length=190)
    uid: str = _UID
    parent: str = _UID


class FolderEntryBody(Body):
    """Who may do what in a folder."""

    subject: str = Field(max_length=200, pattern=r"^(everyone|(role|user|token):.+)$")
    permission: Literal["view", "edit", "manage"]


class FolderEntriesBody(Body):
    """Who may do what in a folder, all of it."""

    entries: list[FolderEntryBody] = Field(max_length=100)


class FolderEntryShape(Shape):
    """Who may do what in a folder."""

    subject: str
    permission: Literal["view", "edit", "manage"]


class FolderEntriesShape(Shape):
    """Who may do what in a folder, all of it."""

    entries: list[FolderEntryShape]


class AskBody(Body):
    """What a reader asks of a dashboard."""

    uid: str = _UID
    version: int | None = None
    document: dict[str, Any] | None = None
    from_: int | str | None = Field(default=None, alias="from")
    to: int | str | None = None
    timezone: str = Field(default="", max_length=100)
    variables: dict[str, list[Any] | str] = Field(default={}, max_length=500)
    custom: list[str] = Field(default=[], max_length=500)
    include: list[str] | None = Field(default=None, max_length=10)
    panels: list[str] | None = Field(default=None, max_length=1000)
    collapsed: dict[str, bool] = Field(default={}, max_length=2000)
    tab: str = Field(default="", max_length=300)
    width_px: int | None = Field(default=None, ge=1)
    refresh_variables: bool = True

    def said(self) -> dict[str, Any]:
        """Return it as the fields of the contract."""
        return {**self.model_dump(exclude={"from_", "document", "uid", "version"}), "from": self.from_}


class VariablesBody(AskBody):
    """What a reader asks of a dashboard's variables."""

    names: list[str] | None = Field(default=None, max_length=200)
    search: str = Field(default="", max_length=200)
    adhoc: str = Field(default="", max_length=200)
    key: str = Field(default="", max_length=500)


class VariablesShape(Shape):
    """Variables as they are set, or what filters may ask of."""

    variables: list[dict[str, Any]]
    keys: list[str] | None
    values: list[str] | None
