import { SegmentedControl } from '@mantine/core';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { anomalies, SEVERITIES, type Anomaly } from '../api/anomalies';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import {
  formatAgo,
  formatCount,
  formatInstant,
  formatSeconds,
  formatValue,
  guessUnit,
} from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Tabs } from '../design/Tabs';
import { LabelSet, Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { resolveRange } from '../time/range';
import { AnomalyView } from './AnomalyView';
import { BandSpark } from './BandSpark';
import { Watches } from './Watches';
import styles from './anomalies.module.css';

const LABELS = 4;

function When({ of }: { of: Anomaly }): ReactElement {
  const now = useNow(5_000);
  const { utc } = usePageClock();
  const start = Date.parse(of.start);
  return (
    <span title={formatInstant(start, utc)}>
      {of.end === null
        ? `since ${formatAgo(start, now)}`
        : `${formatAgo(start, now)}, for ${formatSeconds((Date.parse(of.end) - start) / 1000, 2)}`}
    </span>
  );
}

const COLUMNS: readonly TableColumn<Anomaly>[] = [
  {
    id: 'severity',
    title: 'severity',
    chars: 13,
    value: ({ severity }) => SEVERITIES.indexOf(severity),
    cell: ({ severity, state }) => (
      <StatusChip status={state === 'open' ? severity : 'muted'}>
        {state === 'open' ? severity : `${severity}, over`}
      </StatusChip>
    ),
  },
  {
    id: 'series',
    title: 'series',
    chars: 40,
    least: 20,
    value: ({ metric, labels, watch }) => `${metric || watch} ${Object.values(labels).join(' ')}`,
    cell: (one) => (
      <PageLink page="anomalies" search={{ anomaly: one.id }} className={styles.series}>
        <Value text={one.metric === '' ? one.watch : one.metric} />
        <LabelSet labels={Object.fromEntries(Object.entries(one.labels).slice(0, LABELS))} />
      </PageLink>
    ),
  },
  {
    id: 'shape',
    title: 'what it did',
    chars: 22,
    value: () => null,
    cell: ({ points, metric, watch }) =>
      points === null ? null : <BandSpark points={points} label={metric || watch} />,
  },
  {
    id: 'value',
    title: 'value',
    kind: 'number',
    chars: 12,
    value: ({ value }) => value,
    cell: ({ value, direction, query }) =>
      value === null ? (
        <span className="dim">missing</span>
      ) : (
        `${direction === 'up' ? '↑ ' : direction === 'down' ? '↓ ' : ''}${formatValue(value, guessUnit(query))}`
      ),
  },
  {
    id: 'expected',
    title: 'expected',
    titled: true,
    chars: 18,
    value: ({ lower }) => lower,
    cell: ({ lower, upper, query }) => {
      const unit = guessUnit(query);
      if (lower === null && upper === null) return <NoValue />;
      return `${lower === null ? '' : formatValue(lower, unit)} … ${upper === null ? '' : formatValue(upper, unit)}`;
    },
  },
  {
    id: 'score',
    title: 'score',
    kind: 'number',
    chars: 6,
    value: ({ score }) => score,
    cell: ({ score }) => score.toFixed(2),
  },
  {
    id: 'when',
    title: 'when',
    chars: 20,
    value: ({ start }) => Date.parse(start),
    cell: (one) => <When of={one} />,
  },
  {
    id: 'mark',
    title: 'marked',
    titled: true,
    chars: 9,
    value: ({ mark }) => mark,
    cell: ({ mark }) => (mark === 'none' ? <NoValue /> : mark),
  },
];

function AnomalyList({ refreshMs }: { refreshMs: number }): ReactElement {
  const { search, range, setOwn } = useAddress();
  const { utc } = usePageClock();
  const severity = SEVERITIES.find((one) => one === search.severity);
  const state = search.state === 'open' || search.state === 'over' ? search.state : undefined;
  const words = search.filter ?? '';
  const answer = useAsked({
    key: ['anomalies', range.from, range.to, utc, severity, state, words],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      return anomalies(
        {
          from: span.fromMs,
          to: span.toMs,
          ...(severity ? { severity } : {}),
          ...(state ? { state } : {}),
          ...(words ? { search: words } : {}),
        },
        asking,
      );
    },
    refreshMs: refreshMs === 0 ? 0 : Math.max(refreshMs, 15_000),
    keep: true,
  });
  const found = answer.data?.data;
  const isFiltered = severity !== undefined || state !== undefined || words !== '';
  return (
    <div className={styles.stack}>
      <Toolbar label="Filters">
        <SegmentedControl
          size="xs"
          aria-label="Severity"
          data={[
            { value: 'all', label: 'All' },
            ...SEVERITIES.map((value) => ({
              value,
              label: `${value}${found ? ` ${formatCount(found.by_severity[value])}` : ''}`,
            })),
          ]}
          value={severity ?? 'all'}
          onChange={(value) => setOwn({ severity: value === 'all' ? undefined : value }, true)}
        />
        <SegmentedControl
          size="xs"
          aria-label="State"
          data={[
            { value: 'all', label: 'All' },
            { value: 'open', label: 'Going on' },
            { value: 'over', label: 'Over' },
          ]}
          value={state ?? 'all'}
          onChange={(value) => setOwn({ state: value === 'all' ? undefined : value }, true)}
        />
        <div className={styles.filter}>
          <FilterBar
            label="Filter anomalies"
            placeholder="Watch, metric, or a label's value"
            words={words}
            onWords={(next) => setOwn({ filter: next || undefined }, true)}
          />
        </div>
      </Toolbar>
      <Unreadable what="The anomalies" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="The anomalies" rows={4} /> : null}
      {found === undefined ? null : (
        <section className="panel card">
          <DataTable
            label="Anomalies"
            tall
            columns={COLUMNS}
            rows={found.anomalies}
            total={found.total}
            rowKey={({ id }) => id}
            onOpen={({ id }) => setOwn({ anomaly: id })}
            empty={
              isFiltered ? (
                <EmptyState reason="filtered" title="No anomaly fits these filters" />
              ) : found.watched === 0 ? (
                <EmptyState reason="none-yet" title="Nothing is watched yet">
                  Objectives and the golden signals of services are watched as soon as there are any. Anything
                  else is watched by one line of PromQL, under Watches.
                </EmptyState>
              ) : (
                <EmptyState reason="out-of-range" title="Nothing was unusual in this range">
                  {formatCount(found.watched)} series are watched. A series is judged once it is known for a
                  day or so.
                </EmptyState>
              )
            }
          />
        </section>
      )}
    </div>
  );
}

const VIEWS = ['found', 'watches'] as const;

/** What was unusual, the worst first; what is watched; one of them by the address. */
export default function AnomaliesPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const [asked, setAsked] = useState(0);
  const view = VIEWS.find((one) => one === search.view) ?? 'found';
  if (search.anomaly !== undefined) return <AnomalyView id={search.anomaly} refreshMs={refreshMs} />;
  return (
    <Page>
      <PageHead
        title="Anomalies"
        time={<TimeControls ranged={view === 'found'} busy={false} onNow={() => setAsked(asked + 1)} />}
      />
      <Body>
        <Tabs
          label="Anomalies"
          value={view}
          onChange={(id) =>
            setOwn({ view: id === 'found' ? undefined : id, filter: undefined, new: undefined }, true)
          }
          tabs={[
            { id: 'found', label: 'Found', content: <AnomalyList key={asked} refreshMs={refreshMs} /> },
            { id: 'watches', label: 'Watches', content: <Watches refreshMs={refreshMs} /> },
          ]}
        />
      </Body>
    </Page>
  );
}
