import { useMemo, useState, type ReactElement } from 'react';
import { Chart } from '../chart/Chart';
import { formatLabels, hiddenOf, nameSeries, summarize, type Column } from '../chart/columns';
import { bucketsOf } from '../chart/heat';
import { HeatMap } from '../chart/HeatMap';
import { Legend } from '../chart/Legend';
import type { Marks } from '../chart/marks';
import type { StateLane } from '../chart/states';
import { StateTimeline } from '../chart/StateTimeline';
import { seriesColor } from '../design/colors';
import { useScheme } from '../design/hooks';
import { STATUSES, type Status } from '../design/status';
import { HOSTILE, HOSTILE_VALUES } from './hostile';
import { Section } from './Section';
import styles from './gallery.module.css';

const START = Date.parse('2026-11-29T08:00:00Z') / 1000;
const STEP = 60;
const POINTS = 121;
const TIMES = Array.from({ length: POINTS }, (_, i) => START + i * STEP);
const RANGE = [START, START + (POINTS - 1) * STEP] as const;
const BARS = TIMES.filter((_, i) => i % 5 === 0);

function column(of: (i: number) => number | null, count = POINTS): Column {
  return Array.from({ length: count }, (_, i) => of(i));
}

/** Between 0 and 1, the same at every visit. */
function noise(seed: number): number {
  return Math.abs((Math.sin(seed * 12.9898) * 43_758.5453) % 1);
}

const LATENCY = column(
  (i) => 0.18 + 0.08 * Math.sin(i / 12) + 0.02 * noise(i) + (i > 80 && i < 92 ? 0.16 : 0),
);
const MARKS: Marks = {
  thresholds: [{ value: 0.4, label: 'objective', tone: 'critical', beyond: 'above' }],
  annotations: [
    { fromMs: (START + 20 * STEP) * 1000, text: `deploy of ${HOSTILE.override}`, tone: 'info' },
    {
      fromMs: (START + 80 * STEP) * 1000,
      toMs: (START + 92 * STEP) * 1000,
      text: 'incident 42: the database was slow',
      tone: 'warning',
    },
  ],
  events: [
    { atMs: (START + 45 * STEP) * 1000, text: 'restart of db-1', tone: 'warning' },
    { atMs: (START + 83 * STEP) * 1000, text: 'alert CheckoutSlow', tone: 'critical' },
  ],
  bands: [
    {
      label: 'expected',
      series: 0,
      lower: column((i) => 0.12 + 0.08 * Math.sin(i / 12)),
      upper: column((i) => 0.26 + 0.08 * Math.sin(i / 12)),
    },
  ],
};

const FLEET = HOSTILE_VALUES.map((service, i) => ({
  labels: { __name__: 'http_requests_total', service },
  values: column((at) =>
    at === 60 ? null : (i + 1) * 40 + 30 * Math.sin(at / 9 + i) + 10 * noise(at + i * 131),
  ),
}));

function Lines(): ReactElement {
  const scheme = useScheme();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<number | null>(null);
  const colors = useMemo(() => FLEET.map((_, i) => seriesColor(i, scheme)), [scheme]);
  const columns = useMemo(() => FLEET.map(({ values }) => values), []);
  const summaries = useMemo(() => columns.map(summarize), [columns]);
  const naming = useMemo(() => nameSeries(FLEET.map(({ labels }) => labels)), []);
  const keys = naming.names;
  const off = useMemo(() => hiddenOf(keys, hidden), [keys, hidden]);
  const alone = (index: number): void =>
    setHidden(
      new Set(off.size === keys.length - 1 && !off.has(index) ? [] : keys.filter((_, i) => i !== index)),
    );
  const toggle = (index: number): void => {
    const next = new Set(off.size === 0 ? [] : hidden);
    if (!next.delete(keys[index] ?? '')) next.add(keys[index] ?? '');
    setHidden(next);
  };
  return (
    <div>
      <Chart
        title="Requests by service"
        times={TIMES}
        columns={columns}
        names={naming.names}
        colors={colors}
        unit="per-second"
        height={240}
        range={RANGE}
        syncKey="gallery"
        hidden={off}
        focused={focused}
        onFocus={setFocused}
      />
      <Legend
        names={naming.names}
        titles={FLEET.map(({ labels }) => formatLabels(labels))}
        colors={colors}
        summaries={summaries}
        times={TIMES}
        unit="per-second"
        nameHead={naming.by || 'series'}
        hidden={off}
        focused={focused}
        onFocus={setFocused}
        onIsolate={alone}
        onToggle={toggle}
      />
    </div>
  );
}

const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, Infinity];
const BUCKETS = bucketsOf(
  BOUNDS.map((upper, lane) => ({
    upper,
    counts: column((at) => {
      const center = 4 + 2 * Math.sin(at / 15) + (at > 80 && at < 92 ? 2 : 0);
      let sum = 0;
      for (let below = 0; below <= lane; below += 1)
        sum += Math.round(
          400 * Math.exp(-((below - center) ** 2) / 1.6) * (0.7 + 0.6 * noise(at * 7 + below)),
        );
      return sum;
    }),
  })),
);

const LANES: StateLane[] = HOSTILE_VALUES.slice(0, 5).map((name, lane) => ({
  name,
  states: column((at) => at).map((at): Status | null => {
    if (at === null || (lane === 3 && at > 40 && at < 55)) return null;
    return at > 80 && at < 92 + lane * 3
      ? (STATUSES[lane] ?? 'ok')
      : at > 70 && at <= 80 && lane < 2
        ? 'pending'
        : 'ok';
  }),
}));

/** The charts, in step: a crosshair in one is in all. */
export function Charts(): ReactElement {
  const scheme = useScheme();
  const colors = [0, 1, 2].map((i) => seriesColor(i, scheme));
  const stacked = useMemo(
    () => [0, 1, 2].map((i) => column((at) => 20 * (i + 1) + 15 * noise(at * 3 + i), BARS.length)),
    [],
  );
  const wide = useMemo(() => [0, 1, 2].map((i) => column((at) => 10 ** (i * 2 + Math.sin(at / 14 + i)))), []);
  const latency = useMemo(() => [LATENCY], []);
  return (
    <>
      <Section title="Lines and their legend">
        <Lines />
      </Section>
      <Section title="Marks">
        <Chart
          title="p95 of checkout"
          times={TIMES}
          columns={latency}
          names={['p95']}
          colors={colors.slice(0, 1)}
          unit="seconds"
          height={220}
          range={RANGE}
          marks={MARKS}
          syncKey="gallery"
        />
      </Section>
      <div className={styles.pair}>
        <Section title="Bars">
          <Chart
            title="Log records by level"
            times={BARS}
            columns={stacked}
            names={['info', 'warn', 'error']}
            colors={colors}
            unit="count"
            height={200}
            range={RANGE}
            bars
            stacked
            syncKey="gallery"
          />
        </Section>
        <Section title="By powers of ten">
          <Chart
            title="Sizes"
            times={TIMES}
            columns={wide}
            names={['small', 'middle', 'large']}
            colors={colors}
            unit="none"
            height={200}
            range={RANGE}
            log
            syncKey="gallery"
          />
        </Section>
        <Section title="Heat map">
          <HeatMap
            title="Latency of checkout"
            times={TIMES}
            buckets={BUCKETS}
            unit="seconds"
            height={230}
            range={RANGE}
            syncKey="gallery"
          />
        </Section>
        <Section title="States over time">
          <StateTimeline title="Alerts" times={TIMES} lanes={LANES} range={RANGE} syncKey="gallery" />
        </Section>
      </div>
    </>
  );
}
