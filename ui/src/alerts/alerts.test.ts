import { describe, expect, it } from 'vitest';
import type { AlertState, AlertView } from '../api/alerts';
import { commonLabels, countViews, filterAlerts, groupAlerts, severityOf, statusOf } from './alerts';

function alert(name: string, state: AlertState, labels: Record<string, string> = {}, since = 0): AlertView {
  return {
    fingerprint: `${name}-${JSON.stringify(labels)}`,
    labels: { alertname: name, ...labels },
    annotations: { summary: `${name} is wrong` },
    state,
    since: new Date(since).toISOString(),
    value: null,
    receivers: [],
    held_by: [],
    acknowledgement: null,
    generator_url: '',
    rule: null,
  };
}

const ALL = [
  alert('Slow', 'firing', { severity: 'warning', job: 'a' }),
  alert('Down', 'firing', { severity: 'critical', job: 'a' }),
  alert('Down', 'silenced', { severity: 'critical', job: 'b' }),
  alert('Down', 'pending', { severity: 'critical', job: 'c' }),
  alert('Odd', 'acknowledged', { job: 'a' }),
];
const EVERYTHING = { view: 'all', words: '', filters: [], group: null } as const;

describe('alerts', () => {
  it('are told by the severities that people write', () => {
    expect(severityOf({ severity: 'Page' })).toBe('critical');
    expect(severityOf({ severity: 'low' })).toBe('info');
    expect(severityOf({})).toBe('warning');
    expect(statusOf(alert('A', 'firing', { severity: 'info' }))).toBe('info');
    expect(statusOf(alert('A', 'inhibited'))).toBe('muted');
  });

  it('stand with the worst first', () => {
    const found = filterAlerts(ALL, EVERYTHING).map(({ labels, state }) => `${labels['alertname']} ${state}`);
    expect(found).toEqual([
      'Down firing',
      'Slow firing',
      'Down pending',
      'Odd acknowledged',
      'Down silenced',
    ]);
  });

  it('of one severity stand with the newest first', () => {
    const old = alert('A', 'firing', { n: '1' }, 1_000);
    const fresh = alert('A', 'firing', { n: '2' }, 2_000);
    expect(filterAlerts([old, fresh], EVERYTHING)).toEqual([fresh, old]);
  });

  it('are counted by what a reader wants to see', () => {
    expect(countViews(ALL)).toEqual({ burning: 2, pending: 1, acknowledged: 1, held: 1, all: 5 });
  });

  it('are found by state, words, labels and group', () => {
    const names = (wanted: Partial<Parameters<typeof filterAlerts>[1]>): (string | undefined)[] =>
      filterAlerts(ALL, { ...EVERYTHING, ...wanted }).map(({ labels }) => labels['job']);
    expect(names({ view: 'burning' })).toEqual(['a', 'a']);
    expect(names({ words: 'DOWN wrong' })).toEqual(['a', 'c', 'b']);
    expect(names({ filters: [{ name: 'job', operator: '!=', value: 'a' }] })).toEqual(['c', 'b']);
    expect(names({ group: { label: 'alertname', value: 'Odd' } })).toEqual(['a']);
    expect(names({ group: { label: 'team', value: '' } })).toHaveLength(5);
  });

  it('come in groups, those that burn worst first', () => {
    expect(groupAlerts(ALL, 'alertname')).toEqual([
      { value: 'Down', count: 3, worst: 'critical' },
      { value: 'Slow', count: 1, worst: 'warning' },
      { value: 'Odd', count: 1, worst: null },
    ]);
    expect(groupAlerts(ALL, 'team')).toEqual([{ value: '', count: 5, worst: 'critical' }]);
  });

  it('have labels in common', () => {
    expect(commonLabels(ALL.slice(1, 3))).toEqual({ alertname: 'Down', severity: 'critical' });
    expect(commonLabels([])).toEqual({});
  });
});
