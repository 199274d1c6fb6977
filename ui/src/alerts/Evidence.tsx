import { useNavigate } from '@tanstack/react-router';
import { useMemo, type ReactElement } from 'react';
import { contextOf, writeContext } from '../address/context';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { PATHS } from '../address/places';
import type { AlertView } from '../api/alerts';
import { rulesNamed, type AlertingRule } from '../api/alerting';
import { queryBatch, type Outcome } from '../api/batch';
import { ApiError } from '../api/client';
import type { Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { useAsked } from '../api/useAsked';
import { Chart } from '../chart/Chart';
import { formatLabels, gridTimes, readColumn } from '../chart/columns';
import { StateTimeline } from '../chart/StateTimeline';
import { seriesColor } from '../design/colors';
import { guessUnit } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Empty, Note } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { Status } from '../design/status';
import { Expression } from '../design/Value';
import { ExplainLink } from '../explain/ExplainLink';
import { LONGEST_MS, type Spike } from '../explain/spike';
import { absolute, alignGrid, chooseStep, resolveRange } from '../time/range';
import { severityOf } from './alerts';
import { alertsSelector, isOf, standsFrom } from './story';
import { comparedIn, thresholdOf } from './threshold';

const POINTS = 240;
/** Series that are drawn at most. */
const DRAWN = 24;

/** The rule that an alert is of: by its name, and its group where that is known. */
function ruleOf(
  alert: AlertView,
  groups: readonly { name: string; file: string; rules: readonly AlertingRule[] }[],
): AlertingRule | null {
  const own = groups.filter(
    ({ name, file }) => alert.rule === null || (alert.rule.group === name && alert.rule.file === file),
  );
  return (own.length > 0 ? own : groups).flatMap(({ rules }) => rules)[0] ?? null;
}

function seriesIn(outcome: Outcome | undefined): readonly RangeSeries[] {
  if (outcome === undefined || outcome instanceof ApiError) return [];
  return outcome.resultType === 'matrix' ? outcome.result : [];
}

function Measure(props: {
  expression: string;
  measure: string;
  outcome: Outcome | undefined;
  alert: AlertView;
  grid: Grid;
  onZoom: (fromMs: number, toMs: number) => void;
}): ReactElement {
  const { expression, measure, outcome, alert, grid, onZoom } = props;
  const scheme = useScheme();
  const compared = comparedIn(expression);
  const found = seriesIn(outcome);
  const own = found.filter(({ metric }) => isOf(metric, alert.labels));
  const shown = (own.length > 0 ? own : found).slice(0, DRAWN);
  const times = useMemo(() => gridTimes(grid), [grid]);
  if (outcome instanceof ApiError)
    return <Note level="bad">What the rule measures cannot be read: {outcome.message}</Note>;
  if (shown.length === 0)
    return <Empty icon="explore">The rule&apos;s measure has no value in this range.</Empty>;
  const severity = severityOf(alert.labels);
  const tone = severity === 'critical' || severity === 'info' ? severity : 'warning';
  return (
    <Chart
      title={measure}
      times={times}
      columns={shown.map((one) => readColumn(one, grid, times.length))}
      names={shown.map(({ metric }) => formatLabels(metric))}
      colors={shown.map((_, i) => seriesColor(i, scheme))}
      unit={guessUnit(measure)}
      height={240}
      range={[grid.start, grid.end]}
      filled={shown.length === 1}
      marks={compared ? { thresholds: [thresholdOf(compared, tone)] } : {}}
      syncKey="alert"
      onZoom={onZoom}
    />
  );
}

/** When it fired or waited, as it does now; it was all right only where something was measured. */
function stateLane(
  outcome: Outcome | undefined,
  value: Outcome | undefined,
  grid: Grid,
  alert: AlertView,
): (Status | null)[] {
  const length = gridTimes(grid).length;
  const lane = new Array<Status | null>(length).fill(null);
  const from = standsFrom(alert, grid, Date.now() / 1000);
  const now = alert.state === 'pending' ? 'pending' : severityOf(alert.labels);
  if (outcome === undefined || outcome instanceof ApiError) return lane;
  for (const one of seriesIn(value))
    readColumn(one, grid, length).forEach((measured, at) => {
      if (measured !== null) lane[at] = 'ok';
    });
  for (const one of seriesIn(outcome)) {
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

/** What the alert's rule measured over the page's range, its limit, and when it fired. */
export function Evidence({ alert }: { alert: AlertView }): ReactElement {
  const { range, refreshMs, search } = useAddress();
  const { utc } = usePageClock();
  const navigate = useNavigate();
  const name = alert.labels['alertname'] ?? '';
  const named = useAsked({ key: ['rules named', name], ask: (asking) => rulesNamed(name, asking) });
  const rule = named.data ? ruleOf(alert, named.data.data.groups) : null;
  const expression = rule?.query ?? '';
  // What rules over lines and spans measure is no series.
  const isDrawn = rule?.language === undefined;
  const measure = isDrawn ? (comparedIn(expression)?.measure ?? expression) : '';
  const shown = useAsked({
    key: ['alert evidence', measure, alert.fingerprint, range.from, range.to, utc],
    ask: async (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      const grid = alignGrid(span, chooseStep(span.toMs - span.fromMs, POINTS));
      const asked = [alertsSelector(alert.labels), ...(measure === '' ? [] : [measure])];
      const [history, value] = await queryBatch(
        asked.map((query) => ({ query, ...grid })),
        asking,
      );
      return { grid, history, value };
    },
    refreshMs,
    keep: true,
  });
  const zoom = (fromMs: number, toMs: number): void => {
    const context = { ...contextOf(search), ...writeContext({ range: absolute(fromMs, toMs) }) };
    void navigate({ to: PATHS.alert, search: { id: alert.fingerprint, ...context } });
  };
  if (shown.error && shown.data === undefined)
    return <Note level="bad">What was measured cannot be read: {shown.error.message}</Note>;
  if (shown.data === undefined || named.isPending) return <Skeleton kind="chart" label="What was measured" />;
  const { grid, history, value } = shown.data;
  return (
    <>
      {expression === '' ? (
        <p className="dim">No rule of this name runs here: the alert was sent by another server.</p>
      ) : !isDrawn ? (
        <p>
          <code>{expression}</code>
        </p>
      ) : (
        <>
          <p>
            <PageLink page="explore" search={{ q0: measure }}>
              <Expression text={expression} />
            </PageLink>{' '}
            <Explained alert={alert} measure={measure} endMs={grid.end * 1000} />
          </p>
          <Measure
            expression={expression}
            measure={measure}
            outcome={value}
            alert={alert}
            grid={grid}
            onZoom={zoom}
          />
        </>
      )}
      <StateTimeline
        title="When it fired"
        times={gridTimes(grid)}
        range={[grid.start, grid.end]}
        lanes={[{ name: 'state', states: stateLane(history, value, grid, alert) }]}
        syncKey="alert"
        onZoom={zoom}
      />
    </>
  );
}
