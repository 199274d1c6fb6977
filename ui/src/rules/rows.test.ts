import { describe, expect, it } from 'vitest';
import type { AlertView } from '../api/alerts';
import type { Rule } from '../api/rules';
import { alertsOf, countViews, filterRows, namespaceOf, rowsOf, standingOf, statusOf } from './rows';

const RULE: Rule = {
  name: 'Down',
  query: 'up == 0',
  type: 'alerting',
  labels: { severity: 'critical' },
  health: 'ok',
  lastEvaluation: '2026-01-01T00:00:00Z',
  evaluationTime: 0.001,
  state: 'inactive',
};
const group = (...rules: Rule[]) => ({
  name: 'g',
  file: '/etc/rules/a.yml',
  interval: 60,
  evaluationTime: 0,
  lastEvaluation: RULE.lastEvaluation,
  rules,
});

describe('how it stands with a rule', () => {
  it.each([
    [{}, 'inactive', 'ok'],
    [{ state: 'firing' as const }, 'firing', 'critical'],
    [{ state: 'firing' as const, health: 'err' as const }, 'failing', 'critical'],
    [{ state: 'firing' as const, labels: { severity: 'info' } }, 'firing', 'info'],
    [{ unknown: 'no_data' }, 'no data', 'no-data'],
    [{ health: 'unknown' as const }, 'new', 'unknown'],
  ])('%j', (change, standing, status) => {
    expect(standingOf({ ...RULE, ...change })).toBe(standing);
    expect(statusOf({ ...RULE, ...change })).toBe(status);
  });
});

describe('the rules', () => {
  const rows = rowsOf([
    group(RULE, { ...RULE, name: 'Slow', state: 'firing' }, { ...RULE, name: 'Bad', health: 'err' }),
  ]);
  it('have the troubled first, and keep the place of their group', () =>
    expect(rows.map(({ rule, key }) => `${rule.name} ${key}`)).toEqual([
      'Slow a.yml/g/1',
      'Bad a.yml/g/2',
      'Down a.yml/g/0',
    ]));
  it('are counted by state', () =>
    expect(countViews(rows)).toEqual({ all: 3, firing: 1, pending: 0, failing: 1, inactive: 1 }));
  it.each([
    ['slow UP', 1],
    ['severity=critical', 3],
    ['a.yml bad', 1],
    ['nothing', 0],
  ])('of the words %s are %d', (words, count) =>
    expect(filterRows(rows, { view: 'all', words, filters: [] })).toHaveLength(count),
  );
  it('know their own alerts, by labels where the name is not enough', () => {
    const alert = (severity: string): AlertView =>
      ({
        fingerprint: severity,
        labels: { severity },
        rule: { name: 'Slow', group: 'g', file: '/etc/rules/a.yml' },
      }) as unknown as AlertView;
    const [first] = rows;
    const found = first ? alertsOf(first, [alert('critical'), alert('warning')]) : [];
    expect(found.map(({ fingerprint }) => fingerprint)).toEqual(['critical']);
  });
});

describe('what stands for a file in an address', () => {
  it.each([
    ['/etc/rules/a.yml', 'a.yml'],
    ['own', 'own'],
  ])('%s is %s', (file, name) => expect(namespaceOf(file)).toBe(name));
});
