import clsx from 'clsx';
import { useMemo, useState, type ReactElement } from 'react';
import type { Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { Chart } from '../chart/Chart';
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
import { MANY } from '../chart/plot';
import { seriesColor } from '../design/colors';
import { formatCount, type Unit } from '../design/format';
import { useScheme } from '../design/hooks';
import { Empty } from '../design/parts';
import { Expression, LabelSet } from '../design/Value';
import type { Span } from '../time/range';
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
        onZoom={props.onZoom}
        onZoomOut={props.onZoomOut}
      />
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
