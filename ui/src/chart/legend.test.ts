import { describe, expect, it } from 'vitest';
import { summarize } from './columns';
import { ended, legendFigures, legendOrder } from './legend';

const NAMES = ['b', 'a10', 'a9', 'none'];
const SUMMARIES = [[1, 5], [2, 3], [NaN], [null]].map(summarize);

describe('the order of a legend', () => {
  it.each([
    ['last', false, [0, 1, 2, 3]],
    ['last', true, [3, 2, 1, 0]],
    ['name', false, [2, 1, 0, 3]],
    ['min', false, [1, 0, 2, 3]],
  ] as const)('by %s, reversed: %s', (key, reverse, order) =>
    expect(legendOrder(NAMES, SUMMARIES, { key, reverse })).toEqual(order),
  );
});

describe('the figures of a legend', () => {
  it('have one number of digits', () => {
    const { write, head } = legendFigures([summarize([0.6, 0.5964])], 'per-second');
    expect([write(0.6), write(0.5964), head]).toEqual(['0.6000', '0.5964', '/s']);
  });
  it('are old where no value stands at the end', () => {
    expect(ended(summarize([1, null]), [1, 2])).toBe(true);
    expect(ended(summarize([1, 2]), [1, 2])).toBe(false);
    expect(ended(summarize([null, null]), [1, 2])).toBe(false);
  });
});
