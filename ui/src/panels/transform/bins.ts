// Transformations that count: values in buckets, and values in buckets of time as well.

import { parseDuration } from '../../time/durations';
import { numeric, type Field, type Frame } from '../frame';
import { flagAt, numberAt, textAt } from '../json';
import type { Step } from './names';

/** Steps that read well: one of these times a power of ten. */
const ROUND = [1, 2, 2.5, 4, 5];
const BUCKETS = 30;
const INSTANTS = 20;
const LEVELS = 10;
/** What a mistyped size may make; more is seen by nobody. */
const MOST_CELLS = 100_000;

const TIMES_MS: readonly number[] = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * 1000),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * 60_000),
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * 3_600_000),
  ...[1, 2, 3, 4, 5, 6, 7, 10, 14, 30, 60, 90, 180, 365].map((days) => days * 86_400_000),
];

function numbers(field: Field): number[] {
  return field.values.flatMap((cell) => {
    const value = typeof cell === 'string' ? null : numeric(cell);
    return value !== null && Number.isFinite(value) ? [value] : [];
  });
}

/** The least round step that is above `wanted`, and no less than what sets values apart. */
function sizeFor(values: readonly number[], count: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const wanted = ((sorted.at(-1) ?? 0) - (sorted[0] ?? 0)) / Math.max(1, count);
  let apart = Infinity;
  for (let i = 1; i < sorted.length; i += 1) {
    const gap = (sorted[i] ?? 0) - (sorted[i - 1] ?? 0);
    if (gap > 0) apart = Math.min(apart, gap);
  }
  if (!Number.isFinite(apart)) return 1;
  for (let power = Math.floor(Math.log10(Math.max(wanted, apart))) - 1; ; power += 1)
    for (const part of ROUND) {
      const size = Number(`${part}e${power}`);
      if (size > wanted && size >= apart) return size;
    }
}

function decimalsOf(size: number): number {
  return Math.min(15, /\.(\d+)$/u.exec(String(size))?.[1]?.length ?? 0);
}

/** `value` without the dust of binary fractions. */
function clean(value: number): number {
  return Number(value.toPrecision(12));
}

