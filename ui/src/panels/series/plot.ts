// uPlot's options for a panel's series: an axis for each unit, a style for each series. No React in here.

import uPlot from 'uplot';
import { barPaths } from '../../chart/bars';
import { MANY, textWidth, timeAxis, zoned } from '../../chart/plot';
import { increments, powerTicks } from '../../chart/ticks';
import { INK, mix, parts, type Scheme } from '../../design/colors';
import { digitsFor } from '../../design/format';
import { TRANSPARENT } from '../palette';
import { isBinary, textIn } from '../units/format';
import { writingOf } from '../units/table';
import type { Drawing, Ramp, ScaleLook, SeriesLook } from './columns';

const FONT = "11px 'Inter Variable', system-ui, sans-serif";

/** What uPlot is made for; a change of any of it makes the plot anew. */
export interface Look {
  scheme: Scheme;
  utc: boolean;
  series: readonly SeriesLook[];
  scales: readonly ScaleLook[];
  /** Which columns after the series' own are the bases of which series. */
  bases: readonly number[];
  /** Values that the first axis reaches for. */
  limits: readonly number[];
  syncKey: string | null;
  timeShown: boolean;
}

// The enum of uPlot's types is not there when the program runs.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const LOGARITHMIC = 3 as uPlot.Scale.Distr.Logarithmic;

/** Further than this times the data, a limit does not stretch the axis. */
const WORTH = 2;

