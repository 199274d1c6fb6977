// Series of a panel as what is drawn: one grid of times, a column for each, how each looks, and the axes they share.

import { seriesColor } from '../../design/colors';
import { numeric, type Cell } from '../frame';
import { at, flagAt, numberAt, oneAt, textAt, texts, type JsonObject } from '../json';
import type { ShownField, ShownFrame } from '../overrides';
import {
  followsValue,
  legible,
  namedColor,
  rampColor,
  stepsOf,
  TRANSPARENT,
  valueColor,
  type Ends,
} from '../palette';
import { reduce } from '../reduce';
import { endsOf, type Looks } from '../shown';

/** Undefined where a series has no instant, so that its line goes on; null is a gap. */
export type Drawn = (number | null | undefined)[];

export type Draw = 'line' | 'bars' | 'points';
export type Curve = 'linear' | 'smooth' | 'stepBefore' | 'stepAfter';

/** The colours of values along an axis, from below: each up to the next, or flowing into it. */
export interface Ramp {
  stops: readonly { value: number; color: string }[];
  stepped: boolean;
}

export interface SeriesLook {
  color: string;
  /** Instead of the one colour, those of the values; null for the one. */
  ramp: Ramp | null;
  scale: string;
  draw: Draw;
  curve: Curve;
  width: number;
  dash: readonly number[] | null;
  /** Percent of the colour below the line. */
  fill: number;
  gradient: boolean;
  points: 'auto' | 'always' | 'never';
  pointSize: number;
  /** Gaps up to so many milliseconds are bridged; 0 for none. */
  spanMs: number;
  /** What it stands on others with; empty for nothing. */
  stack: string;
  /** It hangs below 0, on others that do. */
  hangs: boolean;
  percent: boolean;
  /** The series that the area below it ends at. */
  below: string;
}

export interface ScaleLook {
  key: string;
  unit: string;
  decimals: number | undefined;
  side: 'left' | 'right' | 'hidden';
  label: string;
  min: number | null;
  max: number | null;
  softMin: number | null;
  softMax: number | null;
  /** 0 for an even axis, else what each step is multiplied with. */
  log: number;
  centered: boolean;
  grid: boolean;
  color: string | null;
  /** Bars and areas stand on its 0. */
  grounded: boolean;
  percent: boolean;
}

export interface DrawnSeries {
  field: ShownField;
  title: string;
  look: SeriesLook;
  /** As it was answered, for the legend and the hover. */
  values: Drawn;
  inLegend: boolean;
  inTip: boolean;
}

export interface Drawing {
  /** In seconds. */
  times: readonly number[];
  series: readonly DrawnSeries[];
  scales: readonly ScaleLook[];
}

interface Source {
  times: readonly Cell[];
  values: readonly Cell[];
  field: ShownField;
}

/** `source` with nothing after each instant that the next one is too far from, as its field says. */
function broken(source: Source): Source {
  const limit = insertOf(source.field.config.custom);
  if (limit === Infinity) return source;
  const [times, values]: [Cell[], Cell[]] = [[], []];
  source.times.forEach((time, i) => {
    const before = source.times[i - 1];
    if (typeof time === 'number' && typeof before === 'number' && time - before > limit) {
      times.push(before + limit);
      values.push(null);
    }
    times.push(time);
    values.push(source.values[i] ?? null);
  });
  return times.length === source.times.length ? source : { ...source, times, values };
}

function sourcesOf(frames: readonly ShownFrame[]): Source[] {
  return frames.flatMap((frame) => {
    const time = frame.fields.find(({ type }) => type === 'time');
    if (!time) return [];
    return frame.fields
      .filter(
        ({ type, config }) =>
          (type === 'number' || type === 'boolean') && !flagAt(config.custom, 'hideFrom.viz'),
      )
      .map((field) => broken({ times: time.values, values: field.values, field }));
  });
}

function same(a: readonly Cell[], b: readonly Cell[]): boolean {
  return (
    a === b ||
    (a.length === b.length && a[0] === b[0] && a.at(-1) === b.at(-1) && a.every((time, i) => time === b[i]))
  );
}

/** All instants of the sources, ascending, in milliseconds. */
function gridOf(sources: readonly Source[]): number[] {
  const first = sources[0]?.times ?? [];
  if (sources.every(({ times }) => same(times, first))) {
    const alone = first.filter((time) => typeof time === 'number');
    const ascending = alone.every((time, i) => i === 0 || time > (alone[i - 1] ?? -Infinity));
    if (ascending && alone.length === first.length) return alone;
  }
  const all = new Set<number>();
  for (const { times } of sources) for (const time of times) if (typeof time === 'number') all.add(time);
  return [...all].sort((a, b) => a - b);
}