/** `histogram`: how many values of each field lie in which bucket; a bucket without any is left out. */
export const histogram: Step = (frames, options) => {
  const fields = frames.flatMap((frame) => frame.fields.filter(({ type }) => type === 'number'));
  const columns = fields.map(numbers);
  const [first] = fields;
  if (!first || columns.every(({ length }) => length === 0)) return [];
  const wished = numberAt(options, 'bucketSize') ?? 0;
  const size = wished > 0 ? wished : sizeFor(columns.flat(), numberAt(options, 'bucketCount') ?? BUCKETS);
  const offset = numberAt(options, 'bucketOffset') ?? 0;
  const counted = columns.map((values) => {
    const counts = new Map<number, number>();
    for (const value of values) {
      const bucket = Math.floor((value - offset) / size);
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    return counts;
  });
  const places = [...new Set(counted.flatMap((counts) => [...counts.keys()]))].sort((a, b) => a - b);
  const decimals = decimalsOf(size);
  const unit = fields.find(({ said }) => textAt(said, 'unit') !== '')?.said?.unit;
  const edge = (name: string, more: number): Field => ({
    name,
    type: 'number',
    values: places.map((place) => clean((place + more) * size + offset)),
    said: { ...(unit === undefined ? {} : { unit }), ...(decimals > 0 ? { decimals } : {}) },
  });
  const countsOf = (counts: ReadonlyMap<number, number>): number[] =>
    places.map((place) => counts.get(place) ?? 0);
  const made = flagAt(options, 'combine')
    ? [
        {
          name: 'count',
          asked: 'Count',
          type: 'number' as const,
          values: places.map((place) => counted.reduce((sum, counts) => sum + (counts.get(place) ?? 0), 0)),
        },
      ]
    : fields.map((field, i) => ({ ...field, values: countsOf(counted[i] ?? new Map<number, number>()) }));
  return [
    {
      refId: 'histogram',
      kind: 'histogram',
      fields: [
        edge('xMin', 0),
        edge('xMax', 1),
        // A count is no duration, whatever was counted.
        ...made.map((field): Field => ({ ...field, said: { unit: 'short', decimals: 0 } })),
      ],
    },
  ];
};

interface Scale {
  /** In which bucket a value is. */
  place: (value: number) => number;
  /** Where a bucket begins. */
  from: (place: number) => number;
}

function even(size: number): Scale {
  return { place: (value) => Math.floor(value / size), from: (place) => clean(place * size) };
}

/** The step before the first one that is too wide for `count` buckets. */
function niceFor(least: number, most: number, count: number, steps: readonly number[]): number {
  const about = (most - least) / Math.max(count - 1, 1);
  const above = steps.findIndex((step) => step > about);
  return steps[Math.max((above < 0 ? steps.length : above) - 1, 0)] ?? 1;
}

const STEPS: readonly number[] = Array.from({ length: 37 }, (_, i) => i - 18).flatMap((power) =>
  [1, 2, 2.5, 4, 5].map((part) => Number(`${part}e${power}`)),
);

function timeScale(options: unknown, least: number, most: number): { scale: Scale; size: number } {
  const written = textAt(options, 'xBuckets.value');
  const plain = numberAt(options, 'xBuckets.value');
  const isSize = textAt(options, 'xBuckets.mode') === 'size';
  const said = isSize ? (plain ?? parseDuration(written) ?? 0) : 0;
  const count = !isSize && plain !== undefined && plain > 0 ? plain : INSTANTS;
  const size = said > 0 ? said : niceFor(least, most, count, TIMES_MS);
  return { scale: even(size), size };
}

function levelScale(options: unknown, least: number, most: number): Scale {
  const value = numberAt(options, 'yBuckets.value') ?? 0;
  if (textAt(options, 'yBuckets.scale.type') === 'log') {
    const base = numberAt(options, 'yBuckets.scale.log') === 10 ? 10 : 2;
    const parts = value > 0 ? value : 1;
    const power = base === 2 ? Math.log2 : Math.log10;
    // Powers themselves belong to the bucket that begins with them.
    return {
      place: (one) => Math.floor(power(one) * parts + 1e-9),
      from: (place) => clean(base ** (place / parts)),
    };
  }
  const isSize = textAt(options, 'yBuckets.mode') === 'size';
  if (isSize && value > 0) return even(value);
  return even(niceFor(least, most, !isSize && value > 0 ? value : LEVELS, STEPS));
}

function ends(values: readonly number[]): [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return [least, most];
}

/** How many of `points` are in which bucket when; null where there are none, or more cells than anybody could see. */
export function cellsOf(
  points: readonly (readonly [ms: number, value: number])[],
  options: unknown,
): Frame | null {
  const isLog = textAt(options, 'yBuckets.scale.type') === 'log';
  // There is no logarithm of what is not above 0.
  const meant = points.filter(([, value]) => Number.isFinite(value) && (!isLog || value > 0));
  if (meant.length === 0) return null;
  const [fromMs, toMs] = ends(meant.map(([ms]) => ms));
  const [low, high] = ends(meant.map(([, value]) => value));
  const { scale: times, size } = timeScale(options, fromMs, toMs);
  const levels = levelScale(options, low, high);
  const [x, y] = [times.place(fromMs), levels.place(low)];
  const wide = times.place(toMs) - x + 1;
  const tall = levels.place(high) - y + 1;
  if (wide * tall > MOST_CELLS) return null;
  const counts = new Array<number>(wide * tall).fill(0);
  for (const [ms, value] of meant) {
    const cell = (times.place(ms) - x) * tall + (levels.place(value) - y);
    counts[cell] = (counts[cell] ?? 0) + 1;
  }
  return {
    cells: { edges: Array.from({ length: tall + 1 }, (_, i) => levels.from(y + i)), wideMs: size },
    fields: [
      { name: 'xMin', type: 'time', values: counts.map((_, i) => times.from(x + Math.floor(i / tall))) },
      { name: 'yMin', type: 'number', values: counts.map((_, i) => levels.from(y + (i % tall))) },
      { name: 'Count', type: 'number', values: counts, said: { unit: 'short' } },
    ],
  };
}

/** `heatmap`: how many values of all series lie in which bucket when. */
export const heatmap: Step = (frames, options) => {
  const points = frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === 'time');
    if (!time) return [];
    return frame.fields
      .filter(({ type }) => type === 'number')
      .flatMap(({ values }) =>
        values.flatMap((cell, row): [number, number][] => {
          const [ms, value] = [numeric(time.values[row]), numeric(cell)];
          return ms === null || value === null ? [] : [[ms, value]];
        }),
      );
  });
  const made = cellsOf(points, options);
  if (!made) return flagAt(options, 'keepOriginalData') ? frames : [];
  const [first] = frames.flatMap(({ fields }) => fields.filter(({ type }) => type === 'number'));
  // The levels are shown as the values were.
  const shown: Frame = {
    ...made,
    fields: made.fields.map((field) =>
      field.name === 'yMin' && first?.said ? { ...field, said: first.said } : field,
    ),
  };
  return flagAt(options, 'keepOriginalData') ? [shown, ...frames] : [shown];
};
