import { SegmentedControl } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactElement, ReactNode } from 'react';
import { tsdbStatus } from '../api/calls';
import type { NamedCount } from '../api/types';
import { formatCount, formatInstant, formatValue } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Empty, Unreadable } from '../design/parts';
import './cardinality.css';
import { exprForLabel, exprForMetric, exprForPair } from './exprs';
import type { Flat } from '../explore/state';

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
  const most = Math.max(1, ...rows.map((row) => row.value));
  const name = (text: string): ReactNode =>
    expr ? (
      <Link className="mono" to="/explore" search={{ q0: expr(text), v0: 'table' } as never}>
        {text}
      </Link>
    ) : (
      <span className="mono">{text}</span>
    );
  return (
    <section className="panel card ranking" aria-label={title}>
      <h2>{title}</h2>
      <p className="dim">{hint}</p>
      {rows.length === 0 ? <Empty icon="cardinality">Nothing yet</Empty> : null}
      <ol>
        {rows.map((row) => (
          <li key={row.name}>
            <span className="bar" style={{ width: `${(row.value / most) * 100}%` }} />
            <span className="grow ellipsis" title={row.name}>
              {name(row.name)}
            </span>
            <span className="num">
              {unit === 'bytes' ? formatValue(row.value, 'bytes') : formatCount(row.value)}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}

export function CardinalityPage(): ReactElement {
  const search: Flat = useSearch({ strict: false });
  const navigate = useNavigate();
  const { utc } = usePageClock();
  const limit = LIMITS.find((one) => one === search.limit) ?? '10';
  const answer = useQuery({
    queryKey: ['tsdb', limit],
    queryFn: ({ signal }) => tsdbStatus(Number(limit), signal),
    refetchInterval: 30_000,
  });
  const status = answer.data?.data;
  const head = status?.headStats;
  return (
    <div className="page">
      <div className="page-head">
        <h1>Cardinality</h1>
        {head ? (
          <span className="dim">
            {formatCount(head.numSeries)} series
            {head.numLabelPairs === undefined ? '' : `, ${formatCount(head.numLabelPairs)} label pairs`}
            {head.minTime && head.minTime > 0 && head.minTime < 8e15
              ? `, since ${formatInstant(Math.floor(head.minTime / 1000) * 1000, utc)}`
              : ''}
          </span>
        ) : null}
        <span className="grow" />
        <SegmentedControl
          size="xs"
          aria-label="Rows"
          data={LIMITS.map((value) => ({ value, label: `Top ${value}` }))}
          value={limit}
          onChange={(value) =>
            void navigate({
              to: '/cardinality',
              search: (value === '10' ? {} : { limit: value }) as never,
              replace: true,
            })
          }
        />
      </div>
      <Unreadable what="The figures" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <div className="panel card-wait ranking-wait" /> : null}
      {status ? (
        <div className="rankings">
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
            rows={status.seriesCountByLabelValuePair ?? []}
            unit="count"
            expr={exprForPair}
          />
          {status.memoryInBytesByLabelName ? (
            <Ranking
              title="Bytes by label"
              hint="The text of all values of a label."
              rows={status.memoryInBytesByLabelName}
              unit="bytes"
              expr={exprForLabel}
            />
          ) : null}
        </div>
      ) : null}
    </div>
  );
}
