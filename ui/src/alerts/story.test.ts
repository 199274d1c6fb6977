import { describe, expect, it } from 'vitest';
import type { Step } from '../api/alerting';
import type { AlertState } from '../api/alerts';
import { alertsSelector, isOf, rememberedAlert, standsFrom, stepStatus, webAddress } from './story';

function step(name: string, at: string, detail: Step['detail'] = {}): Step {
  return { step: name, at, detail, text: '' };
}

describe('the story of an alert', () => {
  it('remembers an alert that is over by what was told of it', () => {
    const labels = { alertname: 'Down', job: 'a' };
    const steps = [
      step('firing', '2026-01-01T00:00:00Z', { labels, annotations: { summary: 'x' } }),
      step('sent', '2026-01-01T00:01:00Z', { receiver: 'team' }),
      step('resolved', '2026-01-01T00:05:00Z', { labels }),
    ];
    const found = rememberedAlert('f', steps);
    expect(found).toMatchObject({
      labels,
      annotations: { summary: 'x' },
      state: 'resolved',
      since: '2026-01-01T00:00:00Z',
    });
    expect(rememberedAlert('f', [step('sent', 'x')])).toBeNull();
  });

  it('finds the series of the alert, whatever is in its labels', () => {
    expect(alertsSelector({ alertname: 'A"b', 'ü.x': '1' })).toBe('ALERTS{alertname="A\\"b", "ü.x"="1"}');
    expect(alertsSelector({ alertname: 'A', job: 'b' }, ['alertname'])).toBe('ALERTS{alertname="A"}');
    expect(isOf({ __name__: 'up', job: 'a', extra: '1' }, { job: 'a', severity: 'x' })).toBe(true);
    expect(isOf({ job: 'b' }, { job: 'a' })).toBe(false);
  });

  it('says since which instant of a grid it stands as it does now', () => {
    const grid = { start: 1000, end: 2000, step: 100 };
    const at = (seconds: number, state: AlertState = 'firing') =>
      standsFrom({ state, since: new Date(seconds * 1000).toISOString() }, grid, 2050);
    expect(at(1500)).toBe(5);
    expect(at(1599)).toBe(5);
    expect(at(500)).toBe(0);
    // Too young for the grid: the last instant that can be seen.
    expect(at(2040)).toBe(9);
    expect(at(1500, 'pending')).toBe(5);
    expect(at(1500, 'resolved')).toBeNull();
    expect(standsFrom({ state: 'firing', since: '2026-01-01T00:00:00Z' }, grid, 9000)).toBeNull();
  });

  it('opens web addresses alone', () => {
    expect(webAddress(' https://runbooks.example/x ')).toBe('https://runbooks.example/x');
    expect(webAddress('javascript:alert(1)')).toBeNull();
    expect(webAddress('see https://x')).toBeNull();
    expect(webAddress(undefined)).toBeNull();
  });

  it('draws steps that it does not know', () => expect(stepStatus('novel')).toBe('info'));
});
