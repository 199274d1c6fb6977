import { useCallback, useMemo, type ReactElement } from 'react';
import { fullest, paintHeat, type HeatBucket } from '../../chart/heat';
import { LaneChart, type LaneChartProps } from '../../chart/LaneChart';
import { formatCount, formatInstant } from '../../design/format';
import { usePageClock } from '../../design/hooks';
import { usePanelPage, type KindProps } from '../context';
import { numeric } from '../frame';
import { numberAt, textAt } from '../json';
import type { ShownField, ShownFrame } from '../overrides';
import { drawingOf } from '../series/columns';
import { textIn } from '../units/format';
import { binsOf } from './BarChart';
import { NoData } from './NoData';

interface Heat {
  times: readonly number[];
  buckets: readonly HeatBucket[];
  lanes: readonly string[];
  /** Lanes are named by their lower edges. */
  edges: boolean;
}

const TARGET_BINS = 24;

/** Where a bucket begins of which only the end is known. */
function lowest(upper: number, below: number | undefined): number {
  return below ?? (upper > 0 ? 0 : -Infinity);
}

/** Buckets as a transformation counted them: a row for each bucket at each time. */
function asCounted(frame: ShownFrame, options: KindProps['options']): Heat | null {
  const of = (name: string): ShownField | undefined => frame.fields.find((field) => field.name === name);
  const [begins, level, count] = [of('xMin'), of('yMin'), of('Count')];
  const { edges, wideMs } = frame.cells ?? { edges: [], wideMs: 0 };
  if (!begins || !level || !count || edges.length < 2) return null;
  const instants = [...new Set(begins.values.map(Number))].sort((a, b) => a - b);
  const columns = new Map(instants.map((ms, i) => [ms, i]));
  const lanes = new Map(edges.slice(0, -1).map((edge, i) => [edge, i]));
  const counts = [...lanes].map(() => new Array<number | null>(instants.length).fill(null));
  begins.values.forEach((ms, row) => {
    const lane = counts[lanes.get(Number(level.values[row])) ?? -1];
    const column = columns.get(Number(ms));
    if (lane && column !== undefined) lane[column] = numeric(count.values[row]);
  });
  const unit = textAt(options, 'yAxis.unit') || level.config.unit;
  const decimals = numberAt(options, 'yAxis.decimals');
  return {
    // A column is painted up to its time.
    times: instants.map((ms) => (ms + wideMs) / 1000),
    buckets: counts.map((own, i) => ({ lower: edges[i] ?? 0, upper: edges[i + 1] ?? 0, counts: own })),
    lanes: edges.slice(0, -1).map((edge) => textIn(edge, unit, decimals)),
    edges: true,
  };
}

/** Buckets as the query gave them, a series for each; their names are their upper bounds, or anything else. */
function asGiven({ frames, options }: KindProps): Heat | null {
  const frame = frames.find(({ kind }) => kind === 'heatmap');
  const time = (frame ?? frames[0])?.fields.find(({ type }) => type === 'time');
  const fields = (frame ? [frame] : frames).flatMap((one) =>
    one.fields.filter(({ type }) => type === 'number'),
  );
  if (!time || fields.length === 0) return null;
  const bounds = fields.map((field) =>
    numeric((field.labels?.le ?? field.title).replace(/^\+?Inf$/u, 'Infinity')),
  );
  const numbered = bounds.every((bound) => bound !== null);
  const unit = textAt(options, 'yAxis.unit') || (fields[0]?.config.unit ?? 'none');
  const decimals = numberAt(options, 'yAxis.decimals');
  const order = fields.map((_, i) => i);
  if (numbered) order.sort((a, b) => (bounds[a] ?? 0) - (bounds[b] ?? 0));
  const buckets = order.map((index, place): HeatBucket => {
    const below = order[place - 1];
    const upper = numbered ? (bounds[index] ?? 0) : place + 1;
    const lower = numbered
      ? (fields[index]?.lower ?? lowest(upper, below === undefined ? undefined : (bounds[below] ?? 0)))
      : place;
    return { lower, upper, counts: fields[index]?.values.map(numeric) ?? [] };
  });
  const write = (value: number): string => textIn(value, unit, decimals);
  return {
    times: time.values.map((ms) => Number(ms) / 1000),
    buckets,
    lanes: order.map((index, place) =>
      numbered ? write(buckets[place]?.lower ?? 0) : (fields[index]?.title ?? ''),
    ),
    edges: numbered,
  };
}

