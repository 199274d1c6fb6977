import { describe, expect, it } from 'vitest';
import { contextOf, ownOf, readContext, readSearch, writeContext } from './context';

const DEFAULTS = { range: { from: 'now-15m', to: 'now' }, refreshMs: 5_000 };

describe('the context of an address', () => {
  it('is the default of the page where nothing is said', () =>
    expect(readContext({}, DEFAULTS)).toEqual({
      tenant: null,
      range: DEFAULTS.range,
      ranged: false,
      zone: null,
      refreshMs: 5_000,
      host: null,
    }));
  it('gives back what was written', () => {
    const context = {
      tenant: 'team-a',
      range: { from: '2026-11-21T10:00:00Z', to: 'now' },
      zone: 'utc',
      refreshMs: 10_000,
      host: 'web "1"',
    } as const;
    expect(readContext(writeContext(context), DEFAULTS)).toEqual({ ...context, ranged: true });
  });
  it.each([
    ['off', 0],
    ['30s', 30_000],
    ['1ms', 5_000],
    ['often', 5_000],
    [undefined, 5_000],
  ])('a refresh of %s is %d ms', (refresh, ms) =>
    expect(readContext({ refresh }, DEFAULTS).refreshMs).toBe(ms),
  );
  it('writes a choice that is the default, because another page has another', () =>
    expect(writeContext({ range: DEFAULTS.range, refreshMs: 0 })).toEqual({
      from: 'now-15m',
      to: 'now',
      refresh: 'off',
    }));
  it('ends now where only the start is said', () =>
    expect(readContext({ from: 'now-3h' }, DEFAULTS).range).toEqual({ from: 'now-3h', to: 'now' }));
  it('takes an unknown zone for none', () => expect(readContext({ zone: 'mars' }, DEFAULTS).zone).toBeNull());
  it('forgets what is set to nothing', () =>
    expect(readSearch({ tenant: 'a', ...writeContext({ tenant: null, host: null }) })).toEqual({}));
});

describe('a link', () => {
  const search = { tenant: 'a', from: 'now-1d', to: 'now', q0: 'up', pool: 'x' };
  it('carries the context and leaves the page its own', () => {
    expect(contextOf(search)).toEqual({ tenant: 'a', from: 'now-1d', to: 'now' });
    expect(ownOf(search)).toEqual({ q0: 'up', pool: 'x' });
  });
  it('carries text only', () =>
    expect(readSearch({ q0: 'up', n: 1, o: {}, u: undefined })).toEqual({ q0: 'up' }));
});
