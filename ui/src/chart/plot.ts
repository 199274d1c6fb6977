// What a chart looks like to uPlot: axes, series, crosshair. No React in here.

import uPlot from 'uplot';
import { INK, mix, translucent, type Scheme } from '../design/colors';
import type { Unit } from '../design/format';
import { increments, TIME_INCREMENTS_S, timeLabels, valueLabels } from './ticks';

export interface PlotLook {
  scheme: Scheme;
  unit: Unit;
  utc: boolean;
  /** Lines stand on each other, the areas between them filled. */
  stacked: boolean;
  /** A light fill below lines; only sensible for few series. */
  filled: boolean;
  colors: readonly string[];
  /** A series that is only the rest, such as free memory, which should not shout. */
  faint: number | null;
  syncKey: string | null;
  /** Upper end that the value axis shows at least, such as 1 for ratios. */
  atLeast: number | null;
  compact: boolean;
}

const FONT = "11px 'Inter Variable', system-ui, sans-serif";
/** Beyond this many lines they are drawn thinner and without extras, which keeps a frame short. */
export const MANY = 60;

function valueRange(look: PlotLook): uPlot.Scale.Range {
  return (_plot, min, max) => {
    // Without any value uPlot passes null for both, whatever its types say.
    if (!Number.isFinite(min) || !Number.isFinite(max)) return [0, 1];
    const top = Math.max(max, look.atLeast ?? max);
    // Most of what is watched is at least 0, and a line that wobbles by a percent should look calm.
    const calm = look.stacked || look.atLeast !== null || min < top * 0.6;
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
function textWidth(text: string): number {
  if (ruler === null) {
    ruler = document.createElement('canvas').getContext('2d');
    if (ruler) ruler.font = FONT;
  }
  return ruler ? Math.ceil(ruler.measureText(text).width) : text.length * 7;
}

function axes(look: PlotLook): uPlot.Axis[] {
  const ink = INK[look.scheme];
  const grid = { stroke: ink.grid, width: 1 };
  return [
    {
      stroke: ink.axis,
      font: FONT,
      grid,
      ticks: { show: false },
      space: timeSpace,
      incrs: TIME_INCREMENTS_S,
      size: 26,
      gap: 4,
      values: (_plot, splits, _axis, _space, incr) => timeLabels(splits, incr, look.utc),
    },
    {
      stroke: ink.axis,
      font: FONT,
      grid,
      ticks: { show: false },
      gap: 6,
      space: look.compact ? 28 : 36,
      incrs: increments(look.unit),
      values: (_plot, splits, _axis, _space, incr) => valueLabels(splits, look.unit, incr),
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

function line(look: PlotLook, color: string, index: number, many: boolean): uPlot.Series {
  const fill = look.stacked
    ? translucent(color, index === look.faint ? 0.05 : look.scheme === 'dark' ? 0.32 : 0.26)
    : look.filled
      ? translucent(color, look.scheme === 'dark' ? 0.1 : 0.08)
      : undefined;
  return {
    stroke: color,
    width: many ? 1 : look.stacked ? 1.2 : 1.6,
    ...(fill === undefined ? {} : { fill }),
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
  if (look.stacked) for (let i = count; i > 1; i -= 1) bands.push({ series: [i, count + i - 1] });
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
    scales: { x: { time: true, range: () => range() }, y: { range: valueRange(look) } },
    axes: axes(look),
    series: [
      {},
      ...look.colors.map((color, i) => line(look, color, i, many)),
      ...bands.map(() => ({ ...BASE })),
    ],
    bands,
  };
}