/** Buckets made here, of how many series had which value when. */
function asReckoned({ frames, options, looks }: KindProps): Heat | null {
  const drawing = drawingOf(frames, looks);
  const columns = drawing.series.map(({ values }) => values.map((value) => value ?? null));
  const wanted =
    textAt(options, 'calculation.yBuckets.mode') === 'size'
      ? numberAt(options, 'calculation.yBuckets.value')
      : undefined;
  const bins = binsOf(columns, wanted, 0);
  const merged =
    bins.length > TARGET_BINS * 2 && wanted === undefined
      ? bins.filter((_, i) => i % 2 === 0).map((bin, i) => ({ ...bin, to: bins[i * 2 + 1]?.to ?? bin.to }))
      : bins;
  if (merged.length === 0) return null;
  const unit = textAt(options, 'yAxis.unit') || (drawing.series[0]?.field.config.unit ?? 'none');
  const buckets = merged.map(({ from, to }): HeatBucket => ({
    lower: from,
    upper: to,
    counts: drawing.times.map(
      (_, at) => columns.filter((column) => (column[at] ?? NaN) >= from && (column[at] ?? NaN) < to).length,
    ),
  }));
  return { times: drawing.times, buckets, lanes: merged.map(({ from }) => textIn(from, unit)), edges: true };
}

/** How many were in which bucket when. */
export default function HeatPanel(props: KindProps): ReactElement {
  const { title, frames, options, range, height, looks } = props;
  const page = usePanelPage();
  const { utc } = usePageClock();
  const heat = useMemo(
    () => {
      const counted = frames.find(({ cells }) => cells !== undefined);
      if (counted) return asCounted(counted, options);
      return options.calculate === true && !frames.some(({ kind }) => kind === 'heatmap')
        ? asReckoned(props)
        : asGiven(props);
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- of all that it is given, buckets are made of these
    [frames, options, looks],
  );
  const ends = useMemo(() => [range.fromMs / 1000, range.toMs / 1000] as const, [range.fromMs, range.toMs]);
  const paint = useCallback<LaneChartProps['paint']>(
    (plot, scheme) => {
      if (heat) paintHeat(plot, scheme, heat.times, heat.buckets);
    },
    [heat],
  );
  if (heat === null) return <NoData frames={frames} height={height} />;
  const unit =
    textAt(options, 'yAxis.unit') ||
    (frames[0]?.fields.find(({ type }) => type === 'number')?.config.unit ?? 'none');
  const tell = (lane: number, at: number): string[] => {
    const bucket = heat.buckets[lane];
    const count = bucket?.counts[at] ?? null;
    const write = (value: number): string => textIn(value, unit, numberAt(options, 'yAxis.decimals'));
    const name = !bucket
      ? ''
      : !heat.edges
        ? (heat.lanes[lane] ?? '')
        : bucket.upper === Infinity
          ? `over ${write(bucket.lower)}`
          : `${write(bucket.lower)} to ${write(bucket.upper)}`;
    return [
      formatInstant((heat.times[at] ?? 0) * 1000, utc),
      name,
      count === null ? 'no value' : textIn(count, 'short'),
    ];
  };
  return (
    <LaneChart
      label={`${title}: heat map of ${heat.buckets.length} buckets, at most ${formatCount(fullest(heat.buckets))} in one`}
      times={heat.times}
      lanes={heat.lanes}
      edges={heat.edges}
      height={height}
      range={ends}
      paint={paint}
      tell={tell}
      {...(page.syncKey === null ? {} : { syncKey: page.syncKey })}
      {...(page.onZoom ? { onZoom: page.onZoom } : {})}
      {...(page.onZoomOut ? { onZoomOut: page.onZoomOut } : {})}
    />
  );
}
