// One refresh of the home page: all its queries for the same instants, together.

import { queryInstant, queryRange, type Grid } from '../api/calls';
import { ApiError, isAbort } from '../api/client';
import { gridTimes, parseFloatText, summarize, toColumn, type Column } from '../chart/columns';
import { alignGrid, chooseStep, formatDuration } from '../time/range';
import { FIGURES, fillIn, HOSTS_QUERY, PANELS, type Figure, type Panel, type PanelQuery } from './panels';

export interface PanelColumns {
  names: string[];
  columns: Column[];
  /** The server's words when one of the panel's queries failed. */
  error: string | null;
}

export interface HomeSnapshot {
  times: number[];
  grid: Grid;
  range: [number, number];
  panels: Readonly<Record<string, PanelColumns>>;
  figures: Readonly<Record<Figure, number | null>>;
  hosts: string[];
  takenMs: number;
}

export interface HomeRequest {
  spanMs: number;
  nowMs: number;
  host: string | null;
  /** About how many points a chart is wide. */
  points: number;
  /** Leave out the start of the range while nothing is known of it: a server just started looks alive so. */
  fit: boolean;
}

const MOST_SERIES = 12;

async function loadQuery(
  query: PanelQuery,
  request: HomeRequest,
  grid: Grid,
  length: number,
  signal: AbortSignal,
) {
  const windowText = formatDuration(Math.max(60, grid.step * 4) * 1000);
  const { data } = await queryRange(fillIn(query.expr, request.host, windowText), grid, signal);
  if (data.resultType !== 'matrix') return [];
  return data.result.map((series) => ({
    name: query.name ?? series.metric[query.by ?? ''] ?? 'value',
    column: toColumn(series, grid, length),
  }));
}

/** The series that are not 0 throughout, largest first; at least one. */
function liveliest<T extends { column: Column }>(series: T[]): T[] {
  const sized = series.map((one) => ({ one, size: summarize(one.column).avg ?? 0 }));
  sized.sort((a, b) => b.size - a.size);
  return sized.filter(({ size }, i) => i === 0 || size > 0).map(({ one }) => one);
}

async function loadPanel(
  panel: Panel,
  request: HomeRequest,
  grid: Grid,
  length: number,
  signal: AbortSignal,
): Promise<PanelColumns> {
  const answers = await Promise.allSettled(
    panel.queries.map((query) => loadQuery(query, request, grid, length, signal)),
  );
  const failed = answers.find((answer) => answer.status === 'rejected');
  if (failed) {
    const reason: unknown = failed.reason;
    // A server that does not answer fails the whole refresh; one that refuses a query fails only its panel.
    if (isAbort(reason) || !(reason instanceof ApiError) || reason.kind !== 'refused') throw reason;
  }
  const series = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  const kept = (series.length > 4 ? liveliest(series) : series).slice(0, MOST_SERIES);
  return {
    names: kept.map((one) => one.name),
    columns: kept.map((one) => one.column),
    error: failed ? (failed.reason as ApiError).message : null,
  };
}

async function loadFigure(expr: string, nowMs: number, signal: AbortSignal): Promise<number | null> {
  try {
    const { data } = await queryInstant(expr, nowMs / 1000, signal);
    const text = data.resultType === 'vector' ? data.result[0]?.value?.[1] : undefined;
    const value = text === undefined ? Number.NaN : parseFloatText(text);
    return Number.isFinite(value) ? value : null;
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'refused') return null;
    throw error;
  }
}

async function loadHosts(nowMs: number, signal: AbortSignal): Promise<string[]> {
  try {
    const { data } = await queryInstant(HOSTS_QUERY, nowMs / 1000, signal);
    if (data.resultType !== 'vector') return [];
    return data.result.map((one) => one.metric.instance ?? '').sort();
  } catch (error) {
    if (error instanceof ApiError && error.kind === 'refused') return [];
    throw error;
  }
}

const LEAST_FIT_S = 120;

/** The first instant with a value in any panel, a little earlier for air; the start of the range if it is old. */
export function startOfData(
  times: readonly number[],
  panels: Readonly<Record<string, PanelColumns>>,
): number {
  let first = times.length;
  for (const { columns } of Object.values(panels))
    for (const column of columns) {
      const at = column.findIndex((value) => value !== null);
      if (at >= 0 && at < first) first = at;
    }
  const [start = 0, end = 0] = [times[0], times.at(-1)];
  const known = end - (times[first] ?? end);
  return Math.max(start, end - Math.max(LEAST_FIT_S, known * 1.15));
}

/** Everything the home page shows at `request.nowMs`; rejects when the server does not answer. */
export async function loadHome(request: HomeRequest, signal: AbortSignal): Promise<HomeSnapshot> {
  const step = chooseStep(request.spanMs, request.points, 5);
  const grid = alignGrid({ fromMs: request.nowMs - request.spanMs, toMs: request.nowMs }, step);
  const times = gridTimes(grid);
  const [hosts, panels, figures] = await Promise.all([
    loadHosts(request.nowMs, signal),
    Promise.all(
      PANELS.map(
        async (panel) => [panel.id, await loadPanel(panel, request, grid, times.length, signal)] as const,
      ),
    ),
    Promise.all(
      Object.entries(FIGURES).map(
        async ([name, expr]) => [name, await loadFigure(expr, request.nowMs, signal)] as const,
      ),
    ),
  ]);
  return {
    times,
    grid,
    range: [request.fit ? startOfData(times, Object.fromEntries(panels)) : grid.start, grid.end],
    panels: Object.fromEntries(panels),
    figures: Object.fromEntries(figures) as Record<Figure, number | null>,
    hosts,
    takenMs: request.nowMs,
  };
}
