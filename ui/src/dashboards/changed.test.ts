import { describe, expect, it } from 'vitest';
import type { Definitions } from '../api/dashboards';
import { changedInWords } from './changed';

const DEFINITIONS: Definitions = { variables: [], annotations: [], links: [] };

function panel(id: number, more: object = {}): object {
  return { key: `p:${id}`, id, type: 'stat', title: `P${id}`, grid: { x: 0, y: 0, w: 12, h: 8 }, ...more };
}

function part(
  panels: readonly object[],
  more: object = {},
  definitions: object = {},
  rows: readonly object[] = [],
) {
  const row = { key: 'r:0', header: false, title: '', collapsed: false, repeat: '', panels };
  const model = { title: 'Shop', tags: [], tabs: [{ key: '', title: '', rows: [row, ...rows] }], ...more };
  return { model, definitions: { ...DEFINITIONS, ...definitions } } as never;
}

describe('what a save changes', () => {
  it('is said of panels by their names', () =>
    expect(
      changedInWords(
        part([panel(1), panel(2), panel(3), panel(4)]),
        part([
          panel(1, { title: 'Queue', type: 'gauge' }),
          panel(2, { grid: { x: 12, y: 0, w: 12, h: 8 } }),
          panel(3, { targets: [{ expr: 'up' }] }),
          panel(5, { title: ' ' }),
        ]),
      ),
    ).toEqual([
      { what: 'Panels added', names: ['stat 5'] },
      { what: 'Panels removed', names: ['P4'] },
      { what: 'Panels changed', names: ['P1 → Queue', 'P3'] },
      { what: 'Panels moved or sized', names: ['P2'] },
    ]));
  it('is said of rows, settings, variables and links', () => {
    const row = { key: 'r:7', header: true, title: 'Disks', collapsed: false, repeat: '', panels: [] };
    const variables = [{ name: 'host', multi: true }, { name: 'job' }];
    expect(
      changedInWords(
        part([], {}, { variables, links: [{ title: 'a' }, { title: 'b' }] }, [row]),
        part(
          [],
          { title: 'Store', tags: ['x'] },
          { variables: [{ name: 'host' }, { name: 'job' }], links: [{ title: 'b' }, { title: 'a' }] },
          [
            { ...row, title: 'Volumes' },
            { ...row, key: 'r:8', title: 'New row' },
          ],
        ),
      ),
    ).toEqual([
      { what: 'Rows added', names: ['New row'] },
      { what: 'Rows changed', names: ['Volumes'] },
      { what: 'Settings changed', names: ['title', 'tags'] },
      { what: 'Variables changed', names: ['host'] },
      { what: 'Links put in another order', names: [] },
    ]);
  });
  it('is nothing where nothing differs', () =>
    expect(changedInWords(part([panel(1)]), part([panel(1)]))).toEqual([]));
});
