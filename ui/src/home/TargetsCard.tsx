import clsx from 'clsx';
import { PageLink } from '../address/PageLink';
import type { ReactElement } from 'react';
import type { ActiveTarget, TargetsAnswer } from '../api/types';
import { Icon } from '../design/Icon';
import { Empty, Unreadable } from '../design/parts';
import styles from './home.module.css';

interface PoolCount {
  name: string;
  up: number;
  down: number;
  all: number;
}

function countPools(targets: readonly ActiveTarget[]): PoolCount[] {
  const pools = new Map<string, PoolCount>();
  for (const target of targets) {
    const pool = pools.get(target.scrapePool) ?? { name: target.scrapePool, up: 0, down: 0, all: 0 };
    pool.all += 1;
    if (target.health === 'up') pool.up += 1;
    if (target.health === 'down') pool.down += 1;
    pools.set(target.scrapePool, pool);
  }
  return [...pools.values()].sort((a, b) => b.down - a.down || a.name.localeCompare(b.name));
}

const MOST_POOLS = 8;

export function TargetsCard(props: {
  answer: TargetsAnswer | undefined;
  error: Error | null;
  asOfMs: number;
}): ReactElement {
  const { answer, error, asOfMs } = props;
  const pools = countPools(answer?.activeTargets ?? []);
  return (
    <section className={clsx('panel card', styles.footCard)} aria-label="Scrape targets">
      <header className="row">
        <h2 className="grow">Scrape targets</h2>
        <PageLink page="targets" search={{}}>
          all targets
        </PageLink>
      </header>
      <Unreadable what="The targets" error={error} asOfMs={asOfMs} />
      {answer && pools.length === 0 ? (
        <Empty icon="targets">
          Nothing is scraped. Pharos still watches itself and its host; name targets in a prometheus.yml, or
          send data as shown beside.
        </Empty>
      ) : null}
      <ul className={styles.pools}>
        {pools.slice(0, MOST_POOLS).map((pool) => (
          <li key={pool.name}>
            <span className={`dot ${pool.down > 0 ? 'bad' : pool.up === pool.all ? 'good' : ''}`} />
            <PageLink className="grow ellipsis" page="targets" search={{ pool: pool.name }}>
              {pool.name}
            </PageLink>
            <span className="num">
              {pool.up} / {pool.all} up
            </span>
          </li>
        ))}
        {pools.length > MOST_POOLS ? (
          <li className="dim">
            <Icon name="plus" size={12} /> {pools.length - MOST_POOLS} more pools
          </li>
        ) : null}
      </ul>
    </section>
  );
}
