import { describe, expect, it } from 'vitest';
import { differences } from './diff';

describe('what a change changed', () => {
  it('is the fields that differ', () =>
    expect(differences({ name: 'a', roles: ['x'], at: 1 }, { name: 'b', roles: ['x'], gone: null })).toEqual([
      { name: 'name', was: 'a', is: 'b' },
      { name: 'at', was: '1', is: null },
    ]));
  it('is everything of what was made', () =>
    expect(differences(null, { id: 'acme', open: true })).toEqual([
      { name: 'id', was: null, is: 'acme' },
      { name: 'open', was: null, is: 'true' },
    ]));
  it('is cut where it is too long to read', () =>
    expect(differences(null, { text: 'x'.repeat(10_000) })[0]?.is).toHaveLength(4_001));
});
