import { useMemo, type ReactElement } from 'react';
import { PageLink } from '../address/PageLink';
import { ratesBy, type RateSeries, type TraceRange } from '../api/traces';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatValue } from '../design/format';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { fareOf, FAILING, type Fare } from './services';
import styles from './services.module.css';

interface Operation {
  name: string;
  kind: string;
  fare: Fare;
}

function operationsOf(series: readonly RateSeries[], lengthS: number): Operation[] {
  return series
    .map((one) => ({
      name: one.labels.name ?? '',
      kind: one.labels.kind ?? '',
      fare: fareOf(one, lengthS),
    }))
    .sort((a, b) => (b.fare.rate ?? 0) - (a.fare.rate ?? 0) || a.name.localeCompare(b.name));
}

function columnsOf(service: string): readonly TableColumn<Operation>[] {
  const duration = (id: 'p50' | 'p95' | 'p99'): TableColumn<Operation> => ({
    id,
    title: id,
    kind: 'number',
    unit: 'seconds',
    value: ({ fare }) => fare[id],
  });
  return [
    {
      id: 'name',
      title: 'operation',
      value: ({ name }) => name,
      cell: ({ name }) => (
        <PageLink page="traces" search={{ service, operation: name }}>
          <Value text={name} />
        </PageLink>
      ),
      chars: 44,
      least: 16,
    },
    { id: 'kind', title: 'kind', value: ({ kind }) => kind },
    {
      id: 'rate',
      title: 'rate',
      kind: 'number',
      unit: 'per-second',
      value: ({ fare }) => fare.rate,
    },
    {
      id: 'errors',
      title: 'failed',
      kind: 'number',
      value: ({ fare }) => fare.errorRatio,
      cell: ({ fare }) => (
        <span className={(fare.errorRatio ?? 0) >= FAILING.warning ? styles.bad : undefined}>
          {fare.errorRatio === null ? '–' : formatValue(fare.errorRatio, 'ratio')}
        </span>
      ),
      chars: 9,
    },
    duration('p50'),
    duration('p95'),
    duration('p99'),
  ];
}

const HEIGHT = 340;

/** What a service does, by its spans, the most frequent first. */
export function Operations({ service, range }: { service: string; range: TraceRange }): ReactElement {
  const lengthS = Math.max(range.end - range.start, 1);
  const answer = useAsked({
    key: ['service-operations', service, range],
    ask: async (asking) => (await ratesBy('name,kind', { service }, range, lengthS, asking)).data,
    keep: true,
  });
  const rows = useMemo(() => operationsOf(answer.data ?? [], lengthS), [answer.data, lengthS]);
  const columns = useMemo(() => columnsOf(service), [service]);
  return (
    <section className="panel card" aria-label="Operations">
      <h2>Operations</h2>
      <Unreadable what="The operations" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="The operations" rows={6} /> : null}
      {answer.data ? (
        <DataTable
          label="Operations"
          tall
          height={HEIGHT}
          columns={columns}
          rows={rows}
          rowKey={({ name, kind }) => `${kind} ${name}`}
          sort={{ id: 'rate', desc: true }}
          empty={<EmptyState reason="out-of-range" title="No spans in this time" />}
        />
      ) : null}
    </section>
  );
}
