"""Files of specifications: which language each document is in, and the objectives of all that are read
together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from pharos.document import FaultsError, Fields, Sequence, Value, load_documents
from pharos.document import Mapping as MappingNode
from pharos.errors import Kind, PharosError
from pharos.named_file import read_named
from pharos.rules.spec import RuleGroup, group_of, plain_group
from pharos.slo import openslo, pyrra, sloth
from pharos.slo.coverage import coverage_groups
from pharos.slo.objective import DAY_MS, Language, Objective
from pharos.slo.openslo_objects import Objects
from pharos.slo.pyrra_rules import pyrra_groups
from pharos.slo.sloth_rules import Plan, sloth_groups
from pharos.slo.windows import BurnWindows, Design, windows_of

PERIOD_MS: Final = 30 * DAY_MS
_LISTS: Final = frozenset({"List", "ServiceLevelObjectiveList", "PrometheusServiceLevelList"})
_NONE: Final[Mapping[int, BurnWindows]] = MappingProxyType({})


class Specification(Struct, frozen=True):
    """What files say, in their order."""

    objectives: tuple[Objective, ...]
    notices: tuple[str, ...]
    """What is good and worth knowing, as `file:line: message`."""
    groups: tuple[tuple[RuleGroup, ...], ...] = ()
    """Of each objective: the groups of its rules, with the workbook's alerts."""


def load_specification(
    paths: Iterable[Path], period_ms: int = PERIOD_MS, own: Mapping[int, BurnWindows] = _NONE
) -> Specification:
    """Return the objectives of files; `period_ms` is for those of Sloth, which name no window.

    `own` are windows by period, as `groups_of` takes them.

    Raises FaultsError with everything that is wrong with any of them, and PharosError for a file that
    cannot be read.
    """
    return read_specification(((read_named(path), str(path)) for path in paths), period_ms, own)


def read_specification(
    texts: Iterable[tuple[str | bytes, str]],
    period_ms: int = PERIOD_MS,
    own: Mapping[int, BurnWindows] = _NONE,
) -> Specification:
    """Return the objectives of texts, each with the name that errors call it by. Raises as above."""
    roots: list[Value] = []
    faults: list[PharosError] = []
    for text, name in texts:
        try:
            found = load_documents(text, name)
        except PharosError as exc:
            faults.append(exc)
            continue
        roots += found
        if not any(map(_says_something, found)):
            faults.append(PharosError(Kind.INVALID, f"{name}: there is no specification in it"))
    objects = Objects()
    objectives = [one for root in roots for one in _objectives(root, objects, period_ms)]
    objectives += openslo.openslo_objectives(objects, period_ms)
    sources = list(dict.fromkeys(root.source for root in roots))
    faults += [fault for source in sources for fault in source.ordered()]
    faults += _twice(objectives)
    if faults:
        raise FaultsError(tuple(faults))
    notices = [notice for source in sources for notice in source.notices]
    groups = tuple(tuple(groups_of(one, own)) for one in objectives)
    return Specification(tuple(objectives), (*notices, *_unrunnable(objectives, groups)), groups)


def _says_something(root: Value) -> bool:
    return not isinstance(root.node, Sequence) or bool(root.items())


def _objectives(root: Value, objects: Objects, period_ms: int) -> Iterator[Objective]:
    """Yield the objectives of a document; objects of OpenSLO are kept until all are known."""
    if isinstance(root.node, Sequence):
        for one in root.items():
            yield from _objectives(one, objects, period_ms)
        return
    source = root.source
    nothing: list[Objective] = []
    yield from source.attempt(lambda: list(_of_object(root, objects, period_ms)), nothing)


def _of_object(root: Value, objects: Objects, period_ms: int) -> Iterator[Objective]:
    if not isinstance(root.node, MappingNode):
        raise root.fault(f"no specification of an objective: {_HINT}")
    fields = Fields(root, "a specification")
    version, api = fields.read("version", Value.text, ""), fields.read("apiVersion", Value.text, "")
    kind = fields.read("kind", Value.text, "")
    if kind in _LISTS:
        items = fields.take("items")
        for one in [] if items is None else items.items():
            yield from _objectives(one, objects, period_ms)
        return
    if (version == sloth.VERSION and not api) or (api, kind) == (sloth.API_VERSION, sloth.KIND):
        yield from sloth.read_sloth(root, period_ms)
    elif (api, kind) == (pyrra.API_VERSION, pyrra.KIND):
        yield from pyrra.read_pyrra(root)
    elif api.startswith("openslo"):
        openslo.take_object(root, objects)
    else:
        shown = f"version {version!r}" if version and not api else f"apiVersion {api!r}, kind {kind!r}"
        raise root.fault(f"{shown} is no specification of an objective: {_HINT}")


_HINT: Final = (
    f"expected version {sloth.VERSION} (Sloth), apiVersion {sloth.API_VERSION} with kind {sloth.KIND}, "
    f"{pyrra.API_VERSION} with kind {pyrra.KIND}, or one of {', '.join(openslo.VERSIONS)}"
)


def _twice(objectives: Iterable[Objective]) -> Iterator[PharosError]:
    seen: dict[tuple[bool, str], Objective] = {}
    for one in objectives:
        first = seen.setdefault((one.language is Language.PYRRA, one.id), one)
        if first is not one:
            message = f"the objective {one.id!r} is there twice, also at {first.file}:{first.line}"
            where = f"{one.file}:{one.line}: {message}"
            yield PharosError(Kind.INVALID, where, hint="give one of them another name")


def _unrunnable(objectives: Iterable[Objective], groups: Iterable[tuple[RuleGroup, ...]]) -> Iterator[str]:
    """Yield what Sloth and Pyrra make rules of, and Prometheus refuses then."""
    for one, made in zip(objectives, groups, strict=True):
        reason = why_not_run(one, made)
        if reason:
            yield f"{one.file}:{one.line}: {reason}"


def why_not_run(objective: Objective, groups: Iterable[RuleGroup]) -> str:
    """Return why an objective's rules, which are those in `groups`, could not be run, empty where they can.

    Each of its parts may be good, and what is made of them no PromQL: of a number there is no increase.
    """
    if not objective.is_checked:
        return ""
    try:
        for group in groups:
            group_of(plain_group(group), objective.file)
    except FaultsError as exc:
        reason = exc.faults[0].message.partition(": ")[2]
        return (
            f"the rules of {objective.id!r} could not be run: {reason}; "
            "queries must be of series, and names be letters, digits and dashes"
        )
    return ""


def groups_of(
    objective: Objective,
    own: Mapping[int, BurnWindows] = _NONE,
    design: Design = Design.WORKBOOK,
    *,
    is_drop_in: bool = False,
) -> list[RuleGroup]:
    """Return the groups of an objective's rules.

    `own` are windows by period, in place of the workbook's. With `is_drop_in` there is nothing but what
    Sloth or Pyrra make of the same specification.
    """
    if objective.language is Language.PYRRA:
        groups = list(pyrra_groups(objective))
    else:
        groups = list(sloth_groups(Plan(objective, windows_of(objective.period_ms, own), design)))
    return groups if is_drop_in or not objective.is_checked else [*groups, *coverage_groups(objective)]
