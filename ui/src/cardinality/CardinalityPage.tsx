import clsx from 'clsx';
import { SegmentedControl } from '@mantine/core';
import type { ReactElement, ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { tsdbStatus } from '../api/calls';
import type { HeadStats, NamedCount } from '../api/types';
import { useAsked } from '../api/useAsked';
import { figuresOf } from '../design/figures';
import { formatCount, formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Empty, Unreadable } from '../design/parts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import styles from './cardinality.module.css';
import { exprForLabel, exprForMetric, exprForPair } from './exprs';

const LIMITS = ['10', '50', '200'];

function Ranking(props: {
  title: string;
  hint: string;
  rows: readonly NamedCount[];
  unit: 'count' | 'bytes';
  /** The expression that shows a row in Explore. */
  expr?: (name: string) => string;
}): ReactElement {
  const { title, hint, rows, unit, expr } = props;
  const figures = figuresOf(
    rows.map((row) => row.value),
    unit,
  );
  const most = Math.max(1, ...rows.map((row) => row.value));
  const name = (text: string): ReactNode =>
    expr ? (
      <PageLink page="explore" className="mono" search={{ q0: expr(text), v0: 'table' }}>
        <Value text={text} mono />
      </PageLink>
    ) : (
      <Value text={text} mono />
    );
  return (
    <section className={clsx('panel card', styles.ranking)} aria-label={title}>
      <h2>{title}</h2>
      <p className="dim">
        {hint}
        {figures.head === '' ? '' : ` In ${figures.head}.`}
      </p>
      {rows.length === 0 ? <Empty icon="cardinality">Nothing yet</Empty> : null}
      <ol>
        {rows.map((row) => (
          <li key={row.name}>
            <span className={styles.bar} style={{ width: `${(row.value / most) * 100}%` }} />
            <span className="grow ellipsis" title={visibleText(row.name)}>
              {name(row.name)}
            </span>
            <span className="num" title={String(row.value)}>
              {figures.write(row.value)}
            </span>
          </li>
        ))}
      </ol>
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

export default function CardinalityPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const { utc } = usePageClock();
  const limit = LIMITS.find((one) => one === search.limit) ?? '10';
  const answer = useAsked({
    key: ['tsdb', limit],
    ask: (asking) => tsdbStatus(Number(limit), asking),
    refreshMs,
  });
  const status = answer.data?.data;
  return (
    <Page>
      <PageHead
        title="Cardinality"
        about={status ? <About head={status.headStats} utc={utc} /> : null}
        actions={
          <SegmentedControl
            size="xs"
            aria-label="Rows"
            data={LIMITS.map((value) => ({ value, label: `Top ${value}` }))}
            value={limit}
            onChange={(value) => setOwn({ limit: value === '10' ? undefined : value }, true)}
          />
        }
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        <Unreadable what="The figures" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending ? <div className={clsx('panel skeleton', styles.rankingWait)} /> : null}
        {status ? (
          <div className={styles.rankings}>
            <Ranking
              title="Series by metric"
              hint="Which metric names have the most series."
              rows={status.seriesCountByMetricName}
              unit="count"
              expr={exprForMetric}
            />
            <Ranking
              title="Values by label"
              hint="Labels with many values make many series."
              rows={status.labelValueCountByLabelName}
              unit="count"
              expr={exprForLabel}
            />
            <Ranking
              title="Series by label and value"
              hint="What most series have in common."
              rows={status.seriesCountByLabelValuePair}
              unit="count"
              expr={exprForPair}
            />
            <Ranking
              title="Bytes by label"
              hint="The text of all values of a label."
              rows={status.memoryInBytesByLabelName}
              unit="bytes"
              expr={exprForLabel}
            />
          </div>
        ) : null}
      </Body>
    </Page>
  );
}
