import { describe, expect, it } from 'vitest';
import { bucketName, bucketsOf, fullest, heatShare } from './heat';

const BUCKETS = bucketsOf([
  { upper: Infinity, counts: [10, 12, null] },
  { upper: 0.1, counts: [4, 4, null] },
  { upper: 0.5, counts: [9, 3, 1] },
]);

describe('buckets', () => {
  it('hold what the ones below do not', () =>
    expect(BUCKETS.map(({ counts }) => counts)).toEqual([
      [4, 4, null],
      [5, 0, 1],
      [1, 9, null],
    ]));
  it('begin where the one below ends', () =>
    expect(BUCKETS.map((bucket) => bucketName(bucket, 'seconds'))).toEqual([
      '0 s to 100 ms',
      '100 ms to 500 ms',
      'over 500 ms',
    ]));
  it('know the fullest cell', () => {
    expect(fullest(BUCKETS)).toBe(9);
    expect(fullest([])).toBe(0);
  });
});

describe('heat', () => {
  it('is of the fullest cell', () => expect(heatShare(9, 9)).toBe(1));
  it('shows the few', () => expect(heatShare(1, 100)).toBeCloseTo(0.1));
  it('is of the ends that are asked for', () =>
    expect([5, 10, 30].map((count) => heatShare(count, 14, 5))).toEqual([0, Math.sqrt(5 / 9), 1]));
  it('of nothing is none', () => expect(heatShare(0, 0)).toBe(0));
});
