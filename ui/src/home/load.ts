// One refresh of the home page: all its queries for the same instants, together.

import { queryInstant, queryRange, type Grid } from '../api/calls';
import { ApiError } from '../api/client';
import type { Labels } from '../api/types';
import { gridTimes, parseFloatText, summarize, toColumn, type Column } from '../chart/columns';
import { alignGrid, chooseStep, formatDuration } from '../time/range';
import {
  drawn,
  FIGURES,
  fillIn,
  HOSTS_QUERY,
  matchersOf,
  MOST_SERIES,
  nameHosts,
  panelExpr,
  PANELS,
  PART,
  unite,
  type Figure,
  type Host,
  type Panel,
} from './panels';

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
  hosts: readonly Host[];
  /** The matchers of the host that is shown; null when the host panels show an overview of all. */
  matchers: string | null;
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

function nameOf(panel: Panel, labels: Labels, hosts: readonly Host[]): string {
  const [first] = panel.queries;
  const told = labels[PART] ?? labels[first?.by ?? ''] ?? first?.name;
  if (told !== undefined) return told;
  const { job = '', instance = '' } = labels;
  return hosts.find((host) => host.job === job && host.instance === instance)?.name ?? instance;
}

async function loadPanel(
  panel: Panel,
  { hosts, matchers, grid, times }: HomeSnapshot,
  signal: AbortSignal,
): Promise<PanelColumns> {
  const windowText = formatDuration(Math.max(60, grid.step * 4) * 1000);
  try {
    const { data } = await queryRange(fillIn(panelExpr(panel), matchers, windowText), grid, signal);
    const found = (data.resultType === 'matrix' ? data.result : []).map((series) => ({
      name: nameOf(panel, series.metric, hosts),
      column: toColumn(series, grid, times.length),
    }));
    const order = panel.queries.map((query) => query.name);
    found.sort((a, b) => order.indexOf(a.name) - order.indexOf(b.name));
    const kept = (found.length > 4 ? liveliest(found) : found).slice(0, MOST_SERIES);
    return { names: kept.map((one) => one.name), columns: kept.map((one) => one.column), error: null };
  } catch (error) {
    return { names: [], columns: [], error: refusal(error) };
  }
}

/** The server's words when it refused one query; anything else, such as no answer, fails the whole refresh. */
function refusal(error: unknown): string {
  if (error instanceof ApiError && error.kind === 'refused') return error.message;
  throw error;
}

/** The series that are not 0 throughout, largest first; at least one. */
function liveliest<T extends { column: Column }>(series: T[]): T[] {
  const sized = series.map((one) => ({ one, size: summarize(one.column).avg ?? 0 }));
  sized.sort((a, b) => b.size - a.size);
  return sized.filter(({ size }, i) => i === 0 || size > 0).map(({ one }) => one);
}

type Figures = Readonly<Record<Figure, number | null>>;

const NO_FIGURES: Figures = { uptime: null, rejected: null, setAside: null, diskFree: null };

async function loadFigures(nowMs: number, signal: AbortSignal): Promise<Figures> {
  try {
    const { data } = await queryInstant(unite(Object.entries(FIGURES)), nowMs / 1000, signal);
    const figures: Record<string, number | null> = { ...NO_FIGURES };
    for (const { metric, value } of data.resultType === 'vector' ? data.result : []) {
      const number = parseFloatText(value?.[1] ?? 'NaN');
      if (Number.isFinite(number)) figures[metric[PART] ?? ''] = number;
    }
    return figures as Figures;
  } catch (error) {
    refusal(error);
    return NO_FIGURES;
  }
}

async function loadHosts(nowMs: number, signal: AbortSignal): Promise<Host[]> {
  try {
    const { data } = await queryInstant(HOSTS_QUERY, nowMs / 1000, signal);
    if (data.resultType !== 'vector') return [];
    return nameHosts(data.result.map((one) => one.metric));
  } catch (error) {
    refusal(error);
    return [];
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

/**
 * Everything the home page shows at `request.nowMs`; rejects when the server does not answer.
 *
 * `onPart` gets the same with what has arrived so far, each time more of it has.
 */
export async function loadHome(
  request: HomeRequest,
  signal: AbortSignal,
  onPart?: (snapshot: HomeSnapshot) => void,
): Promise<HomeSnapshot> {
  const step = chooseStep(request.spanMs, request.points, 5);
  const grid = alignGrid({ fromMs: request.nowMs - request.spanMs, toMs: request.nowMs }, step);
  const times = gridTimes(grid);
  const panels: Record<string, PanelColumns> = {};
  let figures = NO_FIGURES;
  const hosts = await loadHosts(request.nowMs, signal);
  const matchers = matchersOf(request.host, hosts);
  const snapshot = (): HomeSnapshot => ({
    times,
    grid,
    range: [request.fit ? startOfData(times, panels) : grid.start, grid.end],
    panels: { ...panels },
    figures,
    hosts,
    matchers,
    takenMs: request.nowMs,
  });
  await Promise.all([
    ...PANELS.map(async (panel) => {
      panels[panel.id] = await loadPanel(drawn(panel, matchers === null), snapshot(), signal);
      onPart?.(snapshot());
    }),
    loadFigures(request.nowMs, signal).then((found) => {
      figures = found;
    }),
  ]);
  return snapshot();
}
