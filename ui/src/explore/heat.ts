// What a range query answered of histograms, as the cells of a heat map. Pure.

import type { Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { gridTimes, parseFloatText, type Column } from '../chart/columns';
import { bucketsOf, type HeatBucket } from '../chart/heat';

const BOUND = 'le';

/** Whether each of `series` is a native histogram, or a bucket of a classic one. */
export function isOfBuckets(series: readonly RangeSeries[]): boolean {
  return (
    series.length > 0 &&
    series.every(
      ({ metric, values, histograms }) =>
        (histograms?.length ?? 0) > 0 || ((values?.length ?? 0) > 0 && boundOf(metric[BOUND]) !== null),
    )
  );
}

function boundOf(text: string | undefined): number | null {
  const bound = text === undefined || text === '' ? NaN : parseFloatText(text);
  return Number.isNaN(bound) ? null : bound;
}

/** Whether `expr` asks for series as they are stored: counters that grow, of which each step has only its own part. */
export function isStored(expr: string): boolean {
  return /^[a-zA-Z_:][\w:]*\s*(?:\{[^]*\})?$/.test(expr.trim());
}

/** What came from one instant to the next; after a restart, what came since. */
export function growth(column: Column): Column {
  return column.map((value, i) => {
    const before = column[i - 1] ?? null;
    if (value === null || before === null) return null;
    return value < before ? value : value - before;
  });
}

/** `columns` added up; null where none has a value. */
function sum(columns: readonly Column[]): Column {
  const [first, ...rest] = columns;
  if (!first || rest.length === 0) return first ?? [];
  return first.map((_, at) =>
    columns.reduce<number | null>((all, column) => {
      const value = column[at] ?? null;
      return value === null ? all : (all ?? 0) + value;
    }, null),
  );
}

interface Bounds {
  lower: number;
  upper: number;
}

/** The buckets of one native histogram: nothing of a bucket that an instant does not name, null without an instant. */
function nativeColumns(
  series: RangeSeries,
  grid: Grid,
  length: number,
): Map<string, Bounds & { counts: Column }> {
  const found = new Map<string, Bounds & { counts: Column }>();
  const held = new Array<number | null>(length).fill(null);
  const placed = (series.histograms ?? []).map(
    ([time, histogram]) => [Math.round((time - grid.start) / grid.step), histogram] as const,
  );
  for (const [at] of placed) if (at >= 0 && at < length) held[at] = 0;
  for (const [at, { buckets = [] }] of placed) {
    if (at < 0 || at >= length) continue;
    for (const [, from, to, count] of buckets) {
      const key = `${from} ${to}`;
      const bucket = found.get(key) ?? {
        lower: parseFloatText(from),
        upper: parseFloatText(to),
        counts: [...held],
      };
      bucket.counts[at] = parseFloatText(count);
      found.set(key, bucket);
    }
  }
  return found;
}

function grouped<Item>(items: readonly Item[], keyOf: (item: Item) => string): Item[][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    groups.set(key, [...(groups.get(key) ?? []), item]);
  }
  return [...groups.values()];
}

/** Buckets from the lowest, of all `series` together; `stored` counters give what came in each step. */
export function heatOf(
  series: readonly RangeSeries[],
  grid: Grid,
  stored: boolean,
): { times: readonly number[]; buckets: readonly HeatBucket[] } {
  const times = gridTimes(grid);
  const taken = (column: Column): Column => (stored ? growth(column) : column);
  const native = series
    .filter(({ histograms }) => (histograms?.length ?? 0) > 0)
    .flatMap((one) => [...nativeColumns(one, grid, times.length).values()]);
  const classic = series.flatMap((one) => {
    const upper = boundOf(one.metric[BOUND]);
    if (upper === null || (one.histograms?.length ?? 0) > 0) return [];
    const counts = new Array<number | null>(times.length).fill(null);
    for (const [time, text] of one.values ?? []) {
      const at = Math.round((time - grid.start) / grid.step);
      const value = parseFloatText(text);
      if (at >= 0 && at < counts.length && Number.isFinite(value)) counts[at] = value;
    }
    return [{ upper, counts: taken(counts) }];
  });
  const whole = grouped(native, ({ lower, upper }) => `${lower} ${upper}`).map((same): HeatBucket => ({
    lower: same[0]?.lower ?? 0,
    upper: same[0]?.upper ?? 0,
    counts: sum(same.map(({ counts }) => taken(counts))),
  }));
  const parts = grouped(classic, ({ upper }) => String(upper)).map((same) => ({
    upper: same[0]?.upper ?? 0,
    counts: sum(same.map(({ counts }) => counts)),
  }));
  const buckets = [...whole, ...bucketsOf(parts)].sort((a, b) => a.lower - b.lower || a.upper - b.upper);
  return { times, buckets };
}
