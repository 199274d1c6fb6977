"""A trace as it is looked at: rows in order, own time, the critical path, runs of like siblings, warnings.

All of it is computed here rather than in a page, so that a trace of ten thousand spans is opened by drawing
the few rows that are seen.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from msgspec import Struct

from pharos.query.events.rows import Span
from pharos.query.events.trace_tree import Node, TraceTree, tree_of

FOLD_FROM: Final = 5
"""So many siblings of one service and name, one after the other, are folded into one row."""
_MOST_GAPS: Final = 50
_ERROR: Final = 2
_REF_TYPE: Final = "opentracing.ref_type"


class Stretch(Struct, frozen=True):
    """A part of the time, on a span; nanoseconds since the trace's start."""

    row: int
    from_ns: int
    to_ns: int


class Row(Struct, frozen=True):
    """A span, and where it stands."""

    span: Span
    parent: int
    """The row of its parent; -1 for none."""
    depth: int
    offset_ns: int
    """Since the trace's start."""
    duration_ns: int
    own_ns: int
    """In which none of its children ran."""
    children: int
    descendants: int
    critical_ns: int
    """How much of the critical path it is."""
    fold: int
    """The run of like siblings that it is in; -1 for none."""
    warnings: tuple[str, ...]


class Fold(Struct, frozen=True):
    """A run of like siblings."""

    parent: int
    rows: tuple[int, ...]
    """Of the siblings themselves; what is below them stands between."""
    service: str
    name: str
    errors: int
    total_ns: int
    longest_ns: int


class ServiceTotals(Struct, frozen=True):
    """What one service did in a trace."""

    service: str
    spans: int
    errors: int
    own_ns: int
    critical_ns: int


class Waterfall(Struct, frozen=True):
    """A trace of at least one span."""

    trace_id: str
    start_ns: int
    duration_ns: int
    root: int
    """The row that began the trace; -1 if it is not there."""
    rows: tuple[Row, ...]
    services: tuple[ServiceTotals, ...]
    """By own time, the most first."""
    critical_path: tuple[Stretch, ...]
    """In the order of time."""
    folds: tuple[Fold, ...]
    gaps: tuple[Stretch, ...]
    """The longest stretches in which a span that has children waited for none of them, the longest first."""
    warnings: tuple[str, ...]
    """About the trace as a whole."""


def waterfall(spans: Iterable[Span]) -> Waterfall:
    """Return how a trace is looked at; there is at least one span."""
    tree = tree_of(spans)
    row_of = {node.index: row for row, node in enumerate(tree.nodes)}
    path = _critical_path(tree, row_of)
    critical = [0] * len(tree.nodes)
    for stretch in path:
        critical[stretch.row] += stretch.to_ns - stretch.from_ns
    folds = _folds(tree, row_of)
    fold_of = {row: number for number, fold in enumerate(folds) for row in fold.rows}
    repeated = _repeated(tree)
    rows: list[Row] = []
    gaps: list[Stretch] = []
    for row, node in enumerate(tree.nodes):
        idle = _idle(node)
        if node.children:
            gaps += [Stretch(row, begin - tree.start_ns, end - tree.start_ns) for begin, end in idle]
        rows.append(
            Row(
                node.span,
                -1 if node.parent is None else row_of[node.parent.index],
                node.depth,
                node.span.start_ns - tree.start_ns,
                _length(node),
                sum(end - begin for begin, end in idle),
                len(node.children),
                (node.right - node.left - 1) // 2,
                critical[row],
                fold_of.get(row, -1),
                tuple(_warnings(node, repeated)),
            )
        )
    gaps.sort(key=lambda gap: (gap.from_ns - gap.to_ns, gap.row, gap.from_ns))
    root = tree.root
    return Waterfall(
        tree.nodes[0].span.trace_id,
        tree.start_ns,
        tree.end_ns - tree.start_ns,
        -1 if root is None else row_of[root.index],
        tuple(rows),
        tuple(_services(rows)),
        tuple(path),
        tuple(folds),
        tuple(gaps[:_MOST_GAPS]),
        tuple(_about(tree)),
    )


def _length(node: Node) -> int:
    return max(node.span.end_ns - node.span.start_ns, 0)


def _end(node: Node) -> int:
    return max(node.span.end_ns, node.span.start_ns)


def _idle(node: Node) -> list[tuple[int, int]]:
    """Return the stretches of a span in which none of its children runs."""
    found: list[tuple[int, int]] = []
    at, end = node.span.start_ns, _end(node)
    for child in node.children:
        if child.span.start_ns > at:
            found.append((at, min(child.span.start_ns, end)))
        at = max(at, _end(child))
        if at >= end:
            break
    if at < end:
        found.append((at, end))
    return [(begin, stop) for begin, stop in found if stop > begin]


