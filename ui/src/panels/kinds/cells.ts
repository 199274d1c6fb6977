// Cells of a heat map panel: as they were counted, as the query gave them, or made here.

import type { HeatBucket } from '../../chart/heat';
import type { KindProps } from '../context';
import { numeric, type Field, type Frame } from '../frame';
import { at, flagAt, numberAt, textAt } from '../json';
import type { ShownFrame } from '../overrides';
import { heatmap } from '../transform/bins';
import { textIn } from '../units/format';

export interface Heat {
  times: readonly number[];
  buckets: readonly HeatBucket[];
  lanes: readonly string[];
  /** Where the last bucket ends; empty where it does not. */
  end: string;
  /** Lanes are named by their lower edges. */
  edges: boolean;
}

/** Where a bucket begins of which only the end is known. */
function lowest(upper: number, below: number | undefined): number {
  return below ?? (upper > 0 ? 0 : -Infinity);
}

/** Buckets as a transformation counted them: a row for each bucket at each time. */
function asCounted(frame: Frame, options: KindProps['options'], own: string): Heat | null {
  const of = (name: string): Field | undefined => frame.fields.find((field) => field.name === name);
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
  const unit = textAt(options, 'yAxis.unit') || (level.config?.unit ?? own);
  const decimals = numberAt(options, 'yAxis.decimals');
  return {
    // A column is painted up to its time.
    times: instants.map((ms) => (ms + wideMs) / 1000),
    buckets: counts.map((own, i) => ({ lower: edges[i] ?? 0, upper: edges[i + 1] ?? 0, counts: own })),
    lanes: edges.slice(0, -1).map((edge) => textIn(edge, unit, decimals)),
    end: textIn(edges.at(-1) ?? 0, unit, decimals),
    edges: true,
  };
}

/** Buckets as the query gave them, a series for each; their names are their upper bounds, or anything else. */
function asGiven(frames: readonly ShownFrame[], options: KindProps['options']): Heat | null {
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
  const last = buckets.at(-1)?.upper ?? Infinity;
  return {
    end: numbered && Number.isFinite(last) ? write(last) : '',
    times: time.values.map((ms) => Number(ms) / 1000),
    buckets,
    lanes: order.map((index, place) =>
      numbered ? write(buckets[place]?.lower ?? 0) : (fields[index]?.title ?? ''),
    ),
    edges: numbered,
  };
}

/** Buckets made here, as the transformation of that name makes them. */
function asReckoned(frames: readonly ShownFrame[], options: KindProps['options']): Heat | null {
  const shown = frames.map((frame) => ({
    ...frame,
    fields: frame.fields.filter(({ config }) => !flagAt(config.custom, 'hideFrom.viz')),
  }));
  const [made] = heatmap(shown, at(options, 'calculation'));
  const [first] = shown.flatMap(({ fields }) => fields.filter(({ type }) => type === 'number'));
  return made?.cells ? asCounted(made, options, first?.config.unit ?? 'none') : null;
}

/** `heat` without the counts that are not to be seen, its lanes the other way round where that is asked for. */
function asAsked(heat: Heat | null, options: KindProps['options']): Heat | null {
  if (!heat) return null;
  const below = numberAt(options, 'filterValues.le') ?? -Infinity;
  const above = numberAt(options, 'filterValues.ge') ?? Infinity;
  // What is empty is not painted anyway, and may say that it is.
  const hidden = (count: number): boolean => count !== 0 && (count <= below || count >= above);
  const buckets = heat.buckets.map((bucket) => ({
    ...bucket,
    counts: bucket.counts.map((count) => (count === null || hidden(count) ? null : count)),
  }));
  if (!flagAt(options, 'yAxis.reverse')) return { ...heat, buckets };
  // The edge below a lane is now where its bucket ends, which is where the next one began.
  const lanes = heat.edges ? [heat.end, ...heat.lanes.slice(1).reverse()] : [...heat.lanes].reverse();
  return { ...heat, buckets: buckets.reverse(), lanes };
}

/** The cells of a heat map out of a panel's frames; null where there are none. */
export function heatOf(frames: readonly ShownFrame[], options: KindProps['options']): Heat | null {
  const counted = frames.find(({ cells }) => cells !== undefined);
  if (counted) return asAsked(asCounted(counted, options, 'none'), options);
  const reckons = options.calculate === true && !frames.some(({ kind }) => kind === 'heatmap');
  return asAsked(reckons ? asReckoned(frames, options) : asGiven(frames, options), options);
}