function atMost(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

function powersAround(min: number, max: number, base: number): [number, number] {
  const log = (value: number): number => Math.log(value) / Math.log(base);
  const low = base ** Math.floor(log(min) + 1e-9);
  const high = base ** Math.ceil(log(max) - 1e-9);
  return [low, high > low ? high : low * base];
}

/** The ends of an axis whose data reach from `least` to `most`. */
export function rangeOf(
  scale: ScaleLook,
  least: number,
  most: number,
  limits: readonly number[],
): [number, number] {
  const known = Number.isFinite(least) && Number.isFinite(most);
  let [low, high] = known ? [least, most] : [0, 1];
  const reach = Math.max(Math.abs(low), Math.abs(high)) * WORTH;
  for (const limit of limits)
    if (Math.abs(limit) <= reach) [low, high] = [Math.min(low, limit), Math.max(high, limit)];
  if (scale.softMin !== null) low = Math.min(low, scale.softMin);
  if (scale.softMax !== null) high = Math.max(high, scale.softMax);
  if (scale.log > 0) {
    const top = scale.max ?? (high > 0 ? high : 1);
    const bottom =
      scale.min !== null && scale.min > 0 ? scale.min : low > 0 ? low : Math.min(1, top / scale.log);
    return powersAround(bottom, Math.max(top, bottom), scale.log);
  }
  // Shares that make a whole rarely add up to exactly that.
  if (scale.percent) [low, high] = [Math.min(0, low), high < 1.0001 ? 1 : high];
  // Most of what is watched is at least 0, and a line that wobbles by a percent should look calm.
  const calm = scale.grounded || low < high * 0.6;
  if (low > 0 && calm) low = 0;
  if (high < 0 && (scale.grounded || high > low * 0.6)) high = 0;
  if (low === high) [low, high] = low === 0 ? [0, 1] : low > 0 ? [0, low * 1.25] : [low * 1.25, 0];
  const room = (high - low) * 0.06;
  const under = low === 0 || low === scale.softMin ? low : low - room;
  const over = high === 0 || high === scale.softMax || (scale.percent && high === 1) ? high : high + room;
  let [bottom, top] = [scale.min ?? under, scale.max ?? over];
  // Ends that leave no room between them, or that all data lie beyond, would show an empty chart.
  if (bottom >= top) [bottom, top] = [under, over];
  if (scale.centered) {
    const far = Math.max(Math.abs(bottom), Math.abs(top));
    return [atMost(-far), atMost(far)];
  }
  return [atMost(bottom), atMost(top > bottom ? top : bottom + 1)];
}

const CLOCKS = [
  60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];
const EVEN = increments('none');
const BINARY = increments('bytes');

/** Round distances between ticks of values in `unit`. */
function stepsOf(unit: string): number[] {
  if (isBinary(unit)) return BINARY;
  const writing = writingOf(unit);
  if (writing.kind === 'boolean') return [1];
  if (writing.kind !== 'time' || writing.seconds > 1) return EVEN;
  const minute = 60 / writing.seconds;
  const above = CLOCKS.map((seconds) => seconds / writing.seconds);
  const last = above.at(-1) ?? minute;
  return [...EVEN.filter((step) => step < minute), ...above, ...EVEN.filter((step) => step > last)];
}

/**
 * Those of `steps` between ticks that an axis from `low` to `high` with room for `most` ticks can have, as far as
 * its labels differ: with no decimals, halves would be called 0 and 1 again.
 */
export function tellingSteps(
  steps: readonly number[],
  scale: ScaleLook,
  low: number,
  high: number,
  most: number,
): number[] {
  const differ = (step: number): boolean => {
    const first = Math.ceil(low / step);
    const count = Math.floor(high / step) - first + 1;
    const splits = Array.from({ length: Math.max(0, count) }, (_, i) => (first + i) * step);
    return new Set(tickLabels(splits, scale, step)).size === splits.length;
  };
  const wide = steps.filter((step) => (high - low) / step <= most);
  const from = wide.findIndex(differ);
  return from < 0 ? [...steps] : wide.slice(from);
}

/** Labels of an axis' ticks, with the digits that tell neighbours apart. */
export function tickLabels(splits: readonly number[], scale: ScaleLook, step: number): string[] {
  const largest = Math.max(...splits.map(Math.abs));
  const digits = Math.max(2, digitsFor(step, largest, 2));
  return splits.map((value) => textIn(value, scale.unit, scale.decimals, undefined, digits));
}

const VALUE_ROOM = 30;

function logTicks(base: number): uPlot.Axis.Splits {
  return (plot, _axis, min, max) => {
    const most = plot.over.clientHeight / VALUE_ROOM || 5;
    if (base === 10) return powerTicks(min, max, most);
    const [from, to] = [Math.ceil(Math.log2(min) - 1e-9), Math.floor(Math.log2(max) + 1e-9)];
    const every = Math.max(1, Math.ceil((to - from + 1) / Math.max(1, most)));
    const ticks: number[] = [];
    for (let power = from; power <= to; power += every) ticks.push(2 ** power);
    return ticks;
  };
}

function valueAxis(scale: ScaleLook, scheme: Scheme): uPlot.Axis {
  const ink = INK[scheme];
  const side = scale.side === 'right' ? 1 : 3;
  const steps = stepsOf(scale.unit);
  return {
    scale: scale.key,
    // The enum of uPlot's types is not there when the program runs.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
    side,
    show: scale.side !== 'hidden',
    stroke: scale.color ?? ink.axis,
    font: FONT,
    grid: scale.grid ? { stroke: ink.grid, width: 1 } : { show: false },
    ticks: { show: false },
    gap: 6,
    space: VALUE_ROOM,
    // uPlot learns the digits of its own round steps and of those in a list: powers of two have to be one.
    incrs:
      scale.decimals === undefined || isBinary(scale.unit)
        ? steps
        : (_plot, _axis, low, high, length, space) => tellingSteps(steps, scale, low, high, length / space),
    values: (_plot, splits, _axis, _space, incr) => tickLabels(splits, scale, incr),
    ...(scale.log > 0
      ? { splits: logTicks(scale.log), filter: (_plot: uPlot, splits: number[]) => splits }
      : {}),
    size: (_plot, labels: string[] | null) =>
      Math.max(40, ...(labels ?? []).map((label) => textWidth(label) + 14)),
    ...(scale.label === '' ? {} : { label: scale.label, labelFont: FONT, labelSize: 18, labelGap: 0 }),
  };
}

function rgba(color: string, alpha: number): string {
  const [red, green, blue] = parts(color);
  return `rgba(${red}, ${green}, ${blue}, ${alpha})`;
}

/** Each height in the colour of the value there. */
function rampPaint(
  { stops, stepped }: Ramp,
  { scale, color }: SeriesLook,
  alpha: number,
): uPlot.Series.Stroke {
  const inked = (one: string): string => (one === TRANSPARENT ? 'rgba(0, 0, 0, 0)' : rgba(one, alpha));
  return (plot) => {
    const { top, height } = plot.bbox;
    const { min, max } = plot.scales[scale] ?? {};
    if (height <= 0 || min == null || max == null) return rgba(color, alpha);
    const made = plot.ctx.createLinearGradient(0, top + height, 0, top);
    let below = stops[0]?.color ?? color;
    for (const stop of stops) {
      const up = (top + height - plot.valToPos(stop.value, scale, true)) / height;
      const at = Math.max(0, Math.min(1, Number.isFinite(up) ? up : 0));
      if (stepped) made.addColorStop(at, inked(below));
      made.addColorStop(at, inked(stop.color));
      below = stop.color;
    }
    return made;
  };
}

/** The area under a line; with a gradient it fades towards the ground. */
function fillOf(look: SeriesLook): uPlot.Series.Fill | undefined {
  const { color, fill, gradient, draw, ramp } = look;
  const alpha = fill / 100;
  if (alpha === 0) return undefined;
  if (ramp) return rampPaint(ramp, look, alpha);
  if (!gradient || draw === 'bars') return rgba(color, alpha);
  return (plot) => {
    const { top, height } = plot.bbox;
    if (height <= 0) return rgba(color, alpha);
    const made = plot.ctx.createLinearGradient(0, top, 0, top + height);
    made.addColorStop(0, rgba(color, alpha));
    made.addColorStop(1, rgba(color, alpha * 0.08));
    return made;
  };
}

/** Values that stand alone between gaps: a line would not show them. */
const alone: uPlot.Series.Points.Filter = (plot, index, show) => {
  if (show) return null;
  const values = plot.data[index];
  if (!values) return null;
  const found: number[] = [];
  for (let i = 0; i < values.length; i += 1)
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) found.push(i);
  return found.length > 0 ? found : null;
};

