import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { EXPLAIN, TRACE } from '../address/places';
import { useExpected, type Expected } from '../anomalies/useExpected';
import type { Grid } from '../api/calls';
import type { About } from '../api/related';
import type { RangeSeries } from '../api/types';
import { Chart, type Picked } from '../chart/Chart';
import {
  formatLabels,
  gridTimes,
  hiddenOf,
  labelKey,
  nameSeries,
  parseFloatText,
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
import { Note } from '../design/parts';
import { Expression, LabelSet } from '../design/Value';
import { ExplainLink } from '../explain/ExplainLink';
import { LONGEST_MS, spikeAround, writeSpike, type Spike } from '../explain/spike';
import { ABOUT, writeAbout } from '../related/about';
import { WhatElseButton } from '../related/WhatElse';
import type { Span } from '../time/range';
import { TraceLink } from '../traces/TraceLink';
import { highest } from './exemplars';
import { PAST_NAMES } from './state';
import { useExemplars } from './useExemplars';
import type { Result } from './useResult';
import { WhyEmpty } from './WhyEmpty';
import styles from './explore.module.css';

const HEIGHT = 320;
const MOST_STACKED = MANY * 4;
const FIRST = 200;
const NEXT = 1_000;

export interface GraphViewProps {
  title: string;
  series: readonly RangeSeries[];
  /** The same earlier, moved to the times of now. */
  past: Result['past'];
  grid: Grid;
  span: Span;
  unit: Unit;
  stacked: boolean;
  /** With the range in which values were to be expected. */
  expected: boolean;
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
      Showing the {formatCount(shown)} highest of {formatCount(all)} series.
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

/** From a chart to what else happened at its highest point, and to the traces that its exemplars name. */
function Trails(props: {
  peak: About | null;
  /** Around the highest point. */
  spike: Spike | null;
  /** All that is shown, where it is short enough to be one. */
  shown: Spike | null;
  points: readonly PointMark[];
  error: Error | null;
}): ReactElement {
  const { peak, spike, shown, points, error } = props;
  const best = highest(points);
  return (
    <div className={clsx('row wrap', styles.trails)}>
      {spike === null ? null : <ExplainLink spike={spike} />}
      {shown === null ? null : <ExplainLink spike={shown}>Explain the time shown</ExplainLink>}
      {peak === null ? null : <WhatElseButton about={peak} quiet />}
      <span className="dim">
        at the highest point; a click on the chart asks about any other, Shift while dragging explains what is
        dragged over.
      </span>
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

/** What is to be said where a range was asked for and none is drawn. */
function ExpectedNote(props: { expected: Expected; stacked: boolean }): ReactElement | null {
  const { bands, ready, error } = props.expected;
  if (props.stacked) return <p className="dim">What was expected is not drawn behind stacked series.</p>;
  if (error !== null) return <Note level="warn">What was expected cannot be read: {error.message}</Note>;
  if (!ready || bands.length > 0) return null;
  return (
    <p className="dim" role="status">
      None of these series was watched for anomalies in this time: a watch of them, on the page Anomalies,
      learns what is to be expected.
    </p>
  );
}

/** Series with the highest last values first: of more than are drawn those that somebody looks for. */
function byHeight(series: readonly RangeSeries[]): readonly RangeSeries[] {
  const height = ({ values }: RangeSeries): number => {
    const value = parseFloatText(values?.at(-1)?.[1] ?? 'NaN');
    return Number.isNaN(value) ? -Infinity : value;
  };
  return series
    .map((one) => ({ one, at: height(one) }))
    .sort((a, b) => (a.at === b.at ? 0 : b.at - a.at))
    .map(({ one }) => one);
}

/** The series of one range query as lines. What was chosen for one expression says nothing about the next. */
export function GraphView(props: GraphViewProps): ReactElement {
  return <Graph key={props.title} {...props} />;
}

function Graph(props: GraphViewProps): ReactElement {
  const { title, series, past, grid, span, unit } = props;
  // What was before would stand on what is now.
  const stacked = props.stacked && past === null;
  const scheme = useScheme();
  const [limit, setLimit] = useState(FIRST);
  const [focused, setFocused] = useState<number | null>(null);
  // Hidden by label set, not by number, so that a refresh with other series keeps the choice.
  const [hiddenKeys, setHiddenKeys] = useState<ReadonlySet<string>>(new Set());

  const ordered = useMemo(() => (series.length > FIRST ? byHeight(series) : series), [series]);
  const shown = useMemo(
    () => [...ordered.slice(0, limit), ...(past?.series ?? []).slice(0, limit)],
    [ordered, past, limit],
  );
  const current = Math.min(series.length, limit);
  const drawn = useMemo(() => {
    const times = gridTimes(grid);
    const columns = shown.map((one) => readColumn(one, grid, times.length));
    return { times, columns, summaries: columns.map(summarize), undrawn: undrawn(columns) };
  }, [shown, grid]);
  const naming = useMemo(() => {
    const labels = shown.map((one) => one.metric);
    const named = nameSeries(labels);
    // An aggregation leaves no labels: then the question is the name.
    const alone = current === 1 && new Set(labels.map(labelKey)).size === 1;
    const before = past === null ? '' : `, ${PAST_NAMES[past.name]}`;
    const names = named.names.map((name, i) => {
      const own = (name === '{}' || name === '') && alone ? title : name;
      return i < current ? own : `${own}${before}`;
    });
    const keys = labels.map((one, i) => `${labelKey(one)}${i < current ? '' : before}`);
    return { ...named, names, titles: labels.map(formatLabels), keys };
  }, [shown, title, current, past]);
  const colors = useMemo(() => {
    const places = new Map(shown.slice(0, current).map(({ metric }, i) => [labelKey(metric), i]));
    // What a series was before has its colour.
    return shown.map(({ metric }, i) =>
      seriesColor(i < current ? i : (places.get(labelKey(metric)) ?? i), scheme),
    );
  }, [shown, current, scheme]);
  const dashed = useMemo(
    () => (past === null ? undefined : new Set(shown.flatMap((_, i) => (i < current ? [] : [i])))),
    [shown, current, past],
  );
  const hidden = useMemo(() => hiddenOf(naming.keys, hiddenKeys), [naming, hiddenKeys]);
  const range = useMemo(() => [span.fromMs / 1000, span.toMs / 1000] as const, [span]);
  const { search, setOwn } = useAddress();
  const navigate = useNavigate();
  const { points, error } = useExemplars(title, span);
  const present = useMemo(() => shown.slice(0, current), [shown, current]);
  const expected = useExpected(props.expected && !stacked, title, present, grid);
  const { bands, stretches: annotations } = expected;
  const marks = useMemo(
    () => ({
      points,
      annotations,
      bands: bands.filter((one) => one.series === undefined || !hidden.has(one.series)),
    }),
    [points, annotations, bands, hidden],
  );
  const { peak, spike } = useMemo((): { peak: About | null; spike: Spike | null } => {
    const none = { peak: null, spike: null };
    const tops = drawn.summaries.map(({ max }, i) => (max === null || hidden.has(i) ? -Infinity : max));
    const most = Math.max(...tops);
    if (!Number.isFinite(most)) return none;
    const top = tops.indexOf(most);
    const at = drawn.columns[top]?.indexOf(drawn.summaries[top]?.max ?? null) ?? -1;
    const seconds = drawn.times[at];
    const labels = shown[top]?.metric;
    if (seconds === undefined || labels === undefined) return none;
    const times = spikeAround(drawn.columns[top] ?? [], drawn.times, at);
    return {
      peak: { kind: 'series', expr: title, labels, atMs: seconds * 1000 },
      spike: times && { expr: title, labels, ...times },
    };
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

  if (series.length === 0) return <WhyEmpty expr={title} span={span} />;

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
      <MoreNote shown={current} all={series.length} onMore={setLimit} />
      {past?.error ? (
        <Note level="warn">
          What was {PAST_NAMES[past.name]} cannot be read: {past.error}
        </Note>
      ) : null}
      {past && past.error === null && past.series.length === 0 ? (
        <p className="dim">There is nothing {PAST_NAMES[past.name]}.</p>
      ) : null}
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
        {...(dashed === undefined ? {} : { dashed })}
        syncKey="explore"
        hidden={hidden}
        focused={focused}
        onFocus={setFocused}
        marks={marks}
        onZoom={props.onZoom}
        onZoomOut={props.onZoomOut}
        onStretch={(fromMs, toMs) =>
          void navigate({
            to: EXPLAIN,
            search: {
              ...writeSpike({ expr: title, labels: naming.common, fromMs, toMs }),
              ...contextOf(search),
            },
          })
        }
        onPick={pick}
      />
      <Trails
        peak={peak}
        spike={spike}
        shown={
          span.toMs - span.fromMs <= LONGEST_MS
            ? { expr: title, labels: shown.length === 1 ? (shown[0]?.metric ?? {}) : {}, ...span }
            : null
        }
        points={points}
        error={error}
      />
      {props.expected ? <ExpectedNote expected={expected} stacked={stacked} /> : null}
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
