// One refresh of the home page: all its queries for the same instants, together.

import { queryInstant, queryRange, type Grid } from '../api/calls';
import { ApiError, type Asking } from '../api/client';
import type { Labels } from '../api/types';
import { gridTimes, parseFloatText, summarize, toColumn, type Column } from '../chart/columns';
import { alignGrid, chooseStep, formatDuration, type Span } from '../time/range';
import {
  drawn,
  FIGURES_KEY,
  fillIn,
  HOSTS_QUERY,
  matchersOf,
  MOST_SERIES,
  nameHosts,
  nowExpr,
  PANEL,
  panelExpr,
  PANELS,
  PART,
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

/** The values of a panel's series at one instant, by their names. */
export type Present = ReadonlyMap<string, number>;

/** Something that could not be read, with the server's words. */
export interface Unread {
  what: string;
  error: string;
}

export interface HomeSnapshot {
  times: number[];
  grid: Grid;
  range: [number, number];
  panels: Readonly<Record<string, PanelColumns>>;
  /** What tiles and findings read, by panel: of instant queries at `takenMs`, so no range of a chart bears on it. */
  now: Readonly<Record<string, Present>>;
  figures: Figures;
  /** What could not be read, the charts aside: those tell it themselves. */
  unread: readonly Unread[];
  /** Everything has been answered, were it by an error. */
  whole: boolean;
  hosts: readonly Host[];
  /** The matchers of the host that is shown; null when the host panels show an overview of all. */
  matchers: string | null;
  takenMs: number;
}

export interface HomeRequest {
  /** What the charts show. */
  span: Span;
  /** What tiles and findings are of. */
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
  asking: Asking,
): Promise<PanelColumns> {
  const windowText = formatDuration(Math.max(60, grid.step * 4) * 1000);
  try {
    const { data } = await queryRange(fillIn(panelExpr(panel), matchers, windowText), grid, asking);
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

const NO_FIGURES: Figures = {
  uptime: null,
  rejected: null,
  setAside: null,
  setAsideParts: null,
  diskFree: null,
};

/** The present of a group's panels, and of the figures, by their ids. */
async function loadNow(
  group: Panel['group'],
  { hosts, matchers, takenMs }: HomeSnapshot,
  asking: Asking,
): Promise<Record<string, Present>> {
  const { data } = await queryInstant(nowExpr(group, matchers), takenMs / 1000, asking);
  const found: Record<string, Map<string, number>> = {};
  for (const { metric, value } of data.resultType === 'vector' ? data.result : []) {
    const id = metric[PANEL] ?? '';
    const panel = PANELS.find((one) => one.id === id);
    const number = parseFloatText(value?.[1] ?? 'NaN');
    const name = panel ? nameOf(drawn(panel, matchers === null), metric, hosts) : (metric[PART] ?? '');
    // NaN is no value: a quantile of nothing.
    if (Number.isFinite(number)) (found[id] ??= new Map()).set(name, number);
  }
  return found;
}

async function loadHosts(nowMs: number, asking: Asking): Promise<Host[]> {
  const { data } = await queryInstant(HOSTS_QUERY, nowMs / 1000, asking);
  if (data.resultType !== 'vector') return [];
  return nameHosts(data.result.map((one) => one.metric));
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
  asking: Asking,
  onPart?: (snapshot: HomeSnapshot) => void,
): Promise<HomeSnapshot> {
  const { span } = request;
  const grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, request.points, 5));
  const times = gridTimes(grid);
  const panels: Record<string, PanelColumns> = {};
  const now: Record<string, Present> = {};
  const unread: Unread[] = [];
  const orUnread = async <T>(what: string, answer: Promise<T>, otherwise: T): Promise<T> =>
    answer.catch((error: unknown) => {
      unread.push({ what, error: refusal(error) });
      return otherwise;
    });
  const hosts = await orUnread('hosts', loadHosts(request.nowMs, asking), []);
  const matchers = matchersOf(request.host, hosts);
  const snapshot = (whole = false): HomeSnapshot => ({
    times,
    grid,
    range: [request.fit ? startOfData(times, panels) : grid.start, grid.end],
    panels: { ...panels },
    now: { ...now },
    figures: { ...NO_FIGURES, ...Object.fromEntries(now[FIGURES_KEY] ?? []) },
    unread: [...unread],
    whole,
    hosts,
    matchers,
    takenMs: request.nowMs,
  });
  await Promise.all([
    ...PANELS.map(async (panel) => {
      panels[panel.id] = await loadPanel(drawn(panel, matchers === null), snapshot(), asking);
      onPart?.(snapshot());
    }),
    ...(['pharos', 'host'] as const).map(async (group) => {
      const what = group === 'host' ? "the host's figures" : "Pharos' figures";
      Object.assign(now, await orUnread(what, loadNow(group, snapshot(), asking), {}));
      onPart?.(snapshot());
    }),
  ]);
  return snapshot(true);
}
