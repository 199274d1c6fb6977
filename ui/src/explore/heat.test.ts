import { describe, expect, it } from 'vitest';
import type { RangeSeries } from '../api/types';
import { growth, heatOf, isOfBuckets, isStored } from './heat';

const GRID = { start: 0, end: 30, step: 15 };

function bucket(le: string, values: readonly number[], job = 'a'): RangeSeries {
  return { metric: { le, job }, values: values.map((value, i) => [i * 15, String(value)] as const) };
}

const NATIVE: RangeSeries = {
  metric: { __name__: 'latency_seconds' },
  histograms: [
    [0, { count: '3', sum: '1', buckets: [[0, '0.1', '0.2', '3']] }],
    [
      30,
      {
        count: '5',
        sum: '2',
        buckets: [
          [0, '0.1', '0.2', '4'],
          [0, '0.4', '0.8', '1'],
        ],
      },
    ],
  ],
};

describe('heat maps', () => {
  it('are of native histograms and of buckets', () => {
    expect(isOfBuckets([NATIVE])).toBe(true);
    expect(isOfBuckets([bucket('0.5', [1])])).toBe(true);
    expect(isOfBuckets([bucket('fast', [1])])).toBe(false);
    expect(isOfBuckets([bucket('0.5', [1]), { metric: {}, values: [[0, '1']] }])).toBe(false);
    expect(isOfBuckets([])).toBe(false);
  });
  it('add up what several series have of one bucket', () => {
    const series = [
      bucket('0.1', [1, 2, 3]),
      bucket('+Inf', [1, 4, 9]),
      bucket('0.1', [1, 1, 1], 'b'),
      bucket('+Inf', [2, 2, 2], 'b'),
    ];
    expect(heatOf(series, GRID, false).buckets).toEqual([
      { lower: 0, upper: 0.1, counts: [2, 3, 4] },
      { lower: 0.1, upper: Infinity, counts: [1, 3, 7] },
    ]);
  });
  it('of stored counters show what each step adds', () =>
    expect(heatOf([bucket('0.1', [1, 2, 5]), bucket('+Inf', [1, 4, 9])], GRID, true).buckets).toEqual([
      { lower: 0, upper: 0.1, counts: [null, 1, 3] },
      { lower: 0.1, upper: Infinity, counts: [null, 2, 2] },
    ]));
  it('keep the bounds of native buckets, and gaps', () =>
    expect(heatOf([NATIVE], GRID, false).buckets).toEqual([
      { lower: 0.1, upper: 0.2, counts: [3, null, 4] },
      { lower: 0.4, upper: 0.8, counts: [0, null, 1] },
    ]));
});

describe('stored series', () => {
  it('are asked for by a selector alone', () => {
    expect(isStored('x_bucket')).toBe(true);
    expect(isStored(' x_bucket{job=~"a|b"} ')).toBe(true);
    expect(isStored('rate(x_bucket[5m])')).toBe(false);
    expect(isStored('a + b{}')).toBe(false);
  });
  it('grow, and begin anew after a restart', () =>
    expect(growth([1, 4, null, 6, 8, 2])).toEqual([null, 3, null, null, 2, 2]));
});
