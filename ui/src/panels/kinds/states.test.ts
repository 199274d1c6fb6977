import { expect, test } from 'vitest';
import type { Frame } from '../frame';
import { configure } from '../overrides';
import { lanesOf, textAtIn } from './States';

test.each([
  ['left', 10],
  ['center', 25],
  ['right', 40],
] as const)('a state is named at the %s of what is seen of it', (align, at) =>
  expect(textAtIn(10, 60, 20, align)).toBe(at),
);

test('a state that is too short is not named', () => expect(textAtIn(10, 30, 20, 'center')).toBeNull());

const LOOKS = { scheme: 'dark', clock: { nowMs: 0, utc: true } } as const;

/** From when to when, in seconds, the states of a lane last. */
function runs(custom: object): (readonly [from: number, to: number])[] {
  const frame: Frame = {
    fields: [
      { name: 'Time', type: 'time', values: [0, 1000, 2000, 3000, 8000] },
      { name: 'Up', type: 'string', values: ['a', null, 'a', 'b', 'b'] },
    ],
  };
  const lanes = lanesOf(configure([frame], { defaults: { custom } }), LOOKS, true);
  return (lanes.runs[0] ?? []).map(({ from, to }) => [from, to]);
}

test('a state lasts until the next instant, and over gaps that are to be bridged', () => {
  expect(runs({})).toEqual([
    [0, 1],
    [2, 3],
    [3, 9],
  ]);
  expect(runs({ spanNulls: 2000 })).toEqual([
    [0, 3],
    [3, 9],
  ]);
  expect(runs({ spanNulls: 1000 })).toEqual(runs({}));
});

test('a state ends where the next instant is too far', () =>
  expect(runs({ insertNulls: 2000 })).toEqual([
    [0, 1],
    [2, 3],
    [3, 5],
    [8, 9],
  ]));
