import { useMemo, useState, type ReactElement } from 'react';
import { metricMetadata, metricNames, tsdbStatus } from '../api/calls';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Expression } from '../design/Value';
import { fit } from '../page/fit';
import { suggested, toExpr } from './build';
import { readHistory } from './history';
import styles from './browser.module.css';

interface Metric {
  name: string;
  type: string;
  unit: string;
  help: string;
  series: number | null;
}

const MOST_COUNTED = 10_000;
const RECENT = 5;
const HEIGHT = 420;

const COLUMNS: readonly TableColumn<Metric>[] = [
  { id: 'name', title: 'metric', value: ({ name }) => name },
  { id: 'type', title: 'type', value: ({ type }) => type || null },
  { id: 'unit', title: 'unit', value: ({ unit }) => unit || null, optional: true },
  { id: 'series', title: 'series', kind: 'number', unit: 'count', value: ({ series }) => series },
  { id: 'help', title: 'what it is', value: ({ help }) => help || null },
];

/** What a metric is described by: its own name's, or that of the histogram or summary that it is a part of. */
function described<T>(all: Readonly<Record<string, T>>, name: string): T | undefined {
  return all[name] ?? all[name.replace(/_(?:bucket|count|sum|total|created)$/u, '')];
}

/** The metrics there are, with all that is known of them. */
function useMetrics() {
  const names = useAsked({
    key: ['metric-names'],
    ask: async (asking) => (await metricNames(asking)).data,
    staleTime: 60_000,
  });
  const metadata = useAsked({
    key: ['metadata'],
    ask: async (asking) => (await metricMetadata(asking)).data,
    staleTime: 60_000,
  });
  const counted = useAsked({
    key: ['tsdb', MOST_COUNTED],
    ask: async (asking) => (await tsdbStatus(MOST_COUNTED, asking)).data,
    staleTime: 60_000,
  });
  const metrics = useMemo(() => {
    const series = new Map(counted.data?.seriesCountByMetricName.map(({ name, value }) => [name, value]));
    return names.data?.map((name): Metric => {
      const [known] = described(metadata.data ?? {}, name) ?? [];
      return {
        name,
        type: known?.type ?? '',
        unit: known?.unit ?? '',
        help: known?.help ?? '',
        series: series.get(name) ?? null,
      };
    });
  }, [names.data, metadata.data, counted.data]);
  return { metrics, error: names.error };
}

function Chips(props: {
  title: string;
  exprs: readonly string[];
  onChoose: (expr: string) => void;
}): ReactElement | null {
  const { title, exprs, onChoose } = props;
  if (exprs.length === 0) return null;
  return (
    <div className={styles.chips}>
      <span className="dim">{title}</span>
      {exprs.map((expr) => (
        <button key={expr} type="button" className="button" onClick={() => onChoose(expr)}>
          <span className="mono ellipsis">
            <Expression text={expr} />
          </span>
        </button>
      ))}
    </div>
  );
}

const EXAMPLES: readonly (readonly [string, string])[] = [
  ['http_requests_total', 'sum by (code) (rate(http_requests_total[5m]))'],
  ['node_cpu_seconds_total', '1 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m]))'],
  ['node_memory_MemAvailable_bytes', 'node_memory_MemAvailable_bytes / node_memory_MemTotal_bytes'],
  ['node_filesystem_avail_bytes', 'predict_linear(node_filesystem_avail_bytes[6h], 86400) < 0'],
  ['up', 'sum by (job) (up)'],
];
const MOST_EXAMPLES = 3;

/** Where to begin: queries run before, examples of what is here, and every metric with its type and what it is. */
export function MetricBrowser({ onChoose }: { onChoose: (expr: string) => void }): ReactElement {
  const { metrics, error } = useMetrics();
  const [wanted, setWanted] = useState('');
  const [recent] = useState(() => readHistory().slice(0, RECENT));
  const rows = useMemo(() => {
    const typed = wanted.trim().toLowerCase();
    if (metrics === undefined || typed === '') return metrics ?? [];
    return metrics
      .flatMap((metric) => {
        const own = fit(typed, metric.name) ?? (metric.help.toLowerCase().includes(typed) ? 9 : null);
        return own === null ? [] : [{ metric, own }];
      })
      .sort((a, b) => a.own - b.own || a.metric.name.length - b.metric.name.length)
      .map(({ metric }) => metric);
  }, [metrics, wanted]);
  const known = new Set(metrics?.map(({ name }) => name));
  const examples = EXAMPLES.filter(([name]) => known.has(name)).map(([, expr]) => expr);
  if (error) return <Unreadable what="The metrics" error={error} asOfMs={0} />;
  if (metrics === undefined) return <Skeleton kind="table" label="The metrics" rows={10} />;
  if (metrics.length === 0)
    return (
      <EmptyState reason="none-yet" title="No metrics in this tenant yet">
        Home has what to paste to send some.
      </EmptyState>
    );
  return (
    <div className={styles.browser}>
      <Chips title="Run before" exprs={recent} onChoose={onChoose} />
      <Chips title="Examples" exprs={examples.slice(0, MOST_EXAMPLES)} onChoose={onChoose} />
      <DataTable
        label="Metrics"
        tall="narrow"
        columns={COLUMNS}
        rows={rows}
        total={metrics.length}
        height={HEIGHT}
        rowKey={({ name }) => name}
        onOpen={({ name, type }) => onChoose(toExpr(suggested(name, type)))}
        tools={
          <span className={styles.search}>
            <FilterBar
              label="Search metrics"
              placeholder="Search metrics by name or by what they are"
              words={wanted}
              onWords={setWanted}
            />
          </span>
        }
        empty={<EmptyState reason="filtered" title="No metric of that name" />}
      />
    </div>
  );
}
