import { describe, expect, it } from 'vitest';
import {
  afterKey,
  afterKeyAt,
  exchanged,
  compact,
  depthOf,
  fit,
  inOneColumn,
  overlap,
  placeOf,
  put,
  roomFor,
  type Box,
} from './layout';

const A: Box = { key: 'a', x: 0, y: 0, w: 12, h: 4 };
const B: Box = { key: 'b', x: 12, y: 0, w: 12, h: 4 };
const C: Box = { key: 'c', x: 0, y: 4, w: 24, h: 6 };
const ALL = [A, B, C];

function places(boxes: readonly Box[]): Record<string, number[]> {
  return Object.fromEntries(boxes.map(({ key, x, y, w, h }) => [key, [x, y, w, h]]));
}

describe('the grid', () => {
  it.each([
    ['a stays', 'a', A, { a: [0, 0, 12, 4], b: [12, 0, 12, 4], c: [0, 4, 24, 6] }],
    ['onto its neighbour', 'a', { ...A, x: 12 }, { a: [12, 0, 12, 4], b: [12, 4, 12, 4], c: [0, 8, 24, 6] }],
    ['below all', 'a', { ...A, y: 20 }, { a: [0, 10, 12, 4], b: [12, 0, 12, 4], c: [0, 4, 24, 6] }],
    ['to the top', 'c', { ...C, y: 0 }, { a: [0, 6, 12, 4], b: [12, 6, 12, 4], c: [0, 0, 24, 6] }],
    ['wider', 'a', { ...A, w: 20 }, { a: [0, 0, 20, 4], b: [12, 4, 12, 4], c: [0, 8, 24, 6] }],
    [
      'out of the grid',
      'b',
      { x: 99, y: -5, w: 99, h: 0 },
      { a: [0, 2, 12, 4], b: [0, 0, 24, 2], c: [0, 6, 24, 6] },
    ],
  ])('%s', (_, key, to, expected) => expect(places(put(ALL, key, to))).toEqual(expected));
  it('never has two in one place, whatever is done', () => {
    let boxes: readonly Box[] = ALL;
    for (let i = 0; i < 300; i += 1) {
      const random = (most: number): number =>
        Math.floor(Math.abs(Math.sin(i * 12.9898 + most) * 43_758.5453) % most);
      boxes = put(boxes, ['a', 'b', 'c'][i % 3] ?? 'a', {
        x: random(24),
        y: random(19),
        w: random(25),
        h: random(11),
      });
      boxes.forEach((one, n) =>
        boxes.slice(n + 1).forEach((other) => expect(overlap(one, other)).toBe(false)),
      );
    }
  });
  it('rises as far as there is room', () =>
    expect(
      depthOf(
        compact([
          { ...A, y: 9 },
          { ...C, y: 30 },
        ]),
      ),
    ).toBe(10));
  it('rises from however far down', () => {
    const far = compact([
      { ...A, y: 1e308 },
      { ...C, y: 1e15 },
    ]);
    expect(places(far)).toEqual({ a: [0, 6, 12, 4], c: [0, 0, 24, 6] });
    expect(roomFor([{ ...C, y: 1e9 }], 12, 8)).toEqual({ x: 0, y: 0, w: 12, h: 8 });
  });
  it('is one column on a narrow page', () =>
    expect(places(inOneColumn(ALL))).toEqual({ a: [0, 0, 24, 4], b: [0, 4, 24, 4], c: [0, 8, 24, 6] }));
  it.each([
    ['ArrowRight', false, { x: 1, y: 0, w: 12, h: 4 }],
    ['ArrowLeft', false, { x: 0, y: 0, w: 12, h: 4 }],
    ['ArrowDown', false, { x: 0, y: 1, w: 12, h: 4 }],
    ['ArrowRight', true, { x: 0, y: 0, w: 13, h: 4 }],
    ['ArrowUp', true, { x: 0, y: 0, w: 12, h: 3 }],
    ['Enter', false, null],
  ])('takes %s (sizing: %s)', (key, sizing, expected) =>
    expect(afterKey({ x: 0, y: 0, w: 12, h: 4 }, key, sizing)).toEqual(expected),
  );
  it('goes up and down past what lies there', () => {
    const own: Box[] = [
      { key: 'a', x: 0, y: 0, w: 12, h: 8 },
      { key: 'b', x: 12, y: 0, w: 12, h: 8 },
      { key: 'c', x: 0, y: 8, w: 24, h: 8 },
    ];
    const down = afterKeyAt(own, 'a', 'ArrowDown', false) ?? [];
    expect(places(down)).toEqual({ a: [0, 16, 12, 8], b: [12, 0, 12, 8], c: [0, 8, 24, 8] });
    expect(afterKeyAt(down, 'a', 'ArrowUp', false)).toEqual(own);
    expect(afterKeyAt(down, 'a', 'ArrowDown', false)).toBe(down);
    expect(afterKeyAt(own, 'a', 'Enter', false)).toBeNull();
  });
  it('is exchanged with its neighbour', () => {
    expect(places(exchanged(ALL, 'a', 1) ?? [])).toMatchObject({ a: [12, 0, 12, 4], b: [0, 0, 12, 4] });
    expect(places(exchanged(ALL, 'c', -1) ?? [])).toMatchObject({ a: [0, 6, 12, 4], c: [0, 0, 24, 6] });
    expect(exchanged(ALL, 'a', -1)).toBeNull();
    expect(exchanged(ALL, 'c', 1)).toBeNull();
  });
  it('has gaps between neighbours and none beyond the edge', () => {
    const [left, right] = [placeOf(A, 1000), placeOf(B, 1000)];
    expect(left.left + left.width + 8).toBe(right.left);
    expect(right.left + right.width).toBe(1000);
  });
  it('finds room for what is new', () => {
    expect(roomFor(ALL, 12, 8)).toEqual({ x: 0, y: 10, w: 12, h: 8 });
    expect(roomFor([A], 12, 4)).toEqual({ x: 12, y: 0, w: 12, h: 4 });
  });
  it('keeps a box as it fits', () =>
    expect(fit({ x: 20, y: 1, w: 10, h: 1 })).toEqual({ x: 14, y: 1, w: 10, h: 2 }));
});
