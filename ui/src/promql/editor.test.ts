import { describe, expect, it } from 'vitest';
import { errorPosition } from './editor';

describe('errors', () => {
  it('finds the position', () =>
    expect(errorPosition('invalid parameter "query": 2:14: parse error: unexpected end of input')).toEqual({
      line: 2,
      column: 14,
    }));
  it('finds none where none is', () => expect(errorPosition('query timed out at 12:30')).toBeNull());
});
