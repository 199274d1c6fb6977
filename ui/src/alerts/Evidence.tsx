import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, type ReactElement } from 'react';
import { contextOf, writeContext } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { PATHS, TRACE } from '../address/places';
import type { AlertView } from '../api/alerts';
import { rulesNamed } from '../api/alerting';
import { ApiError } from '../api/client';
import type { Grid } from '../api/calls';
import type { Labels } from '../api/types';
import { useAsked } from '../api/useAsked';
import { Chart } from '../chart/Chart';
import { formatLabels, gridTimes, readColumn } from '../chart/columns';
import { StateTimeline } from '../chart/StateTimeline';
import { seriesColor } from '../design/colors';
import { formatCount } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Empty, Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { Status } from '../design/status';
import { Expression } from '../design/Value';
import { ExplainLink } from '../explain/ExplainLink';
import { LONGEST_MS, type Spike } from '../explain/spike';
import { highest } from '../explore/exemplars';
import { useExemplars } from '../explore/useExemplars';
import { absolute, alignGrid, chooseStep, resolveRange } from '../time/range';
import { TraceLink } from '../traces/TraceLink';
import { severityOf } from './alerts';
import { readEvidence, ruleOf, seriesIn, unitOf, type Evidence as Found, type OwnRule } from './measure';
import { isOf, standsFrom } from './story';
import { thresholdOf } from './threshold';
import styles from './alerts.module.css';

/** So many that what just began is seen soon: of an hour, a step is 5 s. */
const POINTS = 720;
/** Series that are drawn at most. */
const DRAWN = 24;

function Measure(props: {
  rule: OwnRule;
  value: Exclude<Found['value'], ApiError | null>;
  alert: AlertView;
  grid: Grid;
  onZoom: (fromMs: number, toMs: number) => void;
}): ReactElement {
  const { rule, value, alert, grid, onZoom } = props;
  const scheme = useScheme();
  const navigate = useNavigate();
  const { search } = useAddress();
  const times = useMemo(() => gridTimes(grid), [grid]);
  const span = useMemo(() => ({ fromMs: grid.start * 1000, toMs: grid.end * 1000 }), [grid]);
  const isMeant = useCallback((labels: Labels) => isOf(labels, alert.labels), [alert.labels]);
  const { points, error } = useExemplars(rule.measure, span, isMeant);
  const { limit } = value;
  const severity = severityOf(alert.labels);
  const tone = severity === 'critical' || severity === 'info' ? severity : 'warning';
  const marks = useMemo(
    () => ({ points, ...(limit ? { thresholds: [thresholdOf(limit, tone)] } : {}) }),
    [points, limit, tone],
  );
  const own = value.series.filter(({ metric }) => isOf(metric, alert.labels));
  const all = own.length > 0 ? own : value.series;
  const shown = all.slice(0, DRAWN);
  const best = highest(points);
  if (shown.length === 0)
    return <Empty icon="explore">What the rule measures has no value in this range.</Empty>;
  return (
    <>
      <Chart
        title={rule.measure || rule.expression}
        times={times}
        columns={shown.map((one) => readColumn(one, grid, times.length))}
        names={shown.map(({ metric }) => formatLabels(metric))}
        colors={shown.map((_, i) => seriesColor(i, scheme))}
        unit={unitOf(rule)}
        height={240}
        range={[grid.start, grid.end]}
        filled={shown.length === 1}
        marks={marks}
        syncKey="alert"
        onZoom={onZoom}
        onPick={({ point }) => {
          if (point !== null)
            void navigate({ to: TRACE, params: { traceId: point.id }, search: contextOf(search) });
        }}
      />
      {all.length > DRAWN ? (
        <p className="dim">
          {DRAWN} of {formatCount(all.length)} series are shown.
        </p>
      ) : null}
      {best === null ? null : (
        <p className="dim">
          {formatCount(points.length)} {points.length === 1 ? 'exemplar' : 'exemplars'}, the highest in{' '}
          <TraceLink traceId={best.id}>this trace</TraceLink>
        </p>
      )}
      {error === null ? null : <p className="dim">Exemplars cannot be read: {error.message}</p>}
    </>
  );
}

