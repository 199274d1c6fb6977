import { expect, test } from 'vitest';
import { readConfig } from '../config';
import { drawingOf } from '../series/columns';
import { configure } from '../overrides';
import { tickLabels } from '../series/plot';
import { binsOf, edgeTexts, footOf, placesNamed } from './BarChart';
import { ticksOf } from './bars';

const counted = (values: readonly number[]): number[] =>
  binsOf([values], undefined, 0).map(({ counts }) => counts[0] ?? 0);

test('values that only rounding sets apart are in one bin', () => {
  expect(counted([231.1, 231.1 + 1e-13, 231.1 - 1e-13])).toEqual([3]);
  expect(counted([-4.1, -4.1 - 1e-14])).toEqual([2]);
  expect(counted([0, 0])).toEqual([2]);
});

test('values that differ are in bins as far apart as they are', () => {
  const bins = counted([1e6, 1e6 + 0.3]);
  expect(bins.length).toBeGreaterThan(10);
  expect([bins[0], bins.at(-1)]).toEqual([1, 1]);
});

test('ends of bins are told apart', () => {
  const config = (decimals?: number) =>
    readConfig({ unit: 'none', ...(decimals === undefined ? {} : { decimals }) });
  expect(edgeTexts([0, 5, 10], config())).toEqual(['0', '5', '10']);
  expect(edgeTexts([20.12, 20.14, 20.16], config())).toEqual(['20.12', '20.14', '20.16']);
  expect(edgeTexts([0, 0.5, 1], config(0))).toEqual(['0', '0.5', '1']);
});

test('ticks of counts are whole', () => {
  const frame = {
    fields: [
      { name: 'Time', type: 'time', values: [0] },
      { name: 'Value', type: 'number', values: [1] },
    ],
  } as const;
  const [scale] = drawingOf(configure([frame], { defaults: { unit: 'short', decimals: 0 } }), {
    scheme: 'dark',
    clock: { nowMs: 0, utc: true },
  }).scales;
  if (!scale) throw new Error('no axis');
  const ticks = ticksOf(0, 1.06, 6, scale);
  expect(tickLabels(ticks, scale, 1)).toEqual(['0', '1']);
});

test('names below bars are turned, and leave the bars most of the height', () => {
  expect(footOf(100, 0, 400)).toEqual({ angle: 0, px: 20, along: Infinity });
  expect(footOf(100, -90, 400)).toMatchObject({ angle: -90, px: 116, along: 100 });
  expect(footOf(100, 30, 400)).toMatchObject({ angle: 30, px: 66 });
  expect(footOf(1000, 120, 400)).toMatchObject({ angle: 90, px: 180, along: 164 });
});

test.each([
  ['all that have room', 1, 0, [0, 1, 2, 3, 4, 5]],
  ['each second where they would overlap', 2, 0, [0, 2, 4]],
  ['as far apart as is asked for', 1, 100, [0, 3]],
  ['from the last one', 1, -100, [2, 5]],
  ['as far apart as they need in any case', 4, 100, [0, 4]],
])('of six names on 200 pixels are told %s', (_, every, spacing, places) => {
  const named = placesNamed(6, every, spacing, 200);
  expect([0, 1, 2, 3, 4, 5].filter(named)).toEqual(places);
});
