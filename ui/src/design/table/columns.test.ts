import { describe, expect, it } from 'vitest';
import {
  columnFigures,
  columnWidth,
  compareKeys,
  gridTemplate,
  rowAfterKey,
  sortKey,
  type CellValue,
  type TableColumn,
} from './columns';

interface Row {
  name: string;
  size: number;
}

const NAME: TableColumn<Row> = { id: 'name', title: 'name', value: (row) => row.name };
const SIZE: TableColumn<Row> = {
  id: 'size',
  title: 'size',
  kind: 'number',
  unit: 'bytes',
  value: (row) => row.size,
};

function sorted(values: CellValue[]): CellValue[] {
  return [...values].sort((a, b) => compareKeys(sortKey(a), sortKey(b)));
}

describe('the order of cells', () => {
  it('has numbers in texts by size', () =>
    expect(sorted(['host-10', 'host-9', 'Host-1'])).toEqual(['Host-1', 'host-9', 'host-10']));
  it('has nothing and NaN at the end', () =>
    expect(sorted([NaN, 3, null, -Infinity, Infinity])).toEqual([-Infinity, 3, Infinity, NaN, null]));
});

describe('columns', () => {
  const rows = [
    { name: 'a', size: 3 * 2 ** 20 },
    { name: 'x'.repeat(300), size: 2 ** 20 },
  ];
  const figures = columnFigures([NAME, SIZE], rows);
  it('of numbers share unit and digits', () => {
    expect(figures.get('size')?.head).toBe('MiB');
    expect(rows.map((row) => figures.get('size')?.write(row.size))).toEqual(['3.000', '1.000']);
  });
  it('do not grow with one long value', () => {
    const { least, share } = columnWidth(NAME, rows, figures);
    expect(share).toBeLessThan(50);
    expect(least).toBeLessThan(share);
  });
  it('have room for their head', () =>
    expect(columnWidth({ ...SIZE, title: 'a very long title' }, rows, figures).least).toBeGreaterThan(20));
  it('are as wide as the reader made them', () =>
    expect(
      gridTemplate(
        [
          { id: 'name', kind: 'text', width: { least: 8, share: 20 } },
          { id: 'size', kind: 'number', width: { least: 8, share: 9 } },
          { id: 'age', kind: 'text', width: { least: 8, share: 9 } },
          { id: 'said', kind: 'text', width: { least: 8, share: 9 }, px: 120 },
          { id: 'said and sized', kind: 'number', width: { least: 8, share: 9 }, px: 120 },
        ],
        new Map([
          ['name', 200.4],
          ['age', 3],
          ['said and sized', 90],
        ]),
      ),
    ).toBe('200px 9ch 48px 120px 90px'));
  it('of numbers share the room that no text takes', () =>
    expect(
      gridTemplate(
        [
          { id: 'name', kind: 'text', width: { least: 8, share: 20 }, px: 200 },
          { id: 'size', kind: 'number', width: { least: 8, share: 9 } },
        ],
        new Map(),
      ),
    ).toBe('200px minmax(9ch, 9fr)'));
  it('have at least the pixels that somebody said', () =>
    expect(
      gridTemplate(
        [
          { id: 'name', kind: 'text', width: { least: 8, share: 20 }, leastPx: 150 },
          { id: 'size', kind: 'number', width: { least: 8, share: 9 }, leastPx: 90 },
        ],
        new Map(),
      ),
    ).toBe('minmax(max(8ch, 150px), 20fr) max(9ch, 90px)'));
});

describe('keys in a table of ten rows', () => {
  it.each([
    ['ArrowDown', -1, 0],
    ['ArrowDown', 9, 9],
    ['ArrowUp', -1, 0],
    ['ArrowUp', 4, 3],
    ['PageDown', -1, 4],
    ['PageUp', 6, 2],
    ['Home', 6, 0],
    ['End', 6, 9],
    ['x', 6, null],
  ])('%s at row %d leads to %s', (key, now, next) => expect(rowAfterKey(key, now, 10, 4)).toBe(next));
  it('none is current in an empty table', () => expect(rowAfterKey('End', -1, 0, 4)).toBeNull());
});
