import { SegmentedControl } from '@mantine/core';
import clsx from 'clsx';
import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { tsdbStatus } from '../api/calls';
import type { HeadStats, NamedCount, TsdbStatus } from '../api/types';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { formatCount, formatInstant, type Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import styles from './cardinality.module.css';
import { exprForLabel, exprForMetric, exprForPair } from './exprs';

const LIMITS = ['10', '50', '200', '1000'];

interface RankingProps {
  title: string;
  hint: string;
  rows: readonly NamedCount[];
  /** What a row names, and what is counted of it. */
  of: string;
  counted: string;
  unit?: Unit;
  /** All that there is, of which a row is a part; 0 where rows are no parts of one whole. */
  whole?: number;
  /** The expression that shows a row in Explore. */
  expr: (name: string) => string;
}

function columnsOf(props: RankingProps): readonly TableColumn<NamedCount>[] {
  const { rows, of, counted, unit = 'count', whole = 0, expr } = props;
  const most = rows.reduce((a, { value }) => Math.max(a, value), 1);
  const share: TableColumn<NamedCount> = {
    id: 'share',
    title: 'share',
    kind: 'number',
    unit: 'ratio',
    value: ({ value }) => value / whole,
  };
  return [
    {
      id: 'name',
      title: of,
      value: ({ name }) => name,
      cell: ({ name, value }) => (
        <span className={styles.name} title={visibleText(name)}>
          <span className={styles.bar} style={{ width: `${(value / most) * 100}%` }} />
          <PageLink page="explore" search={{ q0: expr(name), v0: 'table' }}>
            <Value text={name} mono />
          </PageLink>
        </span>
      ),
    },
    { id: 'value', title: counted, kind: 'number', unit, value: ({ value }) => value },
    ...(whole > 0 ? [share] : []),
  ];
}

/** The rows of a ranking that fit the page's filter, the most first. */
function Ranking(props: RankingProps & { wanted: string }): ReactElement {
  const { title, hint, rows, wanted } = props;
  const fits = rows.filter(({ name }) => name.toLowerCase().includes(wanted.toLowerCase()));
  const columns = columnsOf(props);
  return (
    <section className={clsx('panel card', styles.ranking)} aria-label={title}>
      <h2>{title}</h2>
      <p className="dim">{hint}</p>
      <DataTable
        label={title}
        bare
        tall="narrow"
        columns={columns}
        rows={fits}
        rowKey={({ name }) => name}
        empty={
          rows.length === 0 ? (
            <EmptyState reason="none-yet" title="Nothing yet" />
          ) : (
            <EmptyState reason="filtered" title="None of these has that name" />
          )
        }
      />
    </section>
  );
}

/** What the figures are of, in words: today's series, since the first of their samples. */
function About({ head, utc }: { head: HeadStats; utc: boolean }): ReactElement {
  const since =
    head.minTime > 0 && head.minTime < 8e15
      ? formatInstant(Math.floor(head.minTime / 1000) * 1000, utc)
      : null;
  return (
    <>
      {formatCount(head.numSeries)} series, {formatCount(head.numLabelPairs)} label pairs
      {since === null ? '' : `, since ${since}`}
    </>
  );
}

function Rankings({ status, wanted }: { status: TsdbStatus; wanted: string }): ReactElement {
  const { numSeries } = status.headStats;
  return (
    <div className={styles.rankings}>
      <Ranking
        title="Series by metric"
        hint="Which metric names have the most series."
        of="metric"
        counted="series"
        whole={numSeries}
        rows={status.seriesCountByMetricName}
        expr={exprForMetric}
        wanted={wanted}
      />
      <Ranking
        title="Values by label"
        hint="Labels with many values make many series."
        of="label"
        counted="values"
        rows={status.labelValueCountByLabelName}
        expr={exprForLabel}
        wanted={wanted}
      />
      <Ranking
        title="Series by label and value"
        hint="What most series have in common."
        of="label and value"
        counted="series"
        whole={numSeries}
        rows={status.seriesCountByLabelValuePair}
        expr={exprForPair}
        wanted={wanted}
      />
      <Ranking
        title="Bytes by label"
        hint="The text of all values of a label."
        of="label"
        counted="text"
        unit="bytes"
        rows={status.memoryInBytesByLabelName}
        expr={exprForLabel}
        wanted={wanted}
      />
    </div>
  );
}

export default function CardinalityPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const { utc } = usePageClock();
  const limit = LIMITS.find((one) => one === search.limit) ?? '10';
  const wanted = search.filter ?? '';
  const answer = useAsked({
    key: ['tsdb', limit],
    ask: (asking) => tsdbStatus(Number(limit), asking),
    refreshMs,
  });
  const status = answer.data?.data;
  const rankings = useMemo(
    () => (status ? <Rankings status={status} wanted={wanted} /> : null),
    [status, wanted],
  );
  return (
    <Page>
      <PageHead
        title="Cardinality"
        about={status ? <About head={status.headStats} utc={utc} /> : null}
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <div className={styles.filter}>
          <FilterBar
            label="Filter by name"
            placeholder={`A name among the top ${limit}`}
            words={wanted}
            onWords={(words) => setOwn({ filter: words || undefined }, true)}
          />
        </div>
        <SegmentedControl
          size="xs"
          aria-label="Rows"
          data={LIMITS.map((value) => ({ value, label: `Top ${value}` }))}
          value={limit}
          onChange={(value) => setOwn({ limit: value === '10' ? undefined : value }, true)}
        />
      </Toolbar>
      <Body>
        <Unreadable what="The figures" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? (
          <div className={styles.rankings}>
            {['Series', 'Values', 'Pairs', 'Bytes'].map((name) => (
              <section key={name} className="panel card">
                <Skeleton kind="table" label={name} rows={11} />
              </section>
            ))}
          </div>
        ) : null}
        {rankings}
      </Body>
    </Page>
  );
}
