import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { TRACE } from '../address/places';
import type { Grid } from '../api/calls';
import { exemplars, type About } from '../api/related';
import type { RangeSeries, SeriesExemplars } from '../api/types';
import { useAsked } from '../api/useAsked';
import { Chart, type Picked } from '../chart/Chart';
import {
  formatLabels,
  gridTimes,
  hiddenOf,
  labelKey,
  nameSeries,
  readColumn,
  summarize,
  undrawn,
} from '../chart/columns';
import { Legend } from '../chart/Legend';
import type { PointMark } from '../chart/marks';
import { MANY } from '../chart/plot';
import { seriesColor } from '../design/colors';
import { formatCount, type Unit } from '../design/format';
import { useScheme } from '../design/hooks';
import { Empty } from '../design/parts';
import { Expression, LabelSet } from '../design/Value';
import { ABOUT, writeAbout } from '../related/about';
import { WhatElseButton } from '../related/WhatElse';
import { useMay } from '../session/session';
import type { Span } from '../time/range';
import { TraceLink } from '../traces/TraceLink';
import { highest, pointsOf } from './exemplars';
import styles from './explore.module.css';

const HEIGHT = 320;
const MOST_STACKED = MANY * 4;
const FIRST = 200;
const NEXT = 1_000;

export interface GraphViewProps {
  title: string;
  series: readonly RangeSeries[];
  grid: Grid;
  span: Span;
  unit: Unit;
  stacked: boolean;
  onZoom: (fromMs: number, toMs: number) => void;
  onZoomOut: () => void;
}

function MoreNote(props: {
  shown: number;
  all: number;
  onMore: (count: number) => void;
}): ReactElement | null {
  const { shown, all, onMore } = props;
  if (shown >= all) return null;
  return (
    <div className={styles.moreNote} role="status">
      Showing {formatCount(shown)} of {formatCount(all)} series.
      <button
        type="button"
        className="button"
        onClick={() => onMore(Math.min(all, shown < NEXT ? NEXT : all))}
      >
        Show {formatCount(Math.min(all, shown < NEXT ? NEXT : all))}
      </button>
      <span className="dim">topk(10, …) or an aggregation shows fewer and says more.</span>
    </div>
  );
}

/** What the lines alone do not tell; nothing when there is nothing to add. */
function Remarks(props: {
  undrawn: string;
  unstacked: boolean;
  hidden: number;
  onShowAll: () => void;
}): ReactElement | null {
  const { unstacked, hidden } = props;
  if (props.undrawn === '' && !unstacked && hidden === 0) return null;
  return (
    <div className={clsx('row wrap dim', styles.graphRemarks)} role="status">
      {props.undrawn === '' ? null : <span>{props.undrawn}</span>}
      {unstacked ? <span>Not stacked, because more than {MOST_STACKED} series are shown</span> : null}
      {hidden === 0 ? null : (
        <span>
          {formatCount(hidden)} hidden ·{' '}
          <button type="button" className={clsx('plain', styles.link)} onClick={props.onShowAll}>
            show all
          </button>
        </span>
      )}
    </div>
  );
}

const NO_EXEMPLARS: readonly SeriesExemplars[] = [];

/** The exemplars of what is drawn, as points. */
function useExemplars(expr: string, span: Span): { points: readonly PointMark[]; error: Error | null } {
  const may = useMay();
  const range = { start: span.fromMs / 1000, end: span.toMs / 1000 };
  const { data = NO_EXEMPLARS, error } = useAsked({
    key: ['exemplars', expr, range],
    ask: (asking) => exemplars(expr, range, asking),
    // Who may not see traces has no use for what leads there.
    enabled: may('traces.view'),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 15_000,
    keep: true,
    retry: false,
  });
  const { fromMs, toMs } = span;
  return { points: useMemo(() => pointsOf(data, { fromMs, toMs }), [data, fromMs, toMs]), error };
}

/** From a chart to what else happened at its highest point, and to the traces that its exemplars name. */
function Trails(props: {
  peak: About | null;
  points: readonly PointMark[];
  error: Error | null;
}): ReactElement {
  const { peak, points, error } = props;
  const best = highest(points);
  return (
    <div className={clsx('row wrap', styles.trails)}>
      {peak === null ? null : <WhatElseButton about={peak} quiet />}
      <span className="dim">at the highest point; a click on the chart asks about any other.</span>
      {best === null ? null : (
        <span>
          {formatCount(points.length)} {points.length === 1 ? 'exemplar' : 'exemplars'}, the highest in{' '}
          <TraceLink traceId={best.id}>this trace</TraceLink>
        </span>
      )}
      {error === null ? null : <span className="dim">Exemplars cannot be read: {error.message}</span>}
    </div>
  );
}

/** The series of one range query as lines. What was chosen for one expression says nothing about the next. */
export function GraphView(props: GraphViewProps): ReactElement {
  return <Graph key={props.title} {...props} />;
}