function pointsOf(look: SeriesLook, many: boolean): uPlot.Series.Points {
  const always = look.draw === 'points' || (look.draw === 'line' && look.points === 'always');
  const filter = look.draw === 'bars' ? {} : { filter: alone };
  return {
    show: (plot, index, from, to) => {
      if (look.draw === 'bars') return false;
      if (always) return true;
      // As many as have room beside each other.
      const count = to - from;
      return (
        look.points === 'auto' &&
        !many &&
        count > 0 &&
        plot.bbox.width / window.devicePixelRatio / count > look.pointSize * 4 &&
        index > 0
      );
    },
    size: always || look.points === 'auto' ? look.pointSize : 4,
    width: 0,
    fill: look.color,
    stroke: look.color,
    ...(always ? {} : filter),
  };
}

function pathsOf(look: SeriesLook, base: number | null): uPlot.Series.PathBuilder | undefined {
  if (look.draw === 'points') return () => null;
  if (look.draw === 'bars') return barPaths(() => base, false);
  if (look.curve === 'smooth') return uPlot.paths.spline?.();
  if (look.curve === 'stepAfter') return uPlot.paths.stepped?.({ align: 1 });
  if (look.curve === 'stepBefore') return uPlot.paths.stepped?.({ align: -1 });
  return undefined;
}

function seriesOf(look: SeriesLook, base: number | null, many: boolean): uPlot.Series {
  const fill = fillOf(look);
  const paths = pathsOf(look, base);
  return {
    scale: look.scale,
    stroke: look.ramp ? rampPaint(look.ramp, look, 1) : look.color,
    width:
      look.draw === 'bars'
        ? Math.min(1, look.width)
        : look.draw === 'points'
          ? 0
          : many
            ? Math.min(1, look.width)
            : look.width * 1.2,
    ...(fill === undefined ? {} : { fill }),
    ...(look.dash === null
      ? {}
      : { dash: [...look.dash], ...(look.dash[0] === 0 ? { cap: 'round' as const } : {}) }),
    ...(paths === undefined ? {} : { paths }),
    spanGaps: look.spanMs === Infinity,
    pxAlign: many ? 0 : 1,
    points: pointsOf(look, many),
  };
}

