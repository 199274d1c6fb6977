import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import { useMemo, useState, type ReactElement } from 'react';
import type { Search } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import type { ActiveTarget } from '../api/types';
import { formatAgo, formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { Empty, Unreadable } from '../design/parts';
import { LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { groupTargets, lastScrapeMs, type HealthFilter, type Pool } from './group';
import styles from './targets.module.css';
import { useTargets } from './useTargets';

const NO_TARGETS: readonly ActiveTarget[] = [];
const FIRST = 50;
const HEALTHS = ['down', 'up', 'unknown'] as const;

const DOTS = { up: 'good', down: 'bad', unknown: '' } as const;

function TargetRow({ target, nowMs }: { target: ActiveTarget; nowMs: number }): ReactElement {
  const { utc } = usePageClock();
  const last = lastScrapeMs(target);
  const seen = Number.isNaN(last) ? 'never' : formatInstant(last, utc);
  return (
    <tr>
      <td>
        <span className={`pill ${DOTS[target.health]}`}>{target.health}</span>
      </td>
      <td className={styles.targetUrl}>
        {/^https?:/.test(target.scrapeUrl) ? (
          <a href={target.scrapeUrl} rel="noreferrer" target="_blank" className="mono">
            <Value text={target.scrapeUrl} mono />
          </a>
        ) : (
          <Value text={target.scrapeUrl} mono />
        )}
        {target.lastError ? (
          <div className={styles.targetError}>
            <Icon name="error" size={13} /> <Value text={target.lastError} />
          </div>
        ) : null}
      </td>
      <td>
        <LabelSet labels={target.labels} />
      </td>
      <td className="num" title={seen}>
        {formatAgo(last, nowMs)}
      </td>
      <td className="num">
        {target.lastScrapeDuration > 0 ? formatSeconds(target.lastScrapeDuration) : '–'}
      </td>
    </tr>
  );
}

function PoolSection({ pool, nowMs, open }: { pool: Pool; nowMs: number; open: boolean }): ReactElement {
  const [limit, setLimit] = useState(FIRST);
  const rest = pool.targets.length - limit;
  return (
    <section className={clsx('panel', styles.pool)} aria-label={`Pool ${pool.name}`}>
      <PageLink
        page="explore"
        className={styles.poolHistory}
        search={{ q0: `up{job=${JSON.stringify(pool.name)}}` }}
      >
        history
      </PageLink>
      <details open={open}>
        <summary>
          <Icon name="chevronRight" size={14} />
          <span className={`dot ${pool.down > 0 ? 'bad' : pool.up === pool.targets.length ? 'good' : ''}`} />
          <h2>{pool.name}</h2>
          <span className="dim">
            {pool.up} of {pool.targets.length} up
          </span>
        </summary>
        <div className={styles.poolScroll}>
          <table className={styles.list}>
            <thead>
              <tr>
                <th>health</th>
                <th>endpoint</th>
                <th>labels</th>
                <th className="num">last scrape</th>
                <th className="num">took</th>
              </tr>
            </thead>
            <tbody>
              {pool.targets.slice(0, limit).map((target) => (
                <TargetRow
                  key={`${target.scrapeUrl} ${JSON.stringify(target.labels)}`}
                  target={target}
                  nowMs={nowMs}
                />
              ))}
            </tbody>
          </table>
        </div>
        {rest > 0 ? (
          <button type="button" className={clsx('button', styles.more)} onClick={() => setLimit(limit * 4)}>
            Showing {limit} of {pool.targets.length}; show more
          </button>
        ) : null}
      </details>
    </section>
  );
}

export default function TargetsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const now = useNow(1_000);
  const answer = useTargets(refreshMs);
  const all = answer.data?.data.activeTargets ?? NO_TARGETS;
  const wanted = search.filter ?? '';
  const health: HealthFilter = HEALTHS.find((one) => one === search.health) ?? 'all';
  const pool = search.pool ?? null;
  const pools = useMemo(() => groupTargets(all, { wanted, health, pool }), [all, wanted, health, pool]);
  const set = (own: Search): void => setOwn(own, true);
  const count = (state: ActiveTarget['health']): number => all.filter((one) => one.health === state).length;
  return (
    <Page>
      <PageHead
        title="Targets"
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <input
          className={clsx('field', styles.targetFilter)}
          type="search"
          placeholder="Filter by address, label or error"
          aria-label="Filter targets"
          data-search=""
          value={wanted}
          onChange={(event) => set({ filter: event.target.value || undefined })}
        />
        <SegmentedControl
          size="xs"
          aria-label="Health"
          data={[
            { value: 'all', label: `All ${all.length}` },
            { value: 'down', label: `Down ${count('down')}` },
            { value: 'unknown', label: `Unknown ${count('unknown')}` },
            { value: 'up', label: `Up ${count('up')}` },
          ]}
          value={health}
          onChange={(value) => set({ health: value === 'all' ? undefined : value })}
        />
        {pool === null ? null : (
          <button type="button" className="button" onClick={() => set({ pool: undefined })}>
            pool {pool} <Icon name="close" size={12} />
          </button>
        )}
      </Toolbar>
      <Body>
        <Unreadable what="The targets" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <div className={clsx('panel skeleton', styles.poolWait)} /> : null}
        {answer.data && all.length === 0 ? (
          <Empty icon="targets">
            Nothing is scraped. Start Pharos with a prometheus.yml that names targets, or send data to it: see{' '}
            <PageLink page="home">Home</PageLink>.
          </Empty>
        ) : null}
        {all.length > 0 && pools.length === 0 ? (
          <Empty icon="search">No target fits these filters.</Empty>
        ) : null}
        {pools.map((one) => (
          <PoolSection key={one.name} pool={one} nowMs={now} open={pools.length <= 12 || one.down > 0} />
        ))}
      </Body>
    </Page>
  );
}
