import { describe, expect, it } from 'vitest';
import { condition, clockOf, narrowed, readFault } from './query';

describe('a condition on a field', () => {
  it('quotes values, so that nothing in them is read as language', () =>
    expect(condition('path', 'a "b" \\ OR c', true)).toBe('path:"a \\"b\\" \\\\ OR c"'));
  it('quotes names that are no plain word', () =>
    expect(condition('odd name:', 'x', false)).toBe('NOT "odd name:":"x"'));
});

describe('a narrowed search', () => {
  it('keeps what was either before together', () =>
    expect(narrowed('a OR b', 'level:"error"')).toBe('(a OR b) level:"error"'));
  it('says nothing twice', () =>
    expect(narrowed('x level:"error"', 'level:"error"')).toBe('x level:"error"'));
  it('may be all there is', () => expect(narrowed(' ', 'x')).toBe('x'));
});

describe('a fault', () => {
  it('has a place where the server names a column', () =>
    expect(readFault('search, column 3: no')).toEqual({ message: 'no', at: 2 }));
  it('has none otherwise', () => expect(readFault('too much').at).toBe(-1));
});

it('times of lines are shown to the millisecond', () =>
  expect(clockOf('1768478400123456789', true)).toBe('12:00:00.123'));
