import { describe, expect, it } from 'vitest';
import { change, presenceOf, verdict } from './comparison';

const side = (spans: number) => ({ spans, errors: 0, total_ns: 0, own_ns: 0 });

describe('two traces', () => {
  it.each([
    [0, 'the same'],
    [120e6, '+120 ms'],
    [-3e9, '−3 s'],
  ])('that differ by %i ns: %s', (ns, text) => expect(change(ns)).toBe(text));
  it.each([
    [1e9, 1e9, 'Both took the same time.'],
    [1e9, 1.2e9, 'The second took 200 ms longer (+20 %).'],
    [1e9, 4e9, 'The second took 3 s longer (4 times as long).'],
    [2e9, 1e9, 'The second took 1 s less (−50 %).'],
  ])('of %i and %i ns: %s', (left, right, text) => expect(verdict(left, right)).toBe(text));
  it('have a path in common, or one of them has it', () => {
    const of = (left: number, right: number) =>
      presenceOf({ path: [], left: side(left), right: side(right), own_ns: 0 });
    expect([of(1, 2), of(1, 0), of(0, 1)]).toEqual(['both', 'left', 'right']);
  });
});