function columnOn(grid: readonly number[], { times, values }: Source, negative: boolean): Drawn {
  const sign = negative ? -1 : 1;
  const read = (cell: Cell | undefined): number | null => {
    const value = numeric(cell ?? null);
    return value === null ? null : value * sign;
  };
  if (times.length === grid.length && same(times, grid)) return values.map(read);
  const places = new Map(grid.map((time, i) => [time, i]));
  const column = new Array<number | null | undefined>(grid.length).fill(undefined);
  times.forEach((time, i) => {
    const place = typeof time === 'number' ? places.get(time) : undefined;
    if (place !== undefined) column[place] = read(values[i]);
  });
  return column;
}

/** Gaps up to how many milliseconds are bridged: 0 for none. */
export function spanOf(custom: JsonObject): number {
  const span = at(custom, 'spanNulls');
  if (span === true) return Infinity;
  return typeof span === 'number' ? span : 0;
}

/** More than how many milliseconds without an instant are a gap: infinity for never. */
export function insertOf(custom: JsonObject): number {
  const limit = at(custom, 'insertNulls');
  return typeof limit === 'number' && limit > 0 ? limit : Infinity;
}

const CURVES: readonly [Curve, ...Curve[]] = ['linear', 'smooth', 'stepBefore', 'stepAfter'];
const MOST_WIDTH = 10;

function dashOf(custom: JsonObject): readonly number[] | null {
  const fill = textAt(custom, 'lineStyle.fill', 'solid');
  if (fill === 'solid' || fill === '') return null;
  const dash = texts(at(custom, 'lineStyle.dash'))
    .map(Number)
    .filter((length) => length >= 0 && length < 1_000);
  if (dash.length > 1) return dash;
  return fill === 'dot' ? [0, 6] : [8, 6];
}

function within(value: number | undefined, least: number, most: number, otherwise: number): number {
  return value === undefined ? otherwise : Math.max(least, Math.min(most, value));
}

function lookOf(field: ShownField, scale: string, color: string, negative: boolean): SeriesLook {
  const { custom } = field.config;
  const mode = oneAt(custom, 'stacking.mode', ['none', 'normal', 'percent']);
  const stacked = mode !== 'none';
  const sum = stacked && !negative ? reduce(field, 'sum') : 0;
  // What lies below 0 stands apart from what lies above it.
  const hangs = stacked && (negative || (typeof sum === 'number' && sum < 0));
  return {
    color,
    ramp: null,
    scale,
    draw: oneAt(custom, 'drawStyle', ['line', 'bars', 'points']),
    curve: oneAt(custom, 'lineInterpolation', CURVES),
    width: within(numberAt(custom, 'lineWidth'), 0, MOST_WIDTH, 1),
    dash: dashOf(custom),
    fill: within(numberAt(custom, 'fillOpacity'), 0, 100, 0),
    gradient: oneAt(custom, 'gradientMode', ['none', 'opacity', 'hue', 'scheme']) !== 'none',
    points: oneAt(custom, 'showPoints', ['auto', 'always', 'never']),
    pointSize: within(numberAt(custom, 'pointSize'), 1, 40, 5),
    spanMs: spanOf(custom),
    stack: stacked ? `${scale} ${textAt(custom, 'stacking.group', 'A')}${hangs ? '-' : '+'}` : '',
    hangs,
    percent: mode === 'percent',
    below: textAt(custom, 'fillBelowTo'),
  };
}

