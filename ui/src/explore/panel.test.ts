import { describe, expect, it } from 'vitest';
import type { RowModel } from '../api/dashboards';
import { addPanel, lastOpenRow } from '../dashboards/newPanel';
import { UNIT_NAMES } from '../design/format';
import { objects, textAt } from '../panels/json';
import { textIn } from '../panels/units/format';
import { dashboardOf, kindOf, panelOf, titleOf, UNIT_IDS } from './panel';
import { emptyPanel } from './state';

const RATE = 'sum by (job) (rate(http_requests_total{code=~"5..$"}[5m]))';

describe('a panel of what Explore shows', () => {
  it('asks the same, stacked, in the same steps and unit', () => {
    const query = { ...emptyPanel(RATE), stacked: true, step: '30s' };
    const panel = panelOf(query, 'timeseries', 'Errors', 'per-second');
    expect(panel).toMatchObject({
      type: 'timeseries',
      title: 'Errors',
      interval: '30s',
      fieldConfig: { defaults: { unit: 'cps', custom: { stacking: { mode: 'normal' } } } },
    });
    expect(objects(panel.targets).map((one) => textAt(one, 'expr'))).toEqual([RATE]);
    expect(objects(panel.targets)[0]).toMatchObject({ datasource: { type: 'prometheus' }, range: true });
  });
  it('of one value is a number, of several a table of this instant', () => {
    const one = { metric: {}, value: [0, '1'] as const };
    const vector = (count: number) => ({ resultType: 'vector', result: Array(count).fill(one) }) as never;
    const table = { ...emptyPanel('up'), view: 'table' as const };
    expect([0, 1, 2].map((count) => kindOf(table, vector(count)))).toEqual(['table', 'stat', 'table']);
    expect(kindOf(table, { resultType: 'scalar', result: [0, '1'] } as never)).toBe('stat');
    expect(kindOf(table, undefined)).toBe('table');
    expect(kindOf(emptyPanel('up'), vector(1))).toBe('timeseries');
    for (const kind of ['stat', 'table'] as const)
      expect(objects(panelOf(table, kind, '', 'none').targets)[0]).toMatchObject({
        instant: true,
        range: false,
      });
  });
  it('of stored buckets asks for what they grew by, of others as it was asked', () => {
    const asked = (expr: string): string =>
      textAt(objects(panelOf(emptyPanel(expr), 'heatmap', '', 'none').targets)[0], 'expr');
    expect(asked(' took_seconds_bucket{job="a"} ')).toBe(
      'sum by (le) (increase(took_seconds_bucket{job="a"}[$__rate_interval]))',
    );
    expect(asked('sum by (le) (rate(x[5m]))')).toBe('sum by (le) (rate(x[5m]))');
  });
  it('has units that panels write, and leaves out what is none', () => {
    for (const [unit] of UNIT_NAMES) {
      const id = UNIT_IDS[unit];
      const { fieldConfig } = panelOf(emptyPanel('up'), 'table', '', unit);
      expect(textAt(fieldConfig, 'defaults.unit', 'none')).toBe(id ?? 'none');
    }
    expect(textIn(2048, UNIT_IDS['bytes-per-second'] ?? '', undefined)).toBe('2 KiB/s');
    expect(textIn(3, UNIT_IDS.cores ?? '', undefined)).toBe('3 cores');
  });
  it('is called by its query, in one line that fits', () => {
    expect(titleOf(' sum(\n  up\n) ')).toBe('sum( up )');
    expect(titleOf('x'.repeat(200))).toHaveLength(80);
  });
  it('alone on a new dashboard shows the time that was looked at', () =>
    expect(
      dashboardOf('Shop', panelOf(emptyPanel('up'), 'stat', 'Up', 'none'), 'stat', {
        from: 'now-3h',
        to: 'now',
      }),
    ).toMatchObject({
      title: 'Shop',
      time: { from: 'now-3h', to: 'now' },
      panels: [{ id: 1, title: 'Up', type: 'stat', gridPos: { x: 0, y: 0, w: 6, h: 5 } }],
    }));
});

describe('a panel that is added', () => {
  const row = (key: string, more: Partial<RowModel> = {}): RowModel => ({
    ...{ key, id: 1, title: key, header: true, collapsed: false, repeat: '', panels: [] },
    ...more,
  });
  it('goes where it is seen: into no folded row and none of many', () => {
    const own = row('r:0', { header: false });
    expect(lastOpenRow([own, row('r:1'), row('r:2', { collapsed: true })])?.key).toBe('r:1');
    expect(lastOpenRow([own, row('r:1', { repeat: 'host' })])).toBe(own);
    expect(lastOpenRow([row('r:1', { collapsed: true })])).toBeUndefined();
  });
  it('stands beside what is there', () => {
    const grid = { x: 0, y: 0, w: 12, h: 8 };
    const held = row('r:7', { panels: [{ grid } as never] });
    const place = { x: 12, y: 0, w: 12, h: 8 };
    expect(addPanel(held, { title: 'a' })).toEqual({
      ...{ op: 'add_panel', row: 'r:7' },
      panel: { title: 'a', grid: place, gridPos: place },
    });
    expect(addPanel(undefined, {})).toMatchObject({ row: '', panel: { grid } });
  });
});