/** When it fired or waited, as it does now; it was all right only where something was measured. */
function stateLane({ grid, history, value }: Found, alert: AlertView): (Status | null)[] {
  const length = gridTimes(grid).length;
  const lane = new Array<Status | null>(length).fill(null);
  const from = standsFrom(alert, grid, Date.now() / 1000);
  const now = alert.state === 'pending' ? 'pending' : severityOf(alert.labels);
  if (history === undefined || history instanceof ApiError) return lane;
  for (const one of value === null || value instanceof ApiError ? [] : value.series)
    readColumn(one, grid, length).forEach((measured, at) => {
      if (measured !== null) lane[at] = 'ok';
    });
  for (const one of seriesIn(history)) {
    const status = one.metric['alertstate'] === 'firing' ? severityOf(alert.labels) : 'pending';
    readColumn(one, grid, length).forEach((shown, at) => {
      if (shown !== null && (status !== 'pending' || lane[at] !== severityOf(alert.labels)))
        lane[at] = status;
    });
  }
  return from === null ? lane : lane.fill(now, from);
}

const LEAST_MS = 60_000;

/** From when on what the rule measures is to be explained: since the alert stands, until the end of what is seen. */
function spikeOf(alert: AlertView, measure: string, endMs: number): Spike | null {
  const fromMs = Date.parse(alert.since);
  if (measure === '' || Number.isNaN(fromMs)) return null;
  const toMs = Math.min(fromMs + LONGEST_MS, Math.max(endMs, fromMs + LEAST_MS));
  // What made it fire began before it did.
  return { expr: measure, labels: {}, fromMs: fromMs - LEAST_MS, toMs };
}

function Explained(props: { alert: AlertView; measure: string; endMs: number }): ReactElement | null {
  const spike = spikeOf(props.alert, props.measure, props.endMs);
  return spike === null ? null : <ExplainLink spike={spike} />;
}

function Ruled(props: { rule: OwnRule; alert: AlertView; endMs: number }): ReactElement {
  const { rule, alert, endMs } = props;
  if (rule.language !== null)
    return (
      <p className={styles.expression}>
        <Expression text={rule.expression} />
      </p>
    );
  return (
    <p className={styles.expression}>
      <PageLink page="explore" search={{ q0: rule.measure }}>
        <Expression text={rule.expression} />
      </PageLink>{' '}
      <Explained alert={alert} measure={rule.measure} endMs={endMs} />
    </p>
  );
}

/** What the alert's rule measured over the page's range, its limit, and when it fired. */
export function Evidence({ alert }: { alert: AlertView }): ReactElement {
  const { range, refreshMs, search } = useAddress();
  const { utc } = usePageClock();
  const navigate = useNavigate();
  const name = alert.labels['alertname'] ?? '';
  const named = useAsked({ key: ['rules named', name], ask: (asking) => rulesNamed(name, asking) });
  const rule = named.data ? ruleOf(alert, named.data.data.groups) : null;
  const shown = useAsked({
    key: ['alert evidence', rule, alert.fingerprint, range.from, range.to, utc],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      const grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, POINTS));
      return readEvidence(alert, rule, grid, asking);
    },
    enabled: !named.isPending,
    refreshMs,
    keep: true,
  });
  const zoom = (fromMs: number, toMs: number): void => {
    const context = { ...contextOf(search), ...writeContext({ range: absolute(fromMs, toMs) }) };
    void navigate({ to: PATHS.alert, search: { id: alert.fingerprint, ...context } });
  };
  if (shown.error && shown.data === undefined)
    return <Note level="bad">What was measured cannot be read: {shown.error.message}</Note>;
  if (shown.data === undefined) return <Skeleton kind="chart" label="What was measured" />;
  const { grid, value } = shown.data;
  return (
    <>
      {named.error ? <Note level="warn">Its rule cannot be read: {named.error.message}</Note> : null}
      {rule === null ? (
        named.error ? null : (
          <p className="dim">No rule of this name runs here: the alert was sent by another server.</p>
        )
      ) : (
        <Ruled rule={rule} alert={alert} endMs={grid.end * 1000} />
      )}
      {value instanceof ApiError ? (
        <Note level="bad">What the rule measures cannot be read: {value.message}</Note>
      ) : null}
      {rule === null || value === null || value instanceof ApiError ? null : (
        <Measure rule={rule} value={value} alert={alert} grid={grid} onZoom={zoom} />
      )}
      <StateTimeline
        title="When it fired"
        times={gridTimes(grid)}
        range={[grid.start, grid.end]}
        lanes={[{ name: 'state', states: stateLane(shown.data, alert) }]}
        syncKey="alert"
        onZoom={zoom}
      />
    </>
  );
}
