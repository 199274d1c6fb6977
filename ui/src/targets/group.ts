// Scrape targets by pool, the troubled first.

import type { ActiveTarget } from '../api/types';

export interface Pool {
  name: string;
  targets: ActiveTarget[];
  up: number;
  down: number;
}

const ORDER = { down: 0, unknown: 1, up: 2 } as const;

export type HealthFilter = 'all' | 'down' | 'up' | 'unknown';

function matches(target: ActiveTarget, words: readonly string[]): boolean {
  const text = [
    target.scrapePool,
    target.scrapeUrl,
    target.lastError,
    target.health,
    ...Object.entries(target.labels).map(([name, value]) => `${name}=${value}`),
  ]
    .join(' ')
    .toLowerCase();
  return words.every((word) => text.includes(word));
}

/** Pools of the targets that fit the filters: pools with failures first, in a pool the failing targets first. */
export function groupTargets(
  targets: readonly ActiveTarget[],
  filter: { wanted: string; health: HealthFilter; pool: string | null },
): Pool[] {
  const words = filter.wanted.toLowerCase().split(/\s+/).filter(Boolean);
  const pools = new Map<string, Pool>();
  for (const target of targets) {
    if (filter.health !== 'all' && target.health !== filter.health) continue;
    if (filter.pool !== null && target.scrapePool !== filter.pool) continue;
    if (!matches(target, words)) continue;
    let pool = pools.get(target.scrapePool);
    if (!pool) {
      pool = { name: target.scrapePool, targets: [], up: 0, down: 0 };
      pools.set(target.scrapePool, pool);
    }
    pool.targets.push(target);
    if (target.health === 'up') pool.up += 1;
    if (target.health === 'down') pool.down += 1;
  }
  const sorted = [...pools.values()].sort(
    (a, b) => Number(b.down > 0) - Number(a.down > 0) || a.name.localeCompare(b.name),
  );
  for (const pool of sorted)
    pool.targets.sort((a, b) => ORDER[a.health] - ORDER[b.health] || a.scrapeUrl.localeCompare(b.scrapeUrl));
  return sorted;
}

/** Milliseconds since the epoch of a target's last scrape; NaN when there was none (the year 1 in Go's words). */
export function lastScrapeMs(target: ActiveTarget): number {
  const ms = Date.parse(target.lastScrape);
  return ms > 0 ? ms : Number.NaN;
}
