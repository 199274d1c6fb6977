import { describe, expect, it } from 'vitest';
import { distance, linkOf, stateOf } from './told';

describe('how far something is from the subject', () => {
  it.each([
    ['2000000000', '1000000000', '1 s after'],
    ['1000000000', '1250000000', '250 ms before'],
    ['1000000000', '1000000001', 'at once'],
  ])('%s beside %s is %s', (ns, subject, text) => expect(distance(ns, subject)).toBe(text));
});

describe('a link of the server', () => {
  it('keeps its own time and takes tenant and zone of the page', () =>
    expect(
      linkOf('/logs?q=trace_id%3Aab&from=2026-01-15T12%3A00%3A00Z', {
        from: 'now-1h',
        tenant: 'team-a',
        zone: 'utc',
        refresh: '5s',
        q0: 'up',
      }),
    ).toEqual({
      to: '/logs',
      params: { q: 'trace_id:ab', from: '2026-01-15T12:00:00Z', tenant: 'team-a', zone: 'utc' },
    }));
});

describe('an alert', () => {
  it('that fires is as bad as it says', () => {
    expect(stateOf({ state: 'firing', labels: { severity: 'warning' } })).toBe('warning');
    expect(stateOf({ state: 'firing', labels: {} })).toBe('critical');
  });
  it('that is over is well', () => expect(stateOf({ state: 'resolved', labels: {} })).toBe('ok'));
  it('in a state of its own is not known', () =>
    expect(stateOf({ state: 'unknown', labels: {} })).toBe('unknown'));
});
