// From the API's series of pairs to columns on one time grid, which is what a chart draws.

import type { Grid } from '../api/calls';
import type { Labels, RangeSeries } from '../api/types';

/** One value per grid instant; null where there is none, so that a gap stays a gap. */
export type Column = (number | null)[];

export interface Series {
  labels: Labels;
  values: Column;
}

/** A float as Prometheus prints it. */
export function parseFloatText(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

/** The grid's instants in seconds. */
export function gridTimes(grid: Grid): number[] {
  const count = Math.floor((grid.end - grid.start) / grid.step + 1e-6) + 1;
  return Array.from({ length: count }, (_, i) => grid.start + i * grid.step);
}

/**
 * `series` on `grid`. Values off the grid go to the nearest instant; NaN and infinities become gaps for drawing,
 * because no axis can show them. Series of native histograms show their count.
 */
export function toColumn(series: RangeSeries, grid: Grid, length: number): Column {
  const column = new Array<number | null>(length).fill(null);
  const put = (time: number, value: number): void => {
    const at = Math.round((time - grid.start) / grid.step);
    if (at >= 0 && at < length) column[at] = Number.isFinite(value) ? value : null;
  };
  for (const [time, text] of series.values ?? []) put(time, parseFloatText(text));
  for (const [time, histogram] of series.histograms ?? []) put(time, parseFloatText(histogram.count));
  return column;
}

/** Text that is equal for equal label sets. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export interface Summary {
  last: number | null;
  min: number | null;
  max: number | null;
  avg: number | null;
}

/** What a legend tells of a column; nulls when it holds no number at all. */
export function summarize(column: Column): Summary {
  let last: number | null = null;
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const value of column) {
    if (value === null) continue;
    last = value;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count += 1;
  }
  if (count === 0) return { last: null, min: null, max: null, avg: null };
  return { last: column[column.length - 1] ?? last, min, max, avg: sum / count };
}

/**
 * Columns laid on top of each other, in order; hidden ones add nothing. A gap adds nothing to those above it and
 * stays a gap itself.
 */
export function stack(columns: readonly Column[], hidden: ReadonlySet<number>): Column[] {
  const length = columns[0]?.length ?? 0;
  const base = new Array<number>(length).fill(0);
  return columns.map((column, index) =>
    hidden.has(index)
      ? column
      : column.map((value, at) => {
          if (value === null) return null;
          const total = (base[at] ?? 0) + value;
          base[at] = total;
          return total;
        }),
  );
}

export interface Naming {
  /** Labels that all series share, the metric name aside. */
  common: Labels;
  /** The metric name when all series have the same; else empty. */
  metric: string;
  /** One short name per series, made of what sets it apart. */
  names: string[];
}

/** Short names for series shown together: only what differs, with the shared part told once. */
export function nameSeries(all: readonly Labels[]): Naming {
  const first = all[0] ?? {};
  const common: Record<string, string> = {};
  for (const [name, value] of Object.entries(first))
    if (all.length > 1 && all.every((labels) => labels[name] === value)) common[name] = value;
  const metric = all.every((labels) => labels.__name__ === first.__name__) ? (first.__name__ ?? '') : '';
  const names = all.map((labels) => {
    const rest = Object.entries(labels).filter(([name]) => name !== '__name__' && !(name in common));
    const head = metric === '' || all.length === 1 ? (labels.__name__ ?? '') : '';
    if (rest.length === 0) return head || (metric === '' ? '{}' : metric);
    return `${head}{${rest.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}}`;
  });
  delete common.__name__;
  return { common, metric, names };
}

function quote(value: string): string {
  return JSON.stringify(value);
}

/** A label set as PromQL writes it. */
export function formatLabels(labels: Labels): string {
  const rest = Object.entries(labels)
    .filter(([name]) => name !== '__name__')
    .map(([name, value]) => `${name}=${quote(value)}`)
    .join(', ');
  const metric = labels.__name__ ?? '';
  if (rest === '') return metric || '{}';
  return `${metric}{${rest}}`;
}