def _is_awaited(node: Node) -> bool:
    """Return whether the parent may have waited for a span: not for one that only follows from it."""
    parent = node.parent
    if parent is None:
        return True
    return not any(
        link.span_id == parent.span.span_id
        and link.trace_id == parent.span.trace_id
        and (_REF_TYPE, "follows_from") in {(key, value) for key, value, _ in link.attributes}
        for link in node.span.links
    )


def _critical_path(tree: TraceTree, row_of: dict[int, int]) -> list[Stretch]:
    """Return the stretches that the trace could not have been shorter without, from begin to end.

    Seen from the end: whatever child ended last held its parent up; before that child began it was the one
    that had ended last then, and so on.
    """
    found: list[Stretch] = []
    start = tree.root or tree.roots[0]

    def stretch(node: Node, begin: int, end: int) -> None:
        if end > begin:
            found.append(Stretch(row_of[node.index], begin - tree.start_ns, end - tree.start_ns))

    # A span, until when it is looked at, and its children that are left, the last to end at the end.
    stack: list[tuple[Node, int, int, list[Node]]] = [
        (start, start.span.start_ns, _end(start), _by_end(start))
    ]
    while stack:
        node, begin, at, left = stack.pop()
        child = _last_before(left, at, begin)
        if child is None:
            stretch(node, begin, at)
            continue
        child_begin, child_end = max(child.span.start_ns, begin), min(_end(child), at)
        stretch(node, child_end, at)
        stack.append((node, begin, child_begin, left))
        stack.append((child, child_begin, child_end, _by_end(child)))
    found.reverse()
    return found


def _by_end(node: Node) -> list[Node]:
    return sorted((child for child in node.children if _is_awaited(child)), key=_end)


def _last_before(left: list[Node], at: int, begin: int) -> Node | None:
    """Take the child that ended last of those that began before `at`; one that runs on counts until `at`."""
    while left:
        child = left.pop()
        if begin < at and child.span.start_ns < at and _end(child) > max(child.span.start_ns, begin):
            return child
    return None


def _folds(tree: TraceTree, row_of: dict[int, int]) -> list[Fold]:
    found: list[Fold] = []
    for node in tree.nodes:
        for run in _runs(node.children):
            if len(run) >= FOLD_FROM:
                lengths = [_length(one) for one in run]
                found.append(
                    Fold(
                        row_of[node.index],
                        tuple(row_of[one.index] for one in run),
                        run[0].span.origin.service,
                        run[0].span.name,
                        sum(one.span.status == _ERROR for one in run),
                        sum(lengths),
                        max(lengths),
                    )
                )
    return found


def _runs(siblings: Sequence[Node]) -> Iterator[list[Node]]:
    run: list[Node] = []
    for node in siblings:
        if run and _kind(run[-1]) != _kind(node):
            yield run
            run = []
        run.append(node)
    if run:
        yield run


def _kind(node: Node) -> tuple[str, str, int]:
    return node.span.origin.service, node.span.name, node.span.kind


def _repeated(tree: TraceTree) -> set[str]:
    seen: set[str] = set()
    return {
        node.span.span_id
        for node in tree.nodes
        if node.span.span_id in seen or seen.add(node.span.span_id)  # type: ignore[func-returns-value]
    }


def _warnings(node: Node, repeated: set[str]) -> Iterator[str]:
    span, parent = node.span, node.parent
    if span.end_ns < span.start_ns:
        yield "it ends before it begins"
    if node.is_orphan:
        yield f"its parent {span.parent_id} is not in the trace"
    if node.is_own_ancestor:
        yield "it is its own ancestor"
    if span.span_id in repeated:
        yield "another span has the same id"
    if parent is not None:
        if span.start_ns < parent.span.start_ns:
            yield "it begins before its parent"
        if _end(node) > _end(parent) and span.start_ns < _end(parent):
            yield "it ends after its parent"
    if span.dropped_attributes or span.dropped_events or span.dropped_links:
        yield (
            f"its sender left out {span.dropped_attributes} attributes, {span.dropped_events} events"
            f" and {span.dropped_links} links"
        )


def _services(rows: Sequence[Row]) -> list[ServiceTotals]:
    by_name: dict[str, list[Row]] = {}
    for row in rows:
        by_name.setdefault(row.span.origin.service, []).append(row)
    found = [
        ServiceTotals(
            service,
            len(own),
            sum(row.span.status == _ERROR for row in own),
            sum(row.own_ns for row in own),
            sum(row.critical_ns for row in own),
        )
        for service, own in by_name.items()
    ]
    return sorted(found, key=lambda one: (-one.own_ns, one.service))


def _about(tree: TraceTree) -> Iterator[str]:
    if tree.root is None:
        yield "the span that began the trace is not there"
    begun = sum(not node.span.parent_id for node in tree.roots)
    if begun > 1:
        yield f"{begun} spans began the trace"
    orphans = sum(node.is_orphan for node in tree.roots)
    if orphans:
        yield f"of {orphans} spans the parent is not there"
