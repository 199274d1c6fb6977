import { describe, expect, it } from 'vitest';
import type { Cell } from './frame';
import { keepsUnit, reduce, reductionName } from './reduce';

const VALUES: readonly Cell[] = [3, null, 1, 4, NaN, 1, 5];

describe('a reduction', () => {
  it.each<[string, readonly Cell[], Cell]>([
    ['lastNotNull', [1, 2, null], 2],
    ['lastNotNull', [null, NaN], null],
    ['lastNotNull', ['a', 'b', null], 'b'],
    ['last', [1, 2, null], null],
    ['first', [null, 2], null],
    ['firstNotNull', [null, 2, 3], 2],
    ['min', VALUES, 1],
    ['max', VALUES, 5],
    ['mean', VALUES, 2.8],
    ['median', VALUES, 3],
    ['median', [1, 2, 3, 4], 2.5],
    ['sum', VALUES, 14],
    ['count', VALUES, 7],
    ['range', VALUES, 4],
    ['delta', [5, 8, 2, 3], 6],
    ['step', [0, 10, 15, 30], 5],
    ['diff', [2, 7, 5], 3],
    ['diffperc', [2, 7, 5], 150],
    ['diffperc', [0, 5], null],
    ['logmin', [0, -1, 4, 2], 2],
    ['allIsZero', [0, 0], true],
    ['allIsZero', [0, 1], false],
    ['allIsNull', [null, null], true],
    ['changeCount', [1, 1, 2, 2, 1], 2],
    ['distinctCount', [1, 1, 2, null], 3],
    ['variance', [1, 3], 1],
    ['stdDev', [1, 3], 1],
    ['p50', [1, 2, 3, 4, 5], 3],
    ['p95', [1, 2, 3, 4, 5], 5],
    ['p99', [], null],
    ['allValues', [1, 'a'], '1, a'],
    ['uniqueValues', [1, 1, 2], '1, 2'],
    ['avg', [1, 3], 2],
    ['current', [1, 3], 3],
    ['total', [1, 3], 4],
    ['max', [Infinity, 1], 1],
    ['sum', [], null],
    ['mean', [], null],
    ['nobody knows', [1], null],
  ])('%s of %j is %s', (id, values, expected) => expect(reduce({ values }, id)).toEqual(expected));
  it('is named for people', () => {
    expect(reductionName('lastNotNull')).toBe('Last *');
    expect(reductionName('p95')).toBe('95th %');
    expect(reductionName('odd')).toBe('odd');
  });
  it('counts without a unit', () => expect([keepsUnit('count'), keepsUnit('mean')]).toEqual([false, true]));
});