function Graph(props: GraphViewProps): ReactElement {
  const { title, series, grid, span, unit, stacked } = props;
  const scheme = useScheme();
  const [limit, setLimit] = useState(FIRST);
  const [focused, setFocused] = useState<number | null>(null);
  // Hidden by label set, not by number, so that a refresh with other series keeps the choice.
  const [hiddenKeys, setHiddenKeys] = useState<ReadonlySet<string>>(new Set());

  const shown = useMemo(() => series.slice(0, limit), [series, limit]);
  const drawn = useMemo(() => {
    const times = gridTimes(grid);
    const columns = shown.map((one) => readColumn(one, grid, times.length));
    return { times, columns, summaries: columns.map(summarize), undrawn: undrawn(columns) };
  }, [shown, grid]);
  const naming = useMemo(() => {
    const labels = shown.map((one) => one.metric);
    const named = nameSeries(labels);
    // An aggregation leaves no labels: then the question is the name.
    const names = named.names.map((name) => (name === '{}' && labels.length === 1 ? title : name));
    return { ...named, names, titles: labels.map(formatLabels), keys: labels.map(labelKey) };
  }, [shown, title]);
  const colors = useMemo(() => shown.map((_, i) => seriesColor(i, scheme)), [shown, scheme]);
  const hidden = useMemo(() => hiddenOf(naming.keys, hiddenKeys), [naming, hiddenKeys]);
  const range = useMemo(() => [span.fromMs / 1000, span.toMs / 1000] as const, [span]);
  const { search, setOwn } = useAddress();
  const navigate = useNavigate();
  const { points, error } = useExemplars(title, span);
  const marks = useMemo(() => ({ points }), [points]);
  const peak = useMemo((): About | null => {
    const tops = drawn.summaries.map(({ max }, i) => (max === null || hidden.has(i) ? -Infinity : max));
    const most = Math.max(...tops);
    if (!Number.isFinite(most)) return null;
    const top = tops.indexOf(most);
    const at = drawn.columns[top]?.indexOf(drawn.summaries[top]?.max ?? null) ?? -1;
    const seconds = drawn.times[at];
    const labels = shown[top]?.metric;
    return seconds === undefined || labels === undefined
      ? null
      : { kind: 'series', expr: title, labels, atMs: seconds * 1000 };
  }, [drawn, hidden, shown, title]);
  const pick = ({ atMs, series: index, point }: Picked): void => {
    if (point !== null) {
      void navigate({ to: TRACE, params: { traceId: point.id }, search: contextOf(search) });
      return;
    }
    const alone = shown.length === 1 ? 0 : -1;
    const labels = shown[index ?? alone]?.metric ?? naming.common;
    setOwn({ [ABOUT]: writeAbout({ kind: 'series', expr: title, labels, atMs }) });
  };

  if (series.length === 0)
    return (
      <Empty icon="explore">
        The query found nothing in this range. Widen the range, or check the names.
      </Empty>
    );

  const isolate = (index: number): void => {
    const alone = hidden.size === naming.keys.length - 1 && !hidden.has(index);
    setHiddenKeys(new Set(alone ? [] : naming.keys.filter((_, i) => i !== index)));
  };
  const toggle = (index: number): void => {
    const key = naming.keys[index] ?? '';
    const next = new Set(hidden.size === 0 ? [] : hiddenKeys);
    if (!next.delete(key)) next.add(key);
    setHiddenKeys(next);
  };
  const common = Object.keys(naming.common).length > 0 || (naming.metric !== '' && series.length > 1);
  return (
    <div>
      <MoreNote shown={shown.length} all={series.length} onMore={setLimit} />
      <Chart
        title={title}
        times={drawn.times}
        columns={drawn.columns}
        names={naming.names}
        colors={colors}
        unit={unit}
        height={HEIGHT}
        range={range}
        stacked={stacked && shown.length <= MOST_STACKED}
        filled={shown.length === 1}
        syncKey="explore"
        hidden={hidden}
        focused={focused}
        onFocus={setFocused}
        marks={marks}
        onZoom={props.onZoom}
        onZoomOut={props.onZoomOut}
        onPick={pick}
      />
      <Trails peak={peak} points={points} error={error} />
      <Remarks
        undrawn={drawn.undrawn}
        unstacked={stacked && shown.length > MOST_STACKED}
        hidden={hidden.size}
        onShowAll={() => setHiddenKeys(new Set())}
      />
      {common ? (
        <div className={clsx('row wrap', styles.common)}>
          <span className="dim">all:</span>
          {naming.metric === '' ? null : (
            <span className="label-chip">
              <Expression text={naming.metric} />
            </span>
          )}
          <LabelSet labels={naming.common} />
        </div>
      ) : null}
      <Legend
        names={naming.names}
        {...(naming.by === '' ? {} : { nameHead: naming.by })}
        titles={naming.titles}
        colors={colors}
        summaries={drawn.summaries}
        times={drawn.times}
        unit={unit}
        hidden={hidden}
        focused={focused}
        onFocus={setFocused}
        onIsolate={isolate}
        onToggle={toggle}
      />
    </div>
  );
}
