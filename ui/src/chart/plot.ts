// What a chart looks like to uPlot: axes, series, crosshair. No React in here.

import uPlot from 'uplot';
import { INK, mix, translucent, type Scheme } from '../design/colors';
import { formatValue, type Unit } from '../design/format';
import { barPaths } from './bars';
import { withThresholds, type Threshold } from './marks';
import { increments, powerTicks, TIME_INCREMENTS_S, timeLabels, valueLabels } from './ticks';

export interface PlotLook {
  scheme: Scheme;
  unit: Unit;
  utc: boolean;
  /** Lines stand on each other, the areas between them filled. */
  stacked: boolean;
  /** A light fill below lines, where the axis has its 0; only sensible for few series. */
  filled: boolean;
  colors: readonly string[];
  /** A series that is only the rest, such as free memory, which should not shout. */
  faint: number | null;
  /** Series drawn as broken lines. */
  dashed?: ReadonlySet<number>;
  syncKey: string | null;
  /** Upper end that the value axis shows at least, such as 1 for ratios. */
  atLeast: number | null;
  compact: boolean;
  /** Bars from the ground instead of lines. */
  bars?: boolean;
  /** The value axis by powers of ten; what is not above 0 is a gap. */
  log?: boolean;
  /** Limits that the value axis reaches for. */
  thresholds?: readonly Threshold[];
}

const FONT = "11px 'Inter Variable', system-ui, sans-serif";
/** Beyond this many lines they are drawn thinner and without extras, which keeps a frame short. */
export const MANY = 60;

// The enum of uPlot's types is not there when the program runs.
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment
const LOGARITHMIC = 3 as uPlot.Scale.Distr.Logarithmic;

/** Whole powers of ten around what is shown. */
function powersAround(min: number, max: number): [number, number] {
  const low = Math.floor(Math.log10(min));
  const high = Math.ceil(Math.log10(max));
  return [10 ** low, 10 ** (high === low ? high + 1 : high)];
}

function valueRange(look: PlotLook): uPlot.Scale.Range {
  return (_plot, least, most) => {
    // Without any value uPlot passes null for both, whatever its types say.
    if (!Number.isFinite(least) || !Number.isFinite(most)) return look.log ? [1, 10] : [0, 1];
    const [min, max] = withThresholds(least, most, look.thresholds ?? []);
    if (look.log) return powersAround(min > 0 ? min : least, Math.max(max, least));
    const top = Math.max(max, look.atLeast ?? max);
    // Most of what is watched is at least 0, and a line that wobbles by a percent should look calm.
    const calm = look.stacked || look.bars || look.atLeast !== null || min < top * 0.6;
    const floor = min >= 0 && calm ? 0 : min;
    if (top === floor) {
      if (top === 0) return [0, 1];
      return top > 0 ? [0, atMost(top * 1.25)] : [atMost(top * 1.25), 0];
    }
    const room = (top - floor) * 0.06;
    return [floor === 0 ? 0 : atMost(floor - room), top === look.atLeast ? top : atMost(top + room)];
  };
}

/** `value`, kept a number that an axis can end at. */
function atMost(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value));
}

const MINUTE_S = 60;

/** Least distance between time ticks in CSS pixels: seconds take more room than hours and minutes. */
export const timeSpace: uPlot.Axis.Space = (_plot, _axis, from, to, width) =>
  ((MINUTE_S / 2) * width) / (to - from) >= CLOCK_ROOM ? SECONDS_ROOM : CLOCK_ROOM;

const CLOCK_ROOM = 46;
const SECONDS_ROOM = 64;

let ruler: CanvasRenderingContext2D | null = null;

/** Width of an axis label in CSS pixels; measured apart, for uPlot remembers what font its own canvas has. */
export function textWidth(text: string): number {
  if (ruler === null) {
    ruler = document.createElement('canvas').getContext('2d');
    if (ruler) ruler.font = FONT;
  }
  return ruler ? Math.ceil(ruler.measureText(text).width) : text.length * 7;
}

/** Height of the time axis in CSS pixels. */
export const TIME_AXIS_PX = 26;

/** The time axis of every chart. */
export function timeAxis(scheme: Scheme, utc: boolean): uPlot.Axis {
  const ink = INK[scheme];
  return {
    stroke: ink.axis,
    font: FONT,
    grid: { stroke: ink.grid, width: 1 },
    ticks: { show: false },
    space: timeSpace,
    incrs: TIME_INCREMENTS_S,
    size: TIME_AXIS_PX,
    gap: 4,
    values: (_plot, splits, _axis, _space, incr) => timeLabels(splits, incr, utc),
  };
}

/** Room for one label of the value axis in CSS pixels. */
const VALUE_ROOM = 30;

const powerSplits: uPlot.Axis.Splits = (plot, _axis, min, max) =>
  powerTicks(min, max, plot.over.clientHeight / VALUE_ROOM || 5);

