import { describe, expect, it } from 'vitest';
import { earlier, isAlike, newTemplates } from './templates';

describe('two templates', () => {
  it.each([
    ['user <_> came', 'user <_> came', true],
    ['user <_> came', 'user 12 came', true],
    ['user 12 came', 'user <_> came', true],
    ['user <_> came', 'user <_> left', false],
    ['user <_> came', 'user <_> came again', false],
    ['user <_>', 'user <_> and all that follows', true],
    ['{"id":<_>,"took":<_>}', '{"id":"a","took":<_>}', true],
    ['{"id":<_>,"took":<_>}', '{"id":<_>,"failed":<_>}', false],
    ['took=<_>ms', 'took=5s', false],
    ['a<_>a', 'a', false],
  ])('%j and %j are alike: %j', (a, b, alike) => {
    expect(isAlike(a, b)).toBe(alike);
    expect(isAlike(b, a)).toBe(alike);
  });
});

it('what no template of the time before stands for is new', () =>
  expect([...newTemplates(['user <_> came', 'disk is full'], ['user 7 came'])]).toEqual(['disk is full']));

it.each([
  ['before', 900],
  ['day', 1000 - 86_400_000],
] as const)('the time to compare with: %s', (since, fromMs) =>
  expect(earlier({ query: 'x', fromMs: 1000, toMs: 1100 }, since)).toEqual({
    query: 'x',
    fromMs,
    toMs: fromMs + 100,
  }),
);
