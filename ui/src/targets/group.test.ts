import { describe, expect, it } from 'vitest';
import type { ActiveTarget } from '../api/types';
import { countPools, filterTargets, lastScrapeMs, targetKey } from './group';

function target(
  pool: string,
  instance: string,
  health: ActiveTarget['health'],
  lastError = '',
): ActiveTarget {
  return {
    discoveredLabels: {},
    labels: { instance, job: pool },
    scrapePool: pool,
    scrapeUrl: `http://${instance}/metrics`,
    globalUrl: '',
    lastError,
    lastScrape: '2026-11-21T10:00:00.5Z',
    scrapeInterval: '15s',
    scrapeTimeout: '10s',
    lastScrapeDuration: 0.01,
    health,
  };
}

const ALL = [
  target('api', 'a:1', 'up'),
  target('web', 'c:1', 'up'),
  target('web', 'b:1', 'down', 'connection refused'),
  target('cron', 'd:1', 'unknown'),
];
const any = { wanted: '', filters: [], health: 'all', pool: null } as const;
const named = (targets: readonly ActiveTarget[]): (string | undefined)[] =>
  targets.map((one) => one.labels.instance);

describe('targets', () => {
  it('puts what is down first, then what is unknown, then by pool and address', () =>
    expect(named(filterTargets(ALL, any))).toEqual(['b:1', 'd:1', 'a:1', 'c:1']));
  it('counts pools, those with failures first', () => {
    const pools = countPools(ALL);
    expect(pools.map((pool) => pool.name)).toEqual(['web', 'api', 'cron']);
    expect(pools[0]).toMatchObject({ count: 2, up: 1, down: 1 });
  });
  it('finds by error text, label and pool', () => {
    expect(filterTargets(ALL, { ...any, wanted: 'REFUSED' })).toHaveLength(1);
    expect(named(filterTargets(ALL, { ...any, wanted: 'job=web instance=c' }))).toEqual(['c:1']);
    expect(named(filterTargets(ALL, { ...any, pool: 'cron' }))).toEqual(['d:1']);
  });
  it('holds conditions on labels against each', () =>
    expect(
      named(
        filterTargets(ALL, {
          ...any,
          filters: [
            { name: 'job', operator: '=~', value: 'web|api' },
            { name: 'instance', operator: '!=', value: 'b:1' },
          ],
        }),
      ),
    ).toEqual(['a:1', 'c:1']));
  it('keeps unknown apart from up and down', () =>
    expect(named(filterTargets(ALL, { ...any, health: 'unknown' }))).toEqual(['d:1']));
  it('tells targets apart', () => {
    expect(new Set(ALL.map(targetKey)).size).toBe(ALL.length);
  });
  it('takes the year 1 for never', () =>
    expect(lastScrapeMs({ ...target('a', 'a', 'unknown'), lastScrape: '0001-01-01T00:00:00Z' })).toBeNaN());
});
