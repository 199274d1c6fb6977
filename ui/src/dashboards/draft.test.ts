import { describe, expect, it } from 'vitest';
import type { DashboardModel, PanelModel } from '../api/dashboards';
import { applied, findPanel, movePanels, setPanel, withChange, type Change } from './draft';

const GRID = { x: 0, y: 0, w: 12, h: 8 };

function panel(id: number): PanelModel {
  return {
    ...{
      key: `p:${id}`,
      id,
      type: 'stat',
      title: `panel ${id}`,
      description: '',
      transparent: false,
      grid: GRID,
      options: {},
      fieldConfig: {},
    },
    ...{ transformations: [], targets: [], links: [], library: null, original_type: 'stat', interval: null },
    ...{
      maxDataPoints: null,
      timeFrom: null,
      timeShift: null,
      repeat: '',
      repeatDirection: 'h',
      maxPerRow: 4,
    },
  };
}

const MODEL: DashboardModel = {
  ...{
    uid: 'x',
    title: 'X',
    description: '',
    tags: [],
    editable: true,
    time: { from: 'now-1h', to: 'now' },
    refresh: '',
    timezone: '',
  },
  ...{ hide_time_controls: false, tooltip: 'none', variables: [], annotations: [], links: [] },
  tabs: [
    {
      key: '',
      title: '',
      rows: [
        {
          key: 'r:1',
          id: 1,
          title: 'Row',
          header: true,
          collapsed: false,
          repeat: '',
          panels: [panel(1), panel(2)],
        },
      ],
    },
  ],
};

function all(...changes: readonly Change[]): Change[] {
  return changes.reduce<Change[]>(withChange, []);
}

describe('changes', () => {
  it('of one panel are one', () =>
    expect(
      all(setPanel(1, { title: 'a' }), setPanel(1, { type: 'gauge' }), setPanel(2, { title: 'b' })),
    ).toEqual([
      { op: 'set_panel', id: 1, panel: { title: 'a', type: 'gauge' } },
      { op: 'set_panel', id: 2, panel: { title: 'b' } },
    ]));
  it('of places in one row are one, the last of each panel', () =>
    expect(
      all(
        movePanels('r:1', [
          { id: 1, grid: GRID },
          { id: 2, grid: GRID },
        ]),
        movePanels('r:1', [{ id: 1, grid: { ...GRID, x: 3 } }]),
      ),
    ).toEqual([
      {
        op: 'move_panels',
        panels: [
          { id: 2, row: 'r:1', grid: GRID },
          { id: 1, row: 'r:1', grid: { ...GRID, x: 3 } },
        ],
      },
    ]));
  it('of settings are one', () =>
    expect(all({ op: 'set', settings: { title: 'a' } }, { op: 'set', settings: { tags: ['b'] } })).toEqual([
      { op: 'set', settings: { title: 'a', tags: ['b'] } },
    ]));
});

describe('a draft', () => {
  it('shows at once what is set, moved and taken away', () => {
    const changed = [
      setPanel(1, { title: 'new' }),
      movePanels('r:1', [{ id: 1, grid: { ...GRID, x: 6 } }]),
      { op: 'remove_panel', id: 2 },
      { op: 'set_row', key: 'r:1', row: { title: 'R' } },
    ].reduce(applied, MODEL);
    expect(findPanel(changed, 1)).toMatchObject({
      panel: { title: 'new', type: 'stat', grid: { x: 6 } },
      row: { title: 'R' },
    });
    expect(findPanel(changed, 2)).toBeNull();
    expect(findPanel(MODEL, 1)?.panel.title).toBe('panel 1');
  });
  it('waits with what only the server can tell', () =>
    expect(applied(MODEL, { op: 'add_panel', panel: {} })).toBe(MODEL));
});
