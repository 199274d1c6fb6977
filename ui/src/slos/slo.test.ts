import { describe, expect, it } from 'vitest';
import type { Slo } from '../api/slos';
import { BLANK, definitionOf, draftOf, isWhole, lasts, percent, standOf, times, type SloDraft } from './slo';

const SLO = { is_measured: true, budget_remaining: 0.8, burn_rate: 0.2 } as Slo;

describe('how an objective stands', () => {
  it.each([
    [{}, 'ok'],
    [{ burn_rate: 2 }, 'warning'],
    [{ budget_remaining: 0.1 }, 'warning'],
    [{ budget_remaining: 0 }, 'critical'],
    [{ budget_remaining: null }, 'critical'],
    [{ is_measured: false }, 'no-data'],
  ])('%j is %s', (change, stand) => expect(standOf({ ...SLO, ...change })).toBe(stand));
});

describe('its figures in words', () => {
  it('tells little from nothing', () => {
    expect(percent(0)).toBe('0.0 %');
    expect(percent(0.00001)).toBe('<0.1 %');
    expect(percent(-0.5)).toBe('-50.0 %');
    expect(percent(null)).toBe('–');
  });
  it('says how fast and how long', () => {
    expect([times(null), times(0), times(0.25), times(1.44), times(14.4)]).toEqual([
      '–',
      '0',
      '0.25×',
      '1.4×',
      '14×',
    ]);
    expect([lasts(null), lasts(0), lasts(90)]).toEqual(['for good', 'spent', '90m']);
  });
});

describe('a definition', () => {
  const drafts: readonly Partial<SloDraft>[] = [
    { part: 'errors_total', total: 'requests_total', by: ['workflow'], labels: { team: 'web' } },
    { counts: 'good', part: 'good_total', total: 'all_total', window: '7d', alerts: false },
    { kind: 'latency', metric: 'x_seconds_bucket', atMost: '0.25', design: 'fast', interval: '30s' },
    { kind: 'threshold', query: 'queue', op: '>=', value: '3', countsMaintenance: true },
    {
      kind: 'availability',
      metric: 'up',
      window: 'calendar',
      start: '2026-01-01',
      zone: 'Europe/Vienna',
      months: '3',
    },
  ];
  it.each(drafts)('of %j comes back as its fields', (some) => {
    const draft = { ...BLANK, name: 'a', service: 'b', ...some };
    expect(isWhole(draft)).toBe(true);
    expect(draftOf('a', definitionOf(draft))).toEqual(draft);
  });
  it('is not whole while something is missing', () => {
    expect(isWhole(BLANK)).toBe(false);
    expect(isWhole({ ...BLANK, name: 'a', service: 'b', part: 'x' })).toBe(false);
  });
});
