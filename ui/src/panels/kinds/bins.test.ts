import { expect, test } from 'vitest';
import { binsOf } from './BarChart';

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
