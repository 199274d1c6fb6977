import { describe, expect, it } from 'vitest';
import type { Step } from '../api/alerting';
import { alertsSelector, isOf, rememberedAlert, stepStatus, webAddress } from './story';

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

  it('opens web addresses alone', () => {
    expect(webAddress(' https://runbooks.example/x ')).toBe('https://runbooks.example/x');
    expect(webAddress('javascript:alert(1)')).toBeNull();
    expect(webAddress('see https://x')).toBeNull();
    expect(webAddress(undefined)).toBeNull();
  });

  it('draws steps that it does not know', () => expect(stepStatus('novel')).toBe('info'));
});
