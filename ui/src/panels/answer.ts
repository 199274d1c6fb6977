// What the server answers for a panel, as frames. The server names series and has brought all into one time grid.

import type { Labels } from '../api/types';
import type { Cell, Field, FieldType, Frame } from './frame';

/** A number, or one that JSON has no way to write. */
export type Figure = number | 'NaN' | '+Inf' | '-Inf' | null;

export type Times = { start: number; step: number; count: number } | readonly number[];

export interface SeriesFrame {
  shape: 'series';
  ref: string;
  times: Times;
  metric_format?: 'time_series' | 'heatmap';
  series: readonly {
    name: string;
    labels: Labels;
    values?: readonly Figure[];
    histograms?: readonly (
      readonly (readonly [number | string, number | string, number | string])[] | null
    )[];
  }[];
}

export interface TableFrame {
  shape: 'table' | 'traces';
  ref: string;
  columns: readonly { name: string; type: string; values: readonly (Cell | undefined)[]; labels?: Labels }[];
}

export interface LogsFrame {
  shape: 'logs';
  ref: string;
  times_ns: readonly string[];
  lines: readonly string[];
  labels: readonly Labels[];
  limited?: boolean;
}

export interface TraceFrame {
  shape: 'trace';
  ref: string;
  trace_id: string;
}

type Stat = string | number | null | undefined;

export interface GraphFrame {
  shape: 'graph';
  ref: string;
  nodes: readonly {
    id: string;
    title?: string;
    mainstat?: Stat;
    secondarystat?: Stat;
    arc_ok?: number;
    arc_failed?: number;
  }[];
  edges: readonly { id: string; source: string; target: string; mainstat?: Stat; secondarystat?: Stat }[];
}

/** What leads from a series to traces; drawn by nothing here yet. */
export interface ExemplarFrame {
  shape: 'exemplars';
  ref: string;
}

export type AnswerFrame = SeriesFrame | TableFrame | LogsFrame | TraceFrame | GraphFrame | ExemplarFrame;

const ODD: Readonly<Record<string, number>> = { NaN, '+Inf': Infinity, '-Inf': -Infinity };

function figure(value: Figure | undefined): number | null {
  if (typeof value === 'string') return ODD[value] ?? null;
  return value ?? null;
}

function timesOf(times: Times): readonly number[] {
  if (!('count' in times)) return times;
  return Array.from({ length: times.count }, (_, i) => times.start + i * times.step);
}

type Histograms = NonNullable<SeriesFrame['series'][number]['histograms']>;

/** The columns of native histograms' buckets, of all series together; a column knows where its bucket begins. */
function bucketFields(all: readonly Histograms[]): Field[] {
  const length = Math.max(0, ...all.map((one) => one.length));
  const held = Array.from({ length }, (_, at) => (all.some((one) => one[at]) ? 0 : null));
  const buckets = new Map<string, { lower: number; upper: number; counts: (number | null)[] }>();
  for (const histograms of all)
    histograms.forEach((found, at) => {
      for (const [lower, upper, count] of found ?? []) {
        const key = `${lower} ${upper}`;
        const bucket = buckets.get(key) ?? { lower: bound(lower), upper: bound(upper), counts: [...held] };
        bucket.counts[at] = (bucket.counts[at] ?? 0) + Number(count);
        buckets.set(key, bucket);
      }
    });
  return [...buckets.values()]
    .sort((a, b) => a.lower - b.lower || a.upper - b.upper)
    .map(({ lower, upper, counts }) => ({
      name: String(upper),
      type: 'number',
      values: counts,
      asked: String(upper),
      lower,
    }));
}

function bound(said: number | string): number {
  return typeof said === 'number' ? said : (ODD[said] ?? Number(said));
}

function fromSeries(frame: SeriesFrame): Frame[] {
  const time: Field = { name: 'Time', type: 'time', values: timesOf(frame.times) };
  const buckets = bucketFields(frame.series.flatMap(({ histograms }) => (histograms ? [histograms] : [])));
  if (buckets.length > 0) return [{ refId: frame.ref, kind: 'heatmap', fields: [time, ...buckets] }];
  const fields = frame.series.map(({ name, labels, values = [] }): Field => ({
    name: frame.metric_format === 'heatmap' ? name : 'Value',
    type: 'number',
    values: values.some((value) => typeof value === 'string')
      ? values.map(figure)
      : (values as readonly (number | null)[]),
    labels,
    asked: name,
    sparse: true,
  }));
  if (frame.metric_format === 'heatmap')
    return [{ refId: frame.ref, kind: 'heatmap', fields: [time, ...fields] }];
  // A frame for each series, as overrides and transformations expect it; all share the times.
  return fields.map((field) => ({ refId: frame.ref, name: field.asked ?? '', fields: [time, field] }));
}

const TYPES: readonly FieldType[] = ['time', 'number', 'string', 'boolean'];

function fromTable(frame: TableFrame): Frame {
  return {
    refId: frame.ref,
    ...(frame.shape === 'traces' ? { kind: 'traces' } : {}),
    fields: frame.columns.map(({ name, type, values, labels }): Field => ({
      name,
      type: TYPES.find((one) => one === type) ?? 'other',
      values: values.map((value) =>
        type === 'number' && typeof value === 'string' ? figure(value as Figure) : (value ?? null),
      ),
      ...(labels && Object.keys(labels).length > 0 ? { labels } : {}),
    })),
  };
}

function fromLogs(frame: LogsFrame): Frame {
  return {
    refId: frame.ref,
    kind: 'logs',
    fields: [
      // Nanoseconds do not fit into a number: of them only what orders and is shown.
      { name: 'Time', type: 'time', values: frame.times_ns.map((ns) => Number(ns.slice(0, -6))) },
      { name: 'Line', type: 'string', values: frame.lines },
      { name: 'labels', type: 'other', values: frame.labels.map((labels) => JSON.stringify(labels)) },
      { name: 'tsNs', type: 'string', values: frame.times_ns },
    ],
  };
}

function column<Row extends object>(rows: readonly Row[], key: keyof Row & string, type: FieldType): Field {
  return { name: key, type, values: rows.map((row) => (row[key] ?? null) as Cell) };
}

function fromGraph({ ref, nodes, edges }: GraphFrame): Frame[] {
  return [
    {
      refId: ref,
      kind: 'nodes',
      fields: [
        column(nodes, 'id', 'string'),
        column(nodes, 'title', 'string'),
        column(nodes, 'mainstat', 'string'),
        column(nodes, 'secondarystat', 'string'),
        column(nodes, 'arc_ok', 'number'),
        column(nodes, 'arc_failed', 'number'),
      ],
    },
    {
      refId: ref,
      kind: 'edges',
      fields: [
        column(edges, 'id', 'string'),
        column(edges, 'source', 'string'),
        column(edges, 'target', 'string'),
        column(edges, 'mainstat', 'string'),
        column(edges, 'secondarystat', 'string'),
      ],
    },
  ];
}

/** The frames of a panel's answer. */
export function readFrames(answers: readonly AnswerFrame[]): Frame[] {
  return answers.flatMap((frame) => {
    switch (frame.shape) {
      case 'series':
        return fromSeries(frame);
      case 'table':
      case 'traces':
        return [fromTable(frame)];
      case 'logs':
        return [fromLogs(frame)];
      case 'trace':
        return [
          {
            refId: frame.ref,
            kind: 'trace',
            fields: [{ name: 'traceID', type: 'string' as const, values: [frame.trace_id] }],
          },
        ];
      case 'graph':
        return fromGraph(frame);
      case 'exemplars':
        return [];
    }
  });
}