function scaleOf(field: ShownField, key: string, first: boolean, looks: Looks): ScaleLook {
  const { custom, unit, decimals, min, max } = field.config;
  const placement = textAt(custom, 'axisPlacement', 'auto');
  const log = textAt(custom, 'scaleDistribution.type', 'linear');
  const percent = textAt(custom, 'stacking.mode') === 'percent';
  const tinted = textAt(custom, 'axisColorMode') === 'series';
  const color = tinted
    ? valueColor(field.config, null, { ends: { min: 0, max: 1 }, index: 0, scheme: looks.scheme })
    : null;
  return {
    key,
    unit: percent ? 'percentunit' : unit,
    decimals: percent ? undefined : decimals,
    side:
      placement === 'hidden'
        ? 'hidden'
        : placement === 'right' || (placement === 'auto' && !first)
          ? 'right'
          : 'left',
    label: textAt(custom, 'axisLabel'),
    min: min ?? null,
    max: max ?? null,
    softMin: numberAt(custom, 'axisSoftMin') ?? null,
    softMax: numberAt(custom, 'axisSoftMax') ?? null,
    log: log === 'log' ? (numberAt(custom, 'scaleDistribution.log') === 10 ? 10 : 2) : 0,
    centered: flagAt(custom, 'axisCenteredZero'),
    grid: flagAt(custom, 'axisGridShow', first),
    color: color === null || color === TRANSPARENT ? null : legible(color, looks.scheme),
    grounded: false,
    percent,
  };
}

/** Series that share unit, ends and place share an axis. */
function scaleId({ config }: ShownField): string {
  const { unit, min, max, custom } = config;
  const placement = textAt(custom, 'axisPlacement', 'auto');
  return JSON.stringify([
    unit,
    min,
    max,
    placement,
    at(custom, 'scaleDistribution') ?? null,
    textAt(custom, 'axisLabel'),
  ]);
}

/** The least contrast of a line. */
const SEEN = 2;

/** The colour of series number `index`; one that follows values has that of its last, least or highest. */
export function colorOf(field: ShownField, index: number, looks: Looks): string {
  const { color } = field.config;
  if (color.mode === '' || color.mode.startsWith('palette')) return seriesColor(index, looks.scheme);
  const value = followsValue(color) ? reduce(field, color.by === 'last' ? 'lastNotNull' : color.by) : null;
  const made = valueColor(field.config, typeof value === 'number' ? value : null, {
    ends: endsOf(field, [field]),
    index,
    scheme: looks.scheme,
  });
  // A line that was made for another background is still seen on this one.
  return legible(made, looks.scheme, SEEN);
}

const FLOWING = [0, 0.25, 0.5, 0.75, 1];

/** The colours of a field's values between `ends`; null where its colour is not one of values. */
function rampOf({ config }: ShownField, ends: Ends, { scheme }: Looks): Ramp | null {
  const { mode } = config.color;
  const seen = (color: string): string => (color === TRANSPARENT ? color : legible(color, scheme, SEEN));
  if (mode === 'thresholds')
    return {
      stepped: true,
      stops: stepsOf(config.thresholds, ends).map(({ value, color }) => ({
        value,
        color: seen(namedColor(color, scheme)),
      })),
    };
  if (!mode.startsWith('continuous-')) return null;
  return {
    stepped: false,
    stops: FLOWING.map((share) => ({
      value: ends.min + share * (ends.max - ends.min),
      color: seen(rampColor(mode, share, scheme)),
    })),
  };
}

/** `series`, those that are to have the colours of their values with them; ends are those of all on one axis. */
function ramped(series: readonly DrawnSeries[], looks: Looks): DrawnSeries[] {
  return series.map((one) => {
    if (textAt(one.field.config.custom, 'gradientMode') !== 'scheme') return one;
    const beside = series.filter(({ look }) => look.scale === one.look.scale);
    const ends = endsOf(
      one.field,
      beside.map(({ field }) => field),
    );
    return { ...one, look: { ...one.look, ramp: rampOf(one.field, ends, looks) } };
  });
}

/** What of `frames` is drawn over time, and how. */
export function drawingOf(frames: readonly ShownFrame[], looks: Looks): Drawing {
  const sources = sourcesOf(frames);
  const grid = gridOf(sources);
  const scales: ScaleLook[] = [];
  const byId = new Map<string, string>();
  const series = sources.map((source, index): DrawnSeries => {
    const { field } = source;
    const { custom } = field.config;
    const id = scaleId(field);
    let scale = byId.get(id);
    if (scale === undefined) {
      scale = scales.length === 0 ? 'y' : `y${scales.length + 1}`;
      byId.set(id, scale);
      scales.push(scaleOf(field, scale, scales.length === 0, looks));
    }
    const negative = textAt(custom, 'transform') === 'negative-Y';
    const look = lookOf(field, scale, colorOf(field, index, looks), negative);
    const place = scales.findIndex(({ key }) => key === scale);
    const known = scales[place];
    if (known && (look.draw === 'bars' || look.stack !== '' || look.fill > 0))
      scales[place] = { ...known, grounded: true };
    return {
      field,
      title: field.title,
      look,
      values: columnOn(grid, source, negative),
      inLegend: !flagAt(custom, 'hideFrom.legend'),
      inTip: !flagAt(custom, 'hideFrom.tooltip'),
    };
  });
  return { times: grid.map((ms) => ms / 1000), series: ramped(series, looks), scales };
}