/** What a stacked series stands on: nothing to see, the lower end of the fill. */
function baseOf(look: SeriesLook | undefined): uPlot.Series {
  const paths = look?.draw === 'line' ? pathsOf(look, null) : undefined;
  return {
    scale: look?.scale ?? 'y',
    width: 0,
    auto: false,
    points: { show: false },
    ...(paths ? { paths } : {}),
  };
}

function bandsOf(look: Look, titles: readonly string[]): uPlot.Band[] {
  const count = look.series.length;
  const bands: uPlot.Band[] = [];
  look.bases.forEach((index, place) => {
    const one = look.series[index];
    // An area hangs from its base where it is below 0.
    if (one?.draw === 'line') bands.push({ series: [index + 1, count + place + 1], dir: one.hangs ? 1 : -1 });
  });
  look.series.forEach(({ below, stack }, index) => {
    const other = below === '' || stack !== '' ? -1 : titles.indexOf(below);
    if (other >= 0) bands.push({ series: [index + 1, other + 1] });
  });
  return bands;
}

/** uPlot's options for `look`; `range` is asked at each drawing, so that new data can move it. */
export function plotOptions(
  look: Look,
  titles: readonly string[],
  range: () => [number, number],
): uPlot.Options {
  const many = look.series.length > MANY;
  const ink = INK[look.scheme];
  const count = look.series.length;
  const baseAt = new Map(look.bases.map((index, place) => [index, count + place + 1]));
  const right = look.scales.some(({ side }) => side === 'right');
  const scales: Record<string, uPlot.Scale> = { x: { time: true, range: () => range() } };
  for (const scale of look.scales) {
    const limits = scale.key === 'y' ? look.limits : [];
    scales[scale.key] = {
      range: (_plot, least, most) => rangeOf(scale, least, most, limits),
      ...(scale.log > 0 ? { distr: LOGARITHMIC, log: scale.log === 10 ? 10 : 2 } : {}),
    };
  }
  return {
    width: 300,
    height: 150,
    padding: [8, right ? 0 : () => Math.ceil(textWidth('00:00') / 2) + 2, look.timeShown ? 0 : 6, 0],
    legend: { show: false },
    tzDate: zoned(look.utc),
    focus: { alpha: 1 },
    cursor: {
      y: false,
      points: many
        ? { show: false }
        : {
            size: 7,
            width: 1.5,
            stroke: (_plot, index) => look.series[index - 1]?.color ?? ink.text,
            fill: () => mix(ink.grid, ink.text, 0.1),
          },
      dataIdx: (_plot, index, closest) => (index > count ? null : closest),
      drag: { x: true, y: false, setScale: false, dist: 6 },
      ...(look.syncKey === null
        ? {}
        : { sync: { key: look.syncKey, setSeries: false, scales: ['x', null] } }),
    },
    scales,
    axes: [
      { ...timeAxis(look.scheme, look.utc), show: look.timeShown },
      ...look.scales.map((scale) => valueAxis(scale, look.scheme)),
    ],
    series: [
      {},
      ...look.series.map((one, i) => seriesOf(one, baseAt.get(i) ?? null, many)),
      ...look.bases.map((index) => baseOf(look.series[index])),
    ],
    bands: bandsOf(look, titles),
  };
}

/** Where a drawing's stacks have bases: the places of those series. */
export function basedOf(bases: readonly (unknown[] | null)[]): number[] {
  return bases.flatMap((base, i) => (base === null ? [] : [i]));
}

/** The text that is equal for drawings that one plot can show after the other. */
export function lookKey(drawing: Drawing): string {
  return JSON.stringify([drawing.series.map(({ look, title }) => [look, title]), drawing.scales]);
}
