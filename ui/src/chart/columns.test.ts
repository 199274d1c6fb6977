import { describe, expect, it } from 'vitest';
import { formatLabels, gridTimes, labelKey, nameSeries, stack, summarize, toColumn } from './columns';

const GRID = { start: 100, end: 140, step: 10 };

describe('columns', () => {
  it('has one instant per step, both ends included', () =>
    expect(gridTimes(GRID)).toEqual([100, 110, 120, 130, 140]));
  it('survives fractional steps', () => expect(gridTimes({ start: 0, end: 1, step: 0.1 })).toHaveLength(11));
  it('keeps gaps as gaps and leaves out what cannot be drawn', () =>
    expect(
      toColumn(
        {
          metric: {},
          values: [
            [100, '1'],
            [120, 'NaN'],
            [130, '+Inf'],
            [140, '4e3'],
            [990, '5'],
          ],
        },
        GRID,
        5,
      ),
    ).toEqual([1, null, null, null, 4000]));
  it('shows the count of native histograms', () =>
    expect(toColumn({ metric: {}, histograms: [[110, { count: '7', sum: '1' }]] }, GRID, 5)).toEqual([
      null,
      7,
      null,
      null,
      null,
    ]));
});

describe('summaries', () => {
  it('leaves gaps out', () =>
    expect(summarize([2, null, 4, null])).toEqual({ last: 4, min: 2, max: 4, avg: 3 }));
  it('knows nothing of nothing', () =>
    expect(summarize([null, null])).toEqual({ last: null, min: null, max: null, avg: null }));
});

describe('stacking', () => {
  it('adds up in order, gaps adding nothing', () =>
    expect(
      stack(
        [
          [1, 2, null],
          [10, null, 30],
          [100, 200, 300],
        ],
        new Set(),
      ),
    ).toEqual([
      [1, 2, null],
      [11, null, 30],
      [111, 202, 330],
    ]));
  it('leaves hidden series out', () => expect(stack([[1], [10], [100]], new Set([1]))[2]).toEqual([101]));
});

describe('names', () => {
  it('tells what is shared once', () => {
    const naming = nameSeries([
      { __name__: 'up', job: 'node', instance: 'a' },
      { __name__: 'up', job: 'node', instance: 'b' },
    ]);
    expect(naming).toEqual({
      common: { job: 'node' },
      metric: 'up',
      names: ['{instance="a"}', '{instance="b"}'],
    });
  });
  it('names one series in full', () =>
    expect(nameSeries([{ __name__: 'up', job: 'node' }]).names).toEqual(['up{job="node"}']));
  it('keeps differing metric names', () =>
    expect(nameSeries([{ __name__: 'a' }, { __name__: 'b' }]).names).toEqual(['a', 'b']));
  it('names a series without labels', () => expect(nameSeries([{}]).names).toEqual(['{}']));
  it('escapes quotes as PromQL does', () =>
    expect(formatLabels({ __name__: 'x', a: 'say "hi"\\' })).toBe('x{a="say \\"hi\\"\\\\"}'));
  it('is equal for equal label sets', () =>
    expect(labelKey({ a: '1', b: '2' })).toBe(labelKey({ b: '2', a: '1' })));
});
