import { describe, expect, it } from 'vitest';
import { filterRows, isFigure, labelColumns, toRows } from './rows';

const row = (labels: Record<string, string>, text = '1') => ({ labels, value: Number(text), text });

describe('a value in a table', () => {
  it.each(['1048576', '+Inf', '-Inf', 'NaN', '0.30000000000000004'])('%s is a figure', (text) => {
    const [first] = toRows({ resultType: 'vector', result: [{ metric: {}, value: [1, text] }] }, true);
    expect(first && isFigure(first)).toBe(true);
  });
  it('that describes several is none', () =>
    expect(isFigure({ labels: {}, value: 1, text: '1 @ 2026-11-21' })).toBe(false));
});

describe('rows', () => {
  it('keeps the text of a value as the server wrote it', () =>
    expect(
      toRows(
        { resultType: 'vector', result: [{ metric: { a: 'b' }, value: [1, '0.30000000000000004'] }] },
        true,
      )[0]?.text,
    ).toBe('0.30000000000000004'));
  it('makes one row of a scalar', () =>
    expect(toRows({ resultType: 'scalar', result: [1, '+Inf'] }, true)).toEqual([
      { labels: {}, value: Infinity, text: '+Inf' },
    ]));
  it('lists the newest points of a range, and counts the rest', () =>
    expect(
      toRows(
        {
          resultType: 'matrix',
          result: [{ metric: {}, values: [1, 2, 3, 4, 5, 6].map((t) => [t, String(t)] as const) }],
        },
        true,
      )[0]?.text,
    ).toMatch(/^6 @ 1970-01-01 00:00:06, .*, 6 in all$/));
  it('tells a histogram from a number', () =>
    expect(
      toRows(
        { resultType: 'vector', result: [{ metric: {}, histogram: [1, { count: '3', sum: '9' }] }] },
        true,
      )[0]?.text,
    ).toBe('histogram: count 3, sum 9'));
});

describe('table columns', () => {
  it('puts the name first, then the commonest labels', () =>
    expect(labelColumns([row({ b: '1', __name__: 'x' }), row({ b: '2', a: '1' })])).toEqual([
      '__name__',
      'b',
      'a',
    ]));
  it('finds rows that hold all words', () =>
    expect(
      filterRows([row({ job: 'node', mode: 'idle' }), row({ job: 'node', mode: 'user' })], 'NODE mode=us'),
    ).toHaveLength(1));
});
