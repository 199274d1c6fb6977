// Where the steps of a run stand in the graph of who waits for whom: each right of all that it waits for. Steps that wait
// for the same and are waited for by the same are one box when they are many.

import type { RunState, RunStep } from '../api/runs';

export type DagStep = Pick<RunStep, 'id' | 'state' | 'depends_on'>;

/** A box of the graph: one step, or many that are alike. */
export interface DagNode {
  /** The first step's id. */
  readonly key: string;
  /** The steps in it, by their places among those given. */
  readonly steps: readonly number[];
  readonly column: number;
  readonly line: number;
}

export interface DagEdge {
  readonly from: string;
  readonly to: string;
}

export interface Dag {
  readonly nodes: readonly DagNode[];
  readonly edges: readonly DagEdge[];
  readonly columns: number;
  readonly lines: number;
}

/** From so many like steps on they are one box. */
export const FOLDS_FROM = 7;
const SWEEPS = 3;

/** For each step the steps it waits for and those that wait for it, without itself, strangers and doubles. */
function linksOf(steps: readonly DagStep[]): {
  before: readonly (readonly number[])[];
  behind: readonly (readonly number[])[];
} {
  const places = new Map(steps.map(({ id }, at) => [id, at]));
  const before = steps.map(({ depends_on: awaited }, at) => [
    ...new Set(awaited.flatMap((id) => places.get(id) ?? []).filter((other) => other !== at)),
  ]);
  const behind: number[][] = steps.map(() => []);
  before.forEach((listed, at) => listed.forEach((other) => behind[other]?.push(at)));
  return { before, behind };
}

/** The column of each: one more than the last of what it waits for. What waits in a circle begins it. */
function columnsOf(
  before: readonly (readonly number[])[],
  behind: readonly (readonly number[])[],
): readonly number[] {
  const columns = before.map(() => 0);
  const waits = before.map(({ length }) => length);
  const done = new Set<number>();
  const ready = [...waits.keys()].filter((at) => waits[at] === 0);
  const finish = (): void => {
    for (let at = ready.shift(); at !== undefined; at = ready.shift()) {
      if (done.has(at)) continue;
      done.add(at);
      for (const next of behind[at] ?? []) {
        if (done.has(next)) continue;
        columns[next] = Math.max(columns[next] ?? 0, (columns[at] ?? 0) + 1);
        waits[next] = (waits[next] ?? 0) - 1;
        if (waits[next] === 0) ready.push(next);
      }
    }
  };
  finish();
  // A circle has no first: the one that was given first is.
  for (let at = 0; at < before.length; at += 1)
    if (!done.has(at)) {
      ready.push(at);
      finish();
    }
  return columns;
}

/** Steps by what they wait for and what waits for them. */
function groupsOf(
  steps: readonly DagStep[],
  before: readonly (readonly number[])[],
  behind: readonly (readonly number[])[],
  opened: ReadonlySet<string>,
): readonly (readonly number[])[] {
  const alike = new Map<string, number[]>();
  steps.forEach((_, at) => {
    const sign = `${[...(before[at] ?? [])].sort().join()}|${[...(behind[at] ?? [])].sort().join()}`;
    const listed = alike.get(sign);
    if (listed) listed.push(at);
    else alike.set(sign, [at]);
  });
  return [...alike.values()].flatMap((listed) => {
    const first = steps[listed[0] ?? -1];
    // Steps that nobody knows the order of are not one thing.
    const joined = listed.some((at) => (before[at]?.length ?? 0) + (behind[at]?.length ?? 0) > 0);
    const folds = joined && listed.length >= FOLDS_FROM && first !== undefined && !opened.has(first.id);
    return folds ? [listed] : listed.map((at) => [at]);
  });
}

/** The places of all boxes; `opened` has the boxes of like steps, by their key, that are shown one by one. */
export function layDag(steps: readonly DagStep[], opened: ReadonlySet<string> = new Set()): Dag {
  const { before, behind } = linksOf(steps);
  const columns = columnsOf(before, behind);
  const groups = groupsOf(steps, before, behind, opened);
  const boxOf = new Map<number, number>();
  groups.forEach((members, box) => members.forEach((at) => boxOf.set(at, box)));
  const keyOf = (box: number): string => steps[groups[box]?.[0] ?? -1]?.id ?? '';
  const columnOf = groups.map((members) => Math.max(...members.map((at) => columns[at] ?? 0)));
  const links = (all: readonly (readonly number[])[]): readonly (readonly number[])[] =>
    groups.map((members, box) => [
      ...new Set(
        members
          .flatMap((at) => (all[at] ?? []).flatMap((other) => boxOf.get(other) ?? []))
          .filter((b) => b !== box),
      ),
    ]);
  const [left, right] = [links(before), links(behind)];
  const lines = linesOf(columnOf, left, right);
  const edges = left.flatMap((from, box) => from.map((one) => ({ from: keyOf(one), to: keyOf(box) })));
  return {
    nodes: groups.map((members, box) => ({
      key: keyOf(box),
      steps: members,
      column: columnOf[box] ?? 0,
      line: lines[box] ?? 0,
    })),
    edges,
    columns: Math.max(0, ...columnOf.map((column) => column + 1)),
    lines: Math.max(0, ...lines.map((line) => line + 1)),
  };
}

/** The line of each box in its column, so that edges cross seldom: by the middle of its neighbours, there and back. */
function linesOf(
  columnOf: readonly number[],
  left: readonly (readonly number[])[],
  right: readonly (readonly number[])[],
): readonly number[] {
  const last = Math.max(0, ...columnOf);
  const byColumn: number[][] = Array.from({ length: last + 1 }, () => []);
  columnOf.forEach((column, box) => byColumn[column]?.push(box));
  const lines = columnOf.map(() => 0);
  const settle = (members: readonly number[]): void => members.forEach((box, line) => (lines[box] = line));
  byColumn.forEach(settle);
  const sort = (members: number[], neighbours: readonly (readonly number[])[]): void => {
    const middle = new Map(
      members.map((box) => {
        const known = neighbours[box] ?? [];
        const sum = known.reduce((total, other) => total + (lines[other] ?? 0), 0);
        return [box, known.length === 0 ? (lines[box] ?? 0) : sum / known.length];
      }),
    );
    members.sort((a, b) => (middle.get(a) ?? 0) - (middle.get(b) ?? 0) || a - b);
    settle(members);
  };
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    byColumn.forEach((members) => sort(members, left));
    for (let column = last - 1; column >= 0; column -= 1) sort(byColumn[column] ?? [], right);
  }
  byColumn.forEach((members) => sort(members, left));
  return lines;
}

/** How many of these steps are in which state, the most first. */
export function countStates(
  steps: readonly DagStep[],
  members: readonly number[],
): readonly (readonly [RunState, number])[] {
  const counts = new Map<RunState, number>();
  for (const at of members) {
    const state = steps[at]?.state;
    if (state !== undefined) counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]);
}