export interface Stacked {
  /** What is drawn of each series. */
  tops: Drawn[];
  /** What each stands on; null for those on the ground. */
  bases: (Drawn | null)[];
}

/**
 * What a stacked line reaches at instants that are not its own: what it has between its neighbours, and beside its
 * ends for as long as its own step. Without it those on top would fall at each instant that it lacks.
 */
function bridged({ values, look }: DrawnSeries, times: readonly number[]): Drawn {
  if (look.draw !== 'line' || !values.includes(undefined)) return values;
  const made = [...values];
  const own = values.flatMap((value, at) => (value === undefined ? [] : [at]));
  const time = (at: number): number => times[at] ?? at;
  own.forEach((at, place) => {
    const next = own[place + 1];
    const [from, to] = [values[at], next === undefined ? null : values[next]];
    if (next === undefined || from == null || to == null) return;
    for (let i = at + 1; i < next; i += 1) {
      const share = (time(i) - time(at)) / (time(next) - time(at));
      made[i] =
        look.curve === 'stepAfter' ? from : look.curve === 'stepBefore' ? to : from + (to - from) * share;
    }
  });
  const [first, second, before, last] = [own[0], own[1], own.at(-2), own.at(-1)];
  if (first === undefined || second === undefined || before === undefined || last === undefined) return made;
  for (let i = 0; i < first; i += 1)
    if (time(first) - time(i) < time(second) - time(first)) made[i] = values[first];
  for (let i = last + 1; i < made.length; i += 1)
    if (time(i) - time(last) < time(last) - time(before)) made[i] = values[last];
  return made;
}

/** The series laid on each other as their looks say; hidden ones add nothing. Times are in seconds. */
export function stackSeries(
  all: readonly DrawnSeries[],
  hidden: ReadonlySet<number>,
  times: readonly number[],
): Stacked {
  const series = all.map((one) => (one.look.stack === '' ? one : { ...one, values: bridged(one, times) }));
  const totals = new Map<string, number[]>();
  const sums = new Map<string, number[]>();
  const length = series[0]?.values.length ?? 0;
  series.forEach(({ look, values }, i) => {
    if (!look.percent || look.stack === '' || hidden.has(i)) return;
    const sum = sums.get(look.stack) ?? new Array<number>(length).fill(0);
    values.forEach((value, at) => {
      if (value != null && Number.isFinite(value)) sum[at] = (sum[at] ?? 0) + value;
    });
    sums.set(look.stack, sum);
  });
  const bases: (Drawn | null)[] = [];
  const tops = series.map(({ look, values }, i): Drawn => {
    bases.push(null);
    if (look.stack === '' || hidden.has(i)) return values;
    const sum = look.percent ? sums.get(look.stack) : undefined;
    const before = totals.get(look.stack);
    const now = before ? [...before] : new Array<number>(length).fill(0);
    const top = values.map((value, at) => {
      if (value == null || !Number.isFinite(value)) return value === undefined ? undefined : null;
      const whole = sum?.[at] ?? 1;
      const share = sum ? (whole === 0 ? 0 : value / whole) : value;
      now[at] = (now[at] ?? 0) + share;
      return now[at] ?? null;
    });
    bases[i] = before ?? null;
    totals.set(look.stack, now);
    return top;
  });
  return { tops, bases };
}

/** `column` as uPlot takes it: what no axis can show is a gap, and short gaps are bridged. */
export function drawableOf(column: Drawn, { spanMs }: SeriesLook, times: readonly number[]): Drawn {
  const finite = column.every((value) => value == null || Number.isFinite(value));
  const made: Drawn = finite
    ? column
    : column.map((value) => (value == null || Number.isFinite(value) ? value : null));
  if (spanMs === 0 || spanMs === Infinity) return made;
  const bridged = [...made];
  let last = -1;
  bridged.forEach((value, i) => {
    if (value == null) return;
    if (last >= 0 && i - last > 1 && ((times[i] ?? 0) - (times[last] ?? 0)) * 1000 <= spanMs)
      for (let gap = last + 1; gap < i; gap += 1) bridged[gap] = undefined;
    last = i;
  });
  return bridged;
}
