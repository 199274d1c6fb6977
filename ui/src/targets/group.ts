// Scrape targets, the troubled first: which fit the filters, and how many there are of each pool.

import type { ActiveTarget } from '../api/types';
import { holdsWords, meets, type Filter } from '../design/filter';

export interface PoolCount {
  name: string;
  count: number;
  up: number;
  down: number;
}

/** `job-2` before `job-10`. */
const { compare } = new Intl.Collator('en', { numeric: true });

const ORDER = { down: 0, unknown: 1, up: 2 } as const;

export type HealthFilter = 'all' | 'down' | 'up' | 'unknown';

export interface TargetFilter {
  /** Words that must all be found in the target's address, error, health or labels. */
  wanted: string;
  /** Conditions on its labels. */
  filters: readonly Filter[];
  health: HealthFilter;
  pool: string | null;
}

function textOf(target: ActiveTarget): string {
  return [
    target.scrapePool,
    target.scrapeUrl,
    target.lastError,
    target.health,
    ...Object.entries(target.labels).map(([name, value]) => `${name}=${value}`),
  ].join(' ');
}

/** The targets that fit: what is down first, then by pool and address. */
export function filterTargets(targets: readonly ActiveTarget[], filter: TargetFilter): ActiveTarget[] {
  const holds = holdsWords(filter.wanted);
  return targets
    .filter(
      (target) =>
        (filter.health === 'all' || target.health === filter.health) &&
        (filter.pool === null || target.scrapePool === filter.pool) &&
        filter.filters.every((one) => meets(target.labels, one)) &&
        holds(textOf(target)),
    )
    .sort(
      (a, b) =>
        ORDER[a.health] - ORDER[b.health] ||
        compare(a.scrapePool, b.scrapePool) ||
        compare(a.scrapeUrl, b.scrapeUrl),
    );
}

/** How many targets each pool has: pools with more failures first. */
export function countPools(targets: readonly ActiveTarget[]): PoolCount[] {
  const pools = new Map<string, PoolCount>();
  for (const { scrapePool: name, health } of targets) {
    const pool = pools.get(name) ?? { name, count: 0, up: 0, down: 0 };
    pool.count += 1;
    if (health === 'up') pool.up += 1;
    if (health === 'down') pool.down += 1;
    pools.set(name, pool);
  }
  return [...pools.values()].sort((a, b) => b.down - a.down || compare(a.name, b.name));
}

/** What tells a target from all others. */
export function targetKey(target: ActiveTarget): string {
  return JSON.stringify([target.scrapePool, target.scrapeUrl, target.labels]);
}

/** Milliseconds since the epoch of a target's last scrape; NaN when there was none (the year 1 in Go's words). */
export function lastScrapeMs(target: ActiveTarget): number {
  const ms = Date.parse(target.lastScrape);
  return ms > 0 ? ms : Number.NaN;
}
