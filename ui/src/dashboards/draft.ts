// Changes of a dashboard that are not saved yet: told to the server as a list, shown at once as far as that is plain.

import type { DashboardModel, GridBox, PanelModel, RowModel } from '../api/dashboards';
import { object, type Json, type JsonObject } from '../panels/json';

/** One change, as the server takes it. */
export type Change = JsonObject;

/** What of a panel an editor sets; what is left out stays. */
export type PanelChange = Partial<
  Pick<
    PanelModel,
    | 'title'
    | 'description'
    | 'type'
    | 'options'
    | 'fieldConfig'
    | 'targets'
    | 'transformations'
    | 'transparent'
    | 'links'
    | 'timeFrom'
    | 'timeShift'
    | 'interval'
    | 'maxDataPoints'
    | 'repeat'
    | 'repeatDirection'
    | 'maxPerRow'
  >
>;

export function setPanel(id: number, panel: PanelChange): Change {
  return { op: 'set_panel', id, panel: panel };
}

export function movePanels(row: string, boxes: readonly { id: number; grid: GridBox }[]): Change {
  return {
    op: 'move_panels',
    panels: boxes.map(({ id, grid: { x, y, w, h } }) => ({ id, row, grid: { x, y, w, h } })),
  };
}

function same(a: Change, b: Change, ...keys: readonly string[]): boolean {
  return keys.every((key) => a[key] === b[key]);
}

function rowOf(change: Change): Json | undefined {
  const [first] = Array.isArray(change.panels) ? (change.panels as JsonObject[]) : [];
  return first?.row;
}

/** `changes` and one more; a second change of the same thing takes the place of the first. */
export function withChange(changes: readonly Change[], next: Change): Change[] {
  const last = changes.at(-1);
  if (last?.op === 'set_panel' && same(last, next, 'op', 'id'))
    return [...changes.slice(0, -1), { ...last, panel: { ...object(last.panel), ...object(next.panel) } }];
  if (last?.op === 'move_panels' && next.op === 'move_panels' && rowOf(last) === rowOf(next)) {
    const moved = new Set((next.panels as JsonObject[]).map(({ id }) => id));
    const kept = (last.panels as JsonObject[]).filter(({ id }) => !moved.has(id));
    return [...changes.slice(0, -1), { ...next, panels: [...kept, ...(next.panels as JsonObject[])] }];
  }
  if (last?.op === 'set' && next.op === 'set')
    return [
      ...changes.slice(0, -1),
      { op: 'set', settings: { ...object(last.settings), ...object(next.settings) } },
    ];
  return [...changes, next];
}

function eachRow(model: DashboardModel, of: (row: RowModel) => RowModel): DashboardModel {
  return { ...model, tabs: model.tabs.map((tab) => ({ ...tab, rows: tab.rows.map(of) })) };
}

function eachPanel(model: DashboardModel, of: (panel: PanelModel) => PanelModel): DashboardModel {
  return eachRow(model, (row) => ({ ...row, panels: row.panels.map(of) }));
}

/** `model` as it will be after `change`, where that can be told here; as it is otherwise, until the server has said. */
export function applied(model: DashboardModel, change: Change): DashboardModel {
  switch (change.op) {
    case 'set_panel':
      return eachPanel(model, (panel) =>
        panel.id === change.id ? { ...panel, ...(object(change.panel) as PanelChange) } : panel,
      );
    case 'move_panels': {
      const boxes = new Map(
        (change.panels as JsonObject[]).map(({ id, grid }) => [id, grid as unknown as GridBox]),
      );
      return eachPanel(model, (panel) => ({ ...panel, grid: boxes.get(panel.id) ?? panel.grid }));
    }
    case 'remove_panel':
      return eachRow(model, (row) => ({ ...row, panels: row.panels.filter(({ id }) => id !== change.id) }));
    case 'set_row':
      return eachRow(model, (row) =>
        row.key === change.key ? { ...row, ...(object(change.row) as Partial<RowModel>) } : row,
      );
    default:
      return model;
  }
}

/** The panel of number `id`, and the row that it stands in. */
export function findPanel(model: DashboardModel, id: number): { panel: PanelModel; row: RowModel } | null {
  for (const { rows } of model.tabs)
    for (const row of rows) {
      const panel = row.panels.find((one) => one.id === id);
      if (panel) return { panel, row };
    }
  return null;
}