function axes(look: PlotLook): uPlot.Axis[] {
  const ink = INK[look.scheme];
  const grid = { stroke: ink.grid, width: 1 };
  return [
    timeAxis(look.scheme, look.utc),
    {
      stroke: ink.axis,
      font: FONT,
      grid,
      ticks: { show: false },
      gap: 6,
      space: look.compact ? 28 : 36,
      incrs: increments(look.unit),
      values: (_plot, splits, _axis, _space, incr) =>
        look.log
          ? splits.map((value) => formatValue(value, look.unit))
          : valueLabels(splits, look.unit, incr),
      ...(look.log ? { splits: powerSplits, filter: (_plot, splits) => splits } : {}),
      size: (_plot, labels: string[] | null) =>
        Math.max(look.compact ? 56 : 60, Math.max(0, ...(labels ?? []).map(textWidth)) + 14),
    },
  ];
}

/** Turns seconds into a Date whose local parts are those of UTC or of the browser's zone. */
export function zoned(utc: boolean): (seconds: number) => Date {
  return utc
    ? (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC')
    : (seconds) => new Date(seconds * 1000);
}

/** Points are drawn only where a value stands alone between gaps and a line would not show it. */
const lonePoints: uPlot.Series.Points.Filter = (plot, seriesIdx, show) => {
  if (show) return null;
  const values = plot.data[seriesIdx];
  if (!values) return null;
  const lone: number[] = [];
  for (let i = 0; i < values.length; i += 1)
    if (values[i] != null && values[i - 1] == null && values[i + 1] == null) lone.push(i);
  return lone.length > 0 ? lone : null;
};

/** How much of a series' colour its area has. */
function areaOpacity(look: PlotLook, index: number): number {
  const dark = look.scheme === 'dark';
  if (look.bars) return dark ? 0.75 : 0.8;
  if (!look.stacked) return dark ? 0.1 : 0.08;
  return index === look.faint ? 0.05 : dark ? 0.32 : 0.26;
}

/** The area under a line, which says "from nothing": only where the axis has its 0. */
function area(look: PlotLook, color: string, index: number): uPlot.Series.Fill {
  const fill = translucent(color, areaOpacity(look, index));
  return (plot) => {
    const { min = 0, max = 0 } = plot.scales.y ?? {};
    return look.bars || (!look.log && min <= 0 && max >= 0) ? fill : 'transparent';
  };
}

/** Lengths of a broken line's strokes and gaps. */
const DASH = [5, 4];

function line(look: PlotLook, color: string, index: number, many: boolean): uPlot.Series {
  const count = look.colors.length;
  const stands = look.stacked || look.filled || look.bars;
  return {
    stroke: color,
    width: look.bars ? 0 : many ? 1 : look.stacked ? 1.2 : 1.6,
    ...(look.dashed?.has(index) ? { dash: DASH } : {}),
    ...(stands ? { fill: area(look, color, index) } : {}),
    ...(look.bars
      ? {
          paths: barPaths(
            (series) => (look.stacked && series > 1 ? count + series - 1 : null),
            look.log ?? false,
          ),
        }
      : {}),
    pxAlign: many ? 0 : 1,
    spanGaps: false,
    points: { show: () => false, size: 4, fill: color, stroke: color, filter: lonePoints },
  };
}

/** What a stacked series stands on: nothing to see, the lower end of the fill. */
const BASE: uPlot.Series = { width: 0, auto: false, points: { show: false } };

/** uPlot's options for a chart of `look`; `range` is asked at each drawing, so that new data can move it. */
export function plotOptions(look: PlotLook, range: () => [number, number]): uPlot.Options {
  const many = look.colors.length > MANY;
  const ink = INK[look.scheme];
  const count = look.colors.length;
  const bands: uPlot.Band[] = [];
  // The bases follow the lines, the second line's first.
  if (look.stacked && !look.bars)
    for (let i = count; i > 1; i -= 1) bands.push({ series: [i, count + i - 1] });
  return {
    width: 300,
    height: 150,
    // The last time stands at the end of the axis and needs half its width beside it.
    padding: [8, () => Math.ceil(textWidth('00:00:00') / 2) + 2, 0, 0],
    legend: { show: false },
    tzDate: zoned(look.utc),
    focus: { alpha: 1 },
    cursor: {
      y: !look.compact,
      points: many
        ? { show: false }
        : {
            size: 7,
            width: 1.5,
            stroke: (_plot, idx) => look.colors[idx - 1] ?? ink.text,
            fill: () => mix(ink.grid, ink.text, 0.1),
          },
      dataIdx: (_plot, index, closest) => (index > count ? null : closest),
      drag: { x: true, y: false, setScale: false, dist: 6 },
      ...(look.syncKey === null
        ? {}
        : { sync: { key: look.syncKey, setSeries: false, scales: ['x', null] } }),
    },
    scales: {
      x: { time: true, range: () => range() },
      y: { range: valueRange(look), ...(look.log ? { distr: LOGARITHMIC, log: 10 as const } : {}) },
    },
    axes: axes(look),
    series: [
      {},
      ...look.colors.map((color, i) => line(look, color, i, many)),
      ...(look.stacked ? look.colors.slice(1) : []).map(() => ({ ...BASE })),
    ],
    bands,
  };
}
