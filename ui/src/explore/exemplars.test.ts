import { describe, expect, it } from 'vitest';
import { highest, pointsOf, traceOf } from './exemplars';

const SPAN = { fromMs: 0, toMs: 100_000 };
const A = 'ab'.repeat(16);

function some(...values: readonly [seconds: number, value: string, labels: Record<string, string>][]) {
  return [
    {
      seriesLabels: { __name__: 'x' },
      exemplars: values.map(([timestamp, value, labels]) => ({ timestamp, value, labels })),
    },
  ];
}

describe('exemplars', () => {
  it('name their trace in one of several ways', () => {
    expect(traceOf({ traceID: A.toUpperCase() })).toBe(A);
    expect(traceOf({ trace_id: 'nonsense' })).toBeNull();
    expect(traceOf({ trace_id: '0'.repeat(32) })).toBeNull();
    expect(traceOf({ user: '1' })).toBeNull();
  });
  it('become points, those that name no trace aside', () => {
    const found = pointsOf(
      some([1, '0.5', { trace_id: A }], [2, '7', {}], [3, 'NaN', { trace_id: A }]),
      SPAN,
    );
    expect(found.map(({ atMs, value, id }) => [atMs, value, id])).toEqual([[1000, 0.5, A]]);
  });
  it('are thinned out where they are many, the highest stay', () => {
    const found = pointsOf(
      some(
        [1.1, '1', { trace_id: '1' }],
        [1.2, '3', { trace_id: '2' }],
        [1.3, '2', { trace_id: '3' }],
        [50, '0', { trace_id: '4' }],
      ),
      SPAN,
    );
    expect(found.map(({ id }) => id)).toEqual(['2', '3', '4']);
    expect(highest(found)?.id).toBe('2');
  });
  it('that several buckets have are one', () => {
    const twice = some([1, '1', { trace_id: A }]);
    expect(pointsOf([...twice, ...twice], SPAN)).toHaveLength(1);
  });
  it('may be none', () => expect(highest([])).toBeNull());
});
