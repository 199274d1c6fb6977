import { SegmentedControl } from '@mantine/core';
import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import type { Search } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import type { ActiveTarget, DiscoveryError } from '../api/types';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { labelNames, parseFilters, writeFilters } from '../design/filter';
import { formatAgo, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { LabelSet, Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import {
  countPools,
  filterTargets,
  lastScrapeMs,
  targetKey,
  type HealthFilter,
  type PoolCount,
} from './group';
import { TargetDetails } from './TargetDetails';
import { TargetUrl, HEALTH_STATUS } from './parts';
import styles from './targets.module.css';
import { useTargets } from './useTargets';

const NO_TARGETS: readonly ActiveTarget[] = [];
const NO_ERRORS: readonly DiscoveryError[] = [];
const HEALTHS = ['down', 'up', 'unknown'] as const;
/** Pools that are listed before the rest is asked for. */
const FIRST_POOLS = 12;

function Ago({ atMs }: { atMs: number }): ReactElement {
  const now = useNow(1_000);
  const { utc } = usePageClock();
  return <span title={Number.isNaN(atMs) ? 'never' : formatInstant(atMs, utc)}>{formatAgo(atMs, now)}</span>;
}

const COLUMNS: readonly TableColumn<ActiveTarget>[] = [
  {
    id: 'health',
    title: 'health',
    value: (target) => HEALTHS.indexOf(target.health),
    cell: (target) => <StatusChip status={HEALTH_STATUS[target.health]}>{target.health}</StatusChip>,
    chars: 11,
  },
  { id: 'pool', title: 'pool', value: (target) => target.scrapePool, optional: true },
  {
    id: 'url',
    title: 'endpoint',
    value: (target) => target.scrapeUrl,
    cell: (target) => <TargetUrl target={target} />,
    chars: 44,
    least: 15,
  },
  {
    id: 'labels',
    title: 'labels',
    value: (target) => JSON.stringify(target.labels),
    cell: (target) => <LabelSet labels={target.labels} />,
    chars: 44,
    least: 15,
  },
  {
    id: 'last',
    title: 'last scrape',
    kind: 'number',
    value: lastScrapeMs,
    cell: (target) => <Ago atMs={lastScrapeMs(target)} />,
    chars: 12,
  },
  {
    id: 'took',
    title: 'took',
    kind: 'number',
    unit: 'seconds',
    value: (target) => (target.lastScrapeDuration > 0 ? target.lastScrapeDuration : null),
  },
  { id: 'interval', title: 'interval', value: (target) => target.scrapeInterval, optional: true },
  { id: 'timeout', title: 'timeout', value: (target) => target.scrapeTimeout, optional: true },
];

/** The pools, the troubled first; a press shows one alone. */
function Pools(props: {
  pools: readonly PoolCount[];
  chosen: string | null;
  onChoose: (pool: string | undefined) => void;
}): ReactElement {
  const { pools, chosen, onChoose } = props;
  const [all, setAll] = useState(false);
  const listed = pools.filter(({ name }, i) => all || i < FIRST_POOLS || name === chosen);
  return (
    <ul className={styles.pools} aria-label="Pools">
      {listed.map(({ name, up, down, count }) => (
        <li key={name}>
          <button
            type="button"
            className={clsx('button', styles.pool)}
            aria-pressed={name === chosen}
            onClick={() => onChoose(name === chosen ? undefined : name)}
          >
            <span className={`dot ${down > 0 ? 'bad' : up === count ? 'good' : ''}`} />
            <span className="ellipsis">
              <Value text={name} />
            </span>
            <span className="dim">
              {up} of {count} up
            </span>
          </button>
        </li>
      ))}
      {listed.length < pools.length ? (
        <li>
          <button type="button" className="button quiet" onClick={() => setAll(true)}>
            {pools.length - listed.length} more pools
          </button>
        </li>
      ) : null}
    </ul>
  );
}

/** Why targets may be missing: those that a pool had before stay while it cannot look for others. */
function Undiscovered({ errors }: { errors: readonly DiscoveryError[] }): ReactElement[] {
  return errors.map(({ scrapePool, error }) => (
    <Note key={`${scrapePool} ${error}`} level="bad">
      Targets of <Value text={scrapePool} /> may be missing: {error}
    </Note>
  ));
}

function NoTarget({ onClear }: { onClear: () => void }): ReactElement {
  return (
    <EmptyState
      reason="filtered"
      title="No target fits these filters"
      actions={
        <button type="button" className="button" onClick={onClear}>
          Clear the filters
        </button>
      }
    />
  );
}

export default function TargetsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const answer = useTargets(refreshMs);
  const [opened, setOpened] = useState<string | null>(null);
  const all = answer.data?.data.activeTargets ?? NO_TARGETS;
  const wanted = search.filter ?? '';
  const where = search.where ?? '';
  const health: HealthFilter = HEALTHS.find((one) => one === search.health) ?? 'all';
  const pool = search.pool ?? null;
  const filters = useMemo(() => parseFilters(where), [where]);
  const pools = useMemo(() => countPools(all), [all]);
  const names = useMemo(() => labelNames(all), [all]);
  const rows = useMemo(
    () => filterTargets(all, { wanted, filters, health, pool }),
    [all, wanted, filters, health, pool],
  );
  const set = (own: Search): void => setOwn(own, true);
  const clear = (): void => set({ filter: undefined, where: undefined, health: undefined, pool: undefined });
  const count = (state: ActiveTarget['health']): number => all.filter((one) => one.health === state).length;
  return (
    <Page>
      <PageHead
        title="Targets"
        about={answer.data ? `${count('up')} of ${all.length} up` : null}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <div className={styles.filter}>
          <FilterBar
            label="Filter targets"
            placeholder="Address, error, or label=value"
            filters={filters}
            onFilters={(next) => set({ where: writeFilters(next) || undefined })}
            words={wanted}
            onWords={(words) => set({ filter: words || undefined })}
            names={names}
          />
        </div>
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
      </Toolbar>
      <Body>
        <Unreadable what="The targets" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        <Undiscovered errors={answer.data?.data.discoveryErrors ?? NO_ERRORS} />
        {answer.isPending ? <Skeleton kind="table" label="The targets" rows={6} /> : null}
        {answer.data && all.length === 0 ? (
          <EmptyState reason="none-yet" title="Nothing is scraped">
            Start Pharos with a prometheus.yml that names targets, or send data to it: see{' '}
            <PageLink page="home">Home</PageLink>.
          </EmptyState>
        ) : null}
        {all.length > 0 ? (
          <>
            <Pools pools={pools} chosen={pool} onChoose={(name) => set({ pool: name })} />
            <section className="panel card">
              <DataTable
                label="Targets"
                tall
                columns={COLUMNS}
                rows={rows}
                total={all.length}
                rowKey={targetKey}
                onOpen={(target) => setOpened(targetKey(target))}
                empty={<NoTarget onClear={clear} />}
              />
            </section>
          </>
        ) : null}
        <TargetDetails
          target={opened === null ? undefined : all.find((one) => targetKey(one) === opened)}
          onClose={() => setOpened(null)}
        />
      </Body>
    </Page>
  );
}
