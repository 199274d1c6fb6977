// One value out of many, by the names that Grafana's panels have for it.

import { cellText, numeric, type Cell, type Field } from './frame';

/** A way to reduce: of the numbers alone, or of all cells as they are. */
type Reduction = { id: string; name: string } & (
  { of: (values: readonly number[]) => Cell } | { all: (cells: readonly Cell[]) => Cell }
);

const total = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0);
const mean = (values: readonly number[]): Cell =>
  values.length === 0 ? null : total(values) / values.length;

function variance(values: readonly number[]): Cell {
  const middle = mean(values);
  if (typeof middle !== 'number') return null;
  return total(values.map((value) => (value - middle) ** 2)) / values.length;
}

/** The value below which `share` (0 to 1) of the values lie: the nearest one that there is. */
function quantile(values: readonly number[], share: number): Cell {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? null;
}

function median(values: readonly number[]): Cell {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  const [low, high] = [sorted[half - 1], sorted[half]];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 || low === undefined ? high : (low + high) / 2;
}

function least(values: readonly number[]): Cell {
  let found: number | null = null;
  for (const value of values) if (found === null || value < found) found = value;
  return found;
}

function most(values: readonly number[]): Cell {
  let found: number | null = null;
  for (const value of values) if (found === null || value > found) found = value;
  return found;
}

/** How far the values moved, a counter that began anew counted from 0. */
function increase(values: readonly number[]): Cell {
  let sum = 0;
  for (let i = 1; i < values.length; i += 1) {
    const [before = 0, now = 0] = [values[i - 1], values[i]];
    sum += now >= before ? now - before : now;
  }
  return values.length === 0 ? null : sum;
}

function step(values: readonly number[]): Cell {
  let found = Infinity;
  for (let i = 1; i < values.length; i += 1) found = Math.min(found, (values[i] ?? 0) - (values[i - 1] ?? 0));
  return Number.isFinite(found) ? found : null;
}

const ends = (values: readonly number[], of: (first: number, last: number) => Cell): Cell => {
  const [first, last] = [values[0], values.at(-1)];
  return first === undefined || last === undefined ? null : of(first, last);
};

const ALL: readonly Reduction[] = [
  {
    id: 'lastNotNull',
    name: 'Last *',
    all: (all) => all.findLast((cell) => cell !== null && !Number.isNaN(cell)) ?? null,
  },
  { id: 'last', name: 'Last', all: (all) => all.at(-1) ?? null },
  {
    id: 'firstNotNull',
    name: 'First *',
    all: (all) => all.find((cell) => cell !== null && !Number.isNaN(cell)) ?? null,
  },
  { id: 'first', name: 'First', all: (all) => all[0] ?? null },
  { id: 'min', name: 'Min', of: least },
  { id: 'max', name: 'Max', of: most },
  { id: 'mean', name: 'Mean', of: mean },
  { id: 'median', name: 'Median', of: median },
  { id: 'sum', name: 'Total', of: (values) => (values.length === 0 ? null : total(values)) },
  { id: 'count', name: 'Count', all: (all) => all.length },
  { id: 'countAll', name: 'Count all', all: (all) => all.length },
  {
    id: 'range',
    name: 'Range',
    of: (values) => {
      const [low, high] = [least(values), most(values)];
      return typeof low === 'number' && typeof high === 'number' ? high - low : null;
    },
  },
  { id: 'delta', name: 'Delta', of: increase },
  { id: 'step', name: 'Step', of: step },
  { id: 'diff', name: 'Difference', of: (values) => ends(values, (first, last) => last - first) },
  {
    id: 'diffperc',
    name: 'Difference %',
    of: (values) => ends(values, (first, last) => (first === 0 ? null : ((last - first) / first) * 100)),
  },
  { id: 'logmin', name: 'Min (above 0)', of: (values) => least(values.filter((value) => value > 0)) },
  {
    id: 'allIsZero',
    name: 'All zeros',
    of: (values) => values.length > 0 && values.every((value) => value === 0),
  },
  { id: 'allIsNull', name: 'All nulls', all: (all) => all.every((cell) => cell === null) },
  {
    id: 'changeCount',
    name: 'Change count',
    all: (all) => all.filter((cell, i) => i > 0 && cell !== all[i - 1]).length,
  },
  { id: 'distinctCount', name: 'Distinct count', all: (all) => new Set(all).size },
  { id: 'variance', name: 'Variance', of: variance },
  {
    id: 'stdDev',
    name: 'StdDev',
    of: (values) => {
      const found = variance(values);
      return typeof found === 'number' ? Math.sqrt(found) : null;
    },
  },
  { id: 'allValues', name: 'All values', all: (all) => all.map(cellText).join(', ') },
  { id: 'uniqueValues', name: 'All unique values', all: (all) => [...new Set(all)].map(cellText).join(', ') },
];

const BY_ID: ReadonlyMap<string, Reduction> = new Map(ALL.map((one) => [one.id, one]));

/** Names from before Grafana 7, which old dashboards still have. */
const OLD: Readonly<Record<string, string>> = {
  avg: 'mean',
  current: 'lastNotNull',
  total: 'sum',
  delta: 'delta',
};

function found(id: string): Reduction | null {
  const known = BY_ID.get(id) ?? BY_ID.get(OLD[id] ?? '');
  if (known) return known;
  const share = /^p(\d{1,2}(?:\.\d+)?)$/u.exec(id)?.[1];
  if (share === undefined) return null;
  return { id, name: `${share}th %`, of: (values) => quantile(values, Number(share) / 100) };
}

/** Reductions to choose from, by id and name. */
export const REDUCTIONS: readonly { id: string; name: string }[] = ALL.map(({ id, name }) => ({ id, name }));

/** What a reduction is called; its id where nobody knows it. */
export function reductionName(id: string): string {
  return found(id)?.name ?? id;
}

/** Units that values lose when they are counted. */
const COUNTS = ['count', 'countAll', 'changeCount', 'distinctCount'];

/** Whether what `id` makes has the unit of its values. */
export function keepsUnit(id: string): boolean {
  return !COUNTS.includes(id) && id !== 'diffperc' && id !== 'allIsZero' && id !== 'allIsNull';
}

/** The values of `field` made one as `id` says; null where there is none, or nobody knows that way. */
export function reduce(field: Pick<Field, 'values'>, id: string): Cell {
  const way = found(id);
  if (way === null) return null;
  if ('all' in way) return way.all(field.values);
  const numbers: number[] = [];
  for (const cell of field.values) {
    const value = typeof cell === 'string' ? null : numeric(cell);
    if (value !== null && Number.isFinite(value)) numbers.push(value);
  }
  return way.of(numbers);
}
