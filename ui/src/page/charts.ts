// Charts of named queries on one grid, asked in one request: what pages about services, hosts and Pharos draw.

import { queryBatch, type Outcome } from '../api/batch';
import type { Grid } from '../api/calls';
import { ApiError, type Asking } from '../api/client';
import type { Labels, RangeSeries } from '../api/types';
import { gridTimes, parseFloatText, toColumn, type Column } from '../chart/columns';
import type { Unit } from '../design/format';

export interface ChartQuery {
  expr: string;
  /** The series' name; where it is absent, the value of the label `by` is the name. */
  name?: string;
  by?: string;
}

export interface ChartSpec {
  id: string;
  title: string;
  unit: Unit;
  queries: readonly ChartQuery[];
  stacked?: boolean;
  atLeast?: number;
}

export interface ChartData {
  names: readonly string[];
  columns: readonly Column[];
  /** The server's words when one of its queries failed. */
  error: string | null;
}

export interface ChartsData {
  times: readonly number[];
  range: readonly [number, number];
  charts: Readonly<Record<string, ChartData>>;
}

/** At most so many lines a chart, the largest. */
const MOST_LINES = 12;

/** The series of a range query; none of one that was refused. */
export function matrixOf(outcome: Outcome | undefined): readonly RangeSeries[] {
  return outcome && 'resultType' in outcome && outcome.resultType === 'matrix' ? outcome.result : [];
}

/** Labels and value of each series of an instant query; none of one that was refused. */
export function vectorOf(
  outcome: Outcome | undefined,
): readonly { readonly labels: Labels; readonly value: number }[] {
  if (!outcome || !('resultType' in outcome) || outcome.resultType !== 'vector') return [];
  return outcome.result.map(({ metric, value }) => ({
    labels: metric,
    value: parseFloatText(value?.[1] ?? 'NaN'),
  }));
}

function sizeOf(column: Column): number {
  return column.reduce<number>((most, value) => Math.max(most, Math.abs(value ?? 0)), 0);
}

function chartOf(
  { queries }: ChartSpec,
  outcomes: readonly (Outcome | undefined)[],
  grid: Grid,
  length: number,
): ChartData {
  const found: { name: string; column: Column }[] = [];
  let error: string | null = null;
  queries.forEach((query, i) => {
    const outcome = outcomes[i];
    if (outcome instanceof ApiError) error = outcome.message;
    const lines = matrixOf(outcome).map((one) => ({
      name: query.name ?? one.metric[query.by ?? ''] ?? '',
      column: toColumn(one, grid, length),
    }));
    lines.sort((a, b) => sizeOf(b.column) - sizeOf(a.column) || a.name.localeCompare(b.name));
    found.push(...lines);
  });
  const kept = found.slice(0, MOST_LINES);
  return { names: kept.map(({ name }) => name), columns: kept.map(({ column }) => column), error };
}

/** What the server answers to all queries of `specs` on `grid`. Rejects as `queryBatch` does. */
export async function loadCharts(
  specs: readonly ChartSpec[],
  grid: Grid,
  asking: Asking,
): Promise<ChartsData> {
  const times = gridTimes(grid);
  const outcomes = await queryBatch(
    specs.flatMap(({ queries }) => queries.map(({ expr }) => ({ query: expr, ...grid }))),
    asking,
  );
  let at = 0;
  const charts = Object.fromEntries(
    specs.map((spec) => {
      const own = outcomes.slice(at, at + spec.queries.length);
      at += spec.queries.length;
      return [spec.id, chartOf(spec, own, grid, times.length)];
    }),
  );
  return { times, range: [grid.start, grid.end], charts };
}
