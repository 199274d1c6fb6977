// A panel that is made here rather than imported, and where on its dashboard it goes.

import type { RowModel } from '../api/dashboards';
import type { JsonObject } from '../panels/json';
import type { Change } from './draft';
import { roomFor } from './layout';

/** What is asked where nothing says what. */
export const METRICS = { type: 'prometheus', uid: 'prometheus' } as const;

/** What a panel of lines says until somebody changes it. */
export const LINES: JsonObject = {
  type: 'timeseries',
  options: {
    legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
    tooltip: { mode: 'multi', sort: 'desc' },
  },
  fieldConfig: {
    defaults: { custom: { lineWidth: 1, fillOpacity: 10, showPoints: 'never' } },
    overrides: [],
  },
};

/** How many of the 24 columns a new panel is wide, and how high. */
export const SIZE = { w: 12, h: 8 } as const;

/** The change that adds `panel` to the row `row`, where there is room for it; without a row, before all headings. */
export function addPanel(
  row: RowModel | undefined,
  panel: JsonObject,
  { w, h }: { w: number; h: number } = SIZE,
): Change {
  const grid = { ...roomFor(row?.panels.map((one) => one.grid) ?? [], w, h) };
  return { op: 'add_panel', row: row?.header ? row.key : '', panel: { ...panel, grid, gridPos: grid } };
}

/** The row whose end is seen by who opens the dashboard: neither folded nor there once for each of many values. */
export function lastOpenRow(rows: readonly RowModel[]): RowModel | undefined {
  return rows.findLast(({ header, collapsed, repeat }) => !header || (!collapsed && repeat === ''));
}
