// The state of the Explore page and how it is written in the address bar. Everything that a colleague needs to see
// the same is in here; nothing else is.

import { UNIT_NAMES, type Unit } from '../design/format';
import { absolute, parseDuration, parseTime, type TimeRange } from '../time/range';

export type View = 'graph' | 'table';

export interface QueryPanel {
  expr: string;
  view: View;
  stacked: boolean;
  /** A Prometheus duration, or null to choose by the range. */
  step: string | null;
  /** Null to guess from the expression. */
  unit: Unit | null;
}

export interface ExploreState {
  panels: readonly QueryPanel[];
  range: TimeRange;
  /** 0 for none. */
  refreshMs: number;
}

export type Flat = Readonly<Record<string, string | undefined>>;

export const DEFAULT_RANGE: TimeRange = { from: 'now-1h', to: 'now' };
export const MOST_PANELS = 12;
const HOUR_MS = 3_600_000;
const LEAST_REFRESH_MS = 1_000;

export function emptyPanel(expr = ''): QueryPanel {
  return { expr, view: 'graph', stacked: false, step: null, unit: null };
}

function readUnit(text: string | undefined): Unit | null {
  return UNIT_NAMES.find(([unit]) => unit === text)?.[0] ?? null;
}

function readStep(text: string | undefined): string | null {
  const ms = text === undefined ? null : parseDuration(text);
  return ms !== null && ms > 0 && text !== undefined ? text : null;
}

/** The state that flat search parameters describe; what is missing or nonsense becomes the default. */
export function readState(flat: Flat): ExploreState {
  const panels: QueryPanel[] = [];
  for (let i = 0; i < MOST_PANELS; i += 1) {
    const expr = flat[`q${i}`];
    if (expr === undefined) break;
    panels.push({
      expr,
      view: flat[`v${i}`] === 'table' ? 'table' : 'graph',
      stacked: flat[`stack${i}`] === '1',
      step: readStep(flat[`step${i}`]),
      unit: readUnit(flat[`unit${i}`]),
    });
  }
  const refresh = flat.refresh === undefined ? null : parseDuration(flat.refresh);
  return {
    panels: panels.length > 0 ? panels : [emptyPanel()],
    range: { from: flat.from || DEFAULT_RANGE.from, to: flat.to || DEFAULT_RANGE.to },
    refreshMs: refresh !== null && refresh >= LEAST_REFRESH_MS ? refresh : 0,
  };
}

/** `state` as flat search parameters, defaults left out, so that `readState` gives it back. */
export function writeState(state: ExploreState): Record<string, string> {
  const flat: Record<string, string> = {};
  const blank = state.panels.length === 1 && state.panels[0]?.expr === '';
  state.panels.forEach((panel, i) => {
    if (!blank) flat[`q${i}`] = panel.expr;
    if (panel.view === 'table' && !blank) flat[`v${i}`] = 'table';
    if (panel.stacked && !blank) flat[`stack${i}`] = '1';
    if (panel.step !== null && !blank) flat[`step${i}`] = panel.step;
    if (panel.unit !== null && !blank) flat[`unit${i}`] = panel.unit;
  });
  if (state.range.from !== DEFAULT_RANGE.from || state.range.to !== DEFAULT_RANGE.to) {
    flat.from = state.range.from;
    flat.to = state.range.to;
  }
  if (state.refreshMs > 0) flat.refresh = `${state.refreshMs / 1000}s`;
  return flat;
}

/** The range of so long a time until `end`, which Prometheus writes in UTC; without it, until now. */
function graphRange(width: string | undefined, end: string | undefined): TimeRange {
  const widthMs = parseDuration(width ?? '');
  const endMs = end === undefined ? null : parseTime(end, 0, true);
  if (endMs !== null) return absolute(endMs - (widthMs || HOUR_MS), endMs);
  return widthMs ? { from: `now-${width}`, to: 'now' } : DEFAULT_RANGE;
}

/** Search parameters that ask for `expr` alone, in the range that the page with `flat` shows. */
export function withQuery(flat: Flat, expr: string): Record<string, string> {
  const { from, to, refresh } = flat;
  return {
    q0: expr,
    ...(from === undefined || to === undefined ? {} : { from, to }),
    ...(refresh === undefined ? {} : { refresh }),
  };
}

/** Search parameters of Prometheus' own graph page (`g0.expr`, `g0.tab`, ...) as ours. */
export function fromGraphParams(flat: Flat): Record<string, string> {
  const panels: QueryPanel[] = [];
  for (let i = 0; i < MOST_PANELS; i += 1) {
    const expr = flat[`g${i}.expr`];
    if (expr === undefined) break;
    const tab = flat[`g${i}.tab`];
    panels.push({
      ...emptyPanel(expr),
      view: tab === '1' || tab === 'table' ? 'table' : 'graph',
      stacked: flat[`g${i}.stacked`] === '1',
    });
  }
  const range = graphRange(flat['g0.range_input'], flat['g0.end_input']);
  return writeState({ panels: panels.length > 0 ? panels : [emptyPanel()], range, refreshMs: 0 });
}

/** Line and column (both from 1) that a Prometheus parse error names, if it does: `1:5: parse error: ...`. */
export function errorPosition(message: string): { line: number; column: number } | null {
  const found = /(?:^|\s|")(\d+):(\d+): parse error/.exec(message);
  return found ? { line: Number(found[1]), column: Number(found[2]) } : null;
}

/** One line per instant, one column per series, as spreadsheets read it (RFC 4180). */
export function toCsv(
  header: readonly string[],
  rows: readonly (readonly (string | number | null)[])[],
): string {
  const cell = (value: string | number | null): string => {
    if (value === null) return '';
    // A formula in a spreadsheet must not come from a label's value.
    const text = typeof value === 'string' && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [header, ...rows].map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}
