// From the API's series of pairs to columns on one time grid, which is what a chart draws.

import type { Grid } from '../api/calls';
import type { Labels, RangeSeries } from '../api/types';
import { formatCount } from '../design/format';

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
 * `series` on `grid`, NaN and infinities included. Values off the grid go to the nearest instant. Series of native
 * histograms show their count.
 */
export function readColumn(series: RangeSeries, grid: Grid, length: number): Column {
  const column = new Array<number | null>(length).fill(null);
  const put = (time: number, value: number): void => {
    const at = Math.round((time - grid.start) / grid.step);
    if (at >= 0 && at < length) column[at] = value;
  };
  for (const [time, text] of series.values ?? []) put(time, parseFloatText(text));
  for (const [time, histogram] of series.histograms ?? []) put(time, parseFloatText(histogram.count));
  return column;
}

/** `column` with gaps where it is NaN or infinite, because no axis can show those; itself when it never is. */
export function drawable(column: Column): Column {
  if (column.every((value) => value === null || Number.isFinite(value))) return column;
  return column.map((value) => (value !== null && Number.isFinite(value) ? value : null));
}

/** `column` with gaps where a logarithmic axis has no place for it: at 0 and below. */
export function positive(column: Column): Column {
  return column.map((value) => (value !== null && value > 0 && value < Infinity ? value : null));
}

/** `series` on `grid` as far as it can be drawn. */
export function toColumn(series: RangeSeries, grid: Grid, length: number): Column {
  return drawable(readColumn(series, grid, length));
}

/** How many values of `columns` cannot be drawn, in words; empty when all can. */
export function undrawn(columns: readonly Column[]): string {
  const counts = new Map([
    ['+Inf', 0],
    ['-Inf', 0],
    ['NaN', 0],
  ]);
  for (const column of columns)
    for (const value of column) {
      if (value === null || Number.isFinite(value)) continue;
      const name = Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  const told = [...counts].filter(([, count]) => count > 0);
  const parts = told.map(([name, count], i) => {
    const noun = i > 0 ? '' : count === 1 ? ' value' : ' values';
    return `${formatCount(count)}${noun} ${count === 1 ? 'is' : 'are'} ${name}`;
  });
  return parts.length === 0 ? '' : `${parts.join(', ')} and not drawn`;
}

/**
 * Indexes of the series that were chosen to be hidden, by label set. A choice that would leave none to be seen was
 * made for other series, and does not count.
 */
export function hiddenOf(keys: readonly string[], chosen: ReadonlySet<string>): Set<number> {
  const hidden = new Set(keys.flatMap((key, i) => (chosen.has(key) ? [i] : [])));
  return hidden.size < keys.length ? hidden : new Set();
}

/** Text that is equal for equal label sets. */
export function labelKey(labels: Labels): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

export interface Summary {
  /** The newest value, NaN and infinities included. */
  last: number | null;
  /** Where in the column the newest value stands; null without one. */
  lastAt: number | null;
  /** Of what can be drawn, as `max` and `avg`. */
  min: number | null;
  max: number | null;
  avg: number | null;
}

/** What a legend tells of a column; nulls where it holds no number. */
export function summarize(column: Column): Summary {
  let min = Infinity;
  let max = -Infinity;
  let sum = 0;
  let count = 0;
  for (const value of column) {
    if (value === null || !Number.isFinite(value)) continue;
    if (value < min) min = value;
    if (value > max) max = value;
    sum += value;
    count += 1;
  }
  const at = column.findLastIndex((value) => value !== null);
  const newest = { last: column[at] ?? null, lastAt: at < 0 ? null : at };
  if (count === 0) return { ...newest, min: null, max: null, avg: null };
  // The sum of values near the largest double overflows; their mean does not.
  const avg = Number.isFinite(sum)
    ? sum / count
    : column.reduce<number>((a, b) => a + (b !== null && Number.isFinite(b) ? b / count : 0), 0);
  return { ...newest, min, max, avg };
}

export interface Stack {
  /** The upper edge of each column; a gap stays a gap. */
  tops: Column[];
  /** What each but the first stands on, known at every instant: below a column may be a gap, never nothing. */
  bases: Column[];
}

/** Columns laid on top of each other, in order; hidden ones and gaps add nothing to those above. */
export function stack(columns: readonly Column[], hidden: ReadonlySet<number>): Stack {
  const base = new Array<number>(columns[0]?.length ?? 0).fill(0);
  const bases: Column[] = [];
  const tops = columns.map((column, index) => {
    if (index > 0) bases.push([...base]);
    if (hidden.has(index)) return column;
    return column.map((value, at) => {
      if (value === null) return null;
      const total = (base[at] ?? 0) + value;
      base[at] = total;
      return total;
    });
  });
  return { tops, bases };
}

export interface Naming {
  /** Labels that all series share, the metric name aside. */
  common: Labels;
  /** The metric name when all series have the same; else empty. */
  metric: string;
  /** The one label that sets the series apart, when its value alone names each; else empty. */
  by: string;
  /** One short name per series, made of what sets it apart. */
  names: string[];
}

/** The one label whose value, never empty, is all that sets `all` apart; empty when there is none. */
function soleDifference(all: readonly Labels[], common: Labels): string {
  if (all.length < 2) return '';
  const differing = new Set(
    all.flatMap((labels) => Object.keys(labels).filter((name) => name !== '__name__' && !(name in common))),
  );
  const [only = ''] = differing;
  return differing.size === 1 && all.every((labels) => labels[only]) ? only : '';
}

/** Short names for series shown together: only what differs, with the shared part told once. */
export function nameSeries(all: readonly Labels[]): Naming {
  const first = all[0] ?? {};
  const common: Record<string, string> = {};
  for (const [name, value] of Object.entries(first))
    if (all.length > 1 && all.every((labels) => labels[name] === value)) common[name] = value;
  const alike = all.every((labels) => labels.__name__ === first.__name__);
  const metric = alike ? (first.__name__ ?? '') : '';
  const by = alike ? soleDifference(all, common) : '';
  const names = all.map((labels) => {
    if (by !== '') return labels[by] ?? '';
    const rest = Object.entries(labels).filter(([name]) => name !== '__name__' && !(name in common));
    const head = metric === '' || all.length === 1 ? (labels.__name__ ?? '') : '';
    if (rest.length === 0) return head || (metric === '' ? '{}' : metric);
    return `${head}{${rest.map(([name, value]) => `${name}=${quote(value)}`).join(', ')}}`;
  });
  delete common.__name__;
  return { common, metric, by, names };
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
