import { describe, expect, it } from 'vitest';
import {
  drawable,
  formatLabels,
  gridTimes,
  hiddenOf,
  labelKey,
  nameSeries,
  positive,
  readColumn,
  stack,
  summarize,
  toColumn,
  undrawn,
} from './columns';

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
  it('leaves gaps out, and tells where the newest value stands', () =>
    expect(summarize([2, null, 4, null])).toEqual({ last: 4, lastAt: 2, min: 2, max: 4, avg: 3 }));
  it('tells a special value as the last one, and leaves it out of the rest', () => {
    expect(summarize([2, Infinity, 4, NaN])).toEqual({ last: NaN, lastAt: 3, min: 2, max: 4, avg: 3 });
    expect(summarize([Infinity])).toEqual({ last: Infinity, lastAt: 0, min: null, max: null, avg: null });
  });
  it('does not overflow', () => expect(summarize([1e308, 1.5e308]).avg).toBeCloseTo(1.25e308, -300));
  it('knows nothing of nothing', () =>
    expect(summarize([null, null])).toEqual({ last: null, lastAt: null, min: null, max: null, avg: null }));
});

describe('what cannot be drawn', () => {
  it('is kept for reading and left out for drawing', () => {
    const column = readColumn(
      {
        metric: {},
        values: [
          [100, 'NaN'],
          [110, '-Inf'],
          [120, '3'],
        ],
      },
      GRID,
      5,
    );
    expect(column).toEqual([NaN, -Infinity, 3, null, null]);
    expect(drawable(column)).toEqual([null, null, 3, null, null]);
  });
  it('is counted', () => {
    expect(undrawn([[1, null]])).toBe('');
    expect(undrawn([[Infinity, Infinity]])).toBe('2 values are +Inf and not drawn');
    expect(undrawn([[NaN], [-Infinity, 1, NaN]])).toBe('1 value is -Inf, 2 are NaN and not drawn');
  });
});

describe('hidden series', () => {
  it('are found by label set', () => expect(hiddenOf(['a', 'b'], new Set(['b', 'z']))).toEqual(new Set([1])));
  it('are never all', () => expect(hiddenOf(['a', 'b'], new Set(['a', 'b']))).toEqual(new Set()));
});

describe('a logarithmic axis', () => {
  it('has no place for 0 and below', () =>
    expect(positive([1, 0, -1, null, NaN, Infinity, 5])).toEqual([1, null, null, null, null, null, 5]));
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
    ).toEqual({
      tops: [
        [1, 2, null],
        [11, null, 30],
        [111, 202, 330],
      ],
      bases: [
        [1, 2, 0],
        [11, 2, 30],
      ],
    }));
  it('leaves hidden series out', () =>
    expect(stack([[1], [10], [100]], new Set([1]))).toEqual({ tops: [[1], [10], [101]], bases: [[1], [1]] }));
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
      by: 'instance',
      names: ['a', 'b'],
    });
  });
  it('are label sets where more than one label differs, or one has none', () => {
    expect(
      nameSeries([
        { a: '1', b: '1' },
        { a: '2', b: '2' },
      ]).names,
    ).toEqual(['{a="1", b="1"}', '{a="2", b="2"}']);
    expect(nameSeries([{ a: '1' }, {}]).names).toEqual(['{a="1"}', '{}']);
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
