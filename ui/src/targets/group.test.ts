import { describe, expect, it } from 'vitest';
import type { ActiveTarget } from '../api/types';
import { groupTargets, lastScrapeMs } from './group';

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
const any = { wanted: '', health: 'all', pool: null } as const;

describe('targets', () => {
  it('puts failing pools first, and failing targets first in a pool', () => {
    const pools = groupTargets(ALL, any);
    expect(pools.map((pool) => pool.name)).toEqual(['web', 'api', 'cron']);
    expect(pools[0]?.targets.map((one) => one.labels.instance)).toEqual(['b:1', 'c:1']);
    expect(pools[0]).toMatchObject({ up: 1, down: 1 });
  });
  it('finds by error text, label and pool', () => {
    expect(groupTargets(ALL, { ...any, wanted: 'REFUSED' })).toHaveLength(1);
    expect(groupTargets(ALL, { ...any, wanted: 'job=web instance=c' })[0]?.targets).toHaveLength(1);
    expect(groupTargets(ALL, { ...any, pool: 'cron' })).toHaveLength(1);
  });
  it('keeps unknown apart from up and down', () =>
    expect(groupTargets(ALL, { ...any, health: 'unknown' }).map((pool) => pool.name)).toEqual(['cron']));
  it('takes the year 1 for never', () =>
    expect(lastScrapeMs({ ...target('a', 'a', 'unknown'), lastScrape: '0001-01-01T00:00:00Z' })).toBeNaN());
});
