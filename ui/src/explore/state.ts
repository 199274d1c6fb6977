// The queries of the Explore page and how they are written in the address bar, beside the context that every page
// has there. Everything that a colleague needs to see the same is in these two; nothing else is.

import { writeContext, type Search } from '../address/context';
import { UNIT_NAMES, type Unit } from '../design/format';
import { absolute, parseDuration, parseTime, type TimeRange } from '../time/range';

export const VIEWS = ['graph', 'heat', 'table'] as const;

export type View = (typeof VIEWS)[number];

export interface QueryPanel {
  expr: string;
  view: View;
  stacked: boolean;
  /** A Prometheus duration, or null to choose by the range. */
  step: string | null;
  /** Null to guess from the expression. */
  unit: Unit | null;
  /** Beside it the same so long before, as one of `PASTS`; null for none. */
  past: Past | null;
  /** With what was to be expected of series that are watched for anomalies. */
  expected: boolean;
  /** The query is chosen, not only written. */
  builder: boolean;
}

/** How long before a graph may be compared with. */
export const PASTS = ['1h', '1d', '1w'] as const;

export type Past = (typeof PASTS)[number];

export const PAST_NAMES: Readonly<Record<Past, string>> = {
  '1h': 'an hour before',
  '1d': 'a day before',
  '1w': 'a week before',
};

export const MOST_PANELS = 12;
const HOUR_MS = 3_600_000;

export function emptyPanel(expr = ''): QueryPanel {
  return {
    expr,
    view: 'graph',
    stacked: false,
    step: null,
    unit: null,
    past: null,
    expected: false,
    builder: false,
  };
}

function readUnit(text: string | undefined): Unit | null {
  return UNIT_NAMES.find(([unit]) => unit === text)?.[0] ?? null;
}

function readStep(text: string | undefined): string | null {
  const ms = text === undefined ? null : parseDuration(text);
  return ms !== null && ms > 0 && text !== undefined ? text : null;
}

/** The queries that search parameters describe; what is missing or nonsense becomes the default. */
export function readPanels(search: Search): readonly QueryPanel[] {
  const panels: QueryPanel[] = [];
  for (let i = 0; i < MOST_PANELS; i += 1) {
    const expr = search[`q${i}`];
    if (expr === undefined) break;
    panels.push({
      expr,
      view: VIEWS.find((one) => one === search[`v${i}`]) ?? 'graph',
      stacked: search[`stack${i}`] === '1',
      step: readStep(search[`step${i}`]),
      unit: readUnit(search[`unit${i}`]),
      past: PASTS.find((one) => one === search[`past${i}`]) ?? null,
      expected: search[`expected${i}`] === '1',
      builder: search[`build${i}`] === '1',
    });
  }
  return panels.length > 0 ? panels : [emptyPanel()];
}

/** `panels` as search parameters, defaults left out, so that `readPanels` gives them back. */
export function writePanels(panels: readonly QueryPanel[]): Search {
  const written: Record<string, string> = {};
  if (panels.length === 1 && panels[0]?.expr === '' && !panels[0].builder) return written;
  panels.forEach((panel, i) => {
    written[`q${i}`] = panel.expr;
    if (panel.view !== 'graph') written[`v${i}`] = panel.view;
    if (panel.stacked) written[`stack${i}`] = '1';
    if (panel.step !== null) written[`step${i}`] = panel.step;
    if (panel.unit !== null) written[`unit${i}`] = panel.unit;
    if (panel.past !== null) written[`past${i}`] = panel.past;
    if (panel.expected) written[`expected${i}`] = '1';
    if (panel.builder) written[`build${i}`] = '1';
  });
  return written;
}

/** The range of so long a time until `end`, which Prometheus writes in UTC; without it, until now. */
function graphRange(width: string | undefined, end: string | undefined): TimeRange | null {
  const widthMs = parseDuration(width ?? '');
  const endMs = end === undefined ? null : parseTime(end, 0, true);
  if (endMs !== null) return absolute(endMs - (widthMs || HOUR_MS), endMs);
  return widthMs ? { from: `now-${width}`, to: 'now' } : null;
}

/** Search parameters of Prometheus' own graph page (`g0.expr`, `g0.tab`, ...) as ours. */
export function fromGraphParams(flat: Search): Search {
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
  return { ...writePanels(panels), ...(range === null ? {} : writeContext({ range })) };
}
