// What stands in a chart besides its data: limits, stretches of time, ranges of values, things that happened. Drawn by
// uPlot's hooks, so that it moves with the axes; no React in here.

import type uPlot from 'uplot';
import { INK, STATUS_COLORS, translucent, type Scheme, type StatusTone } from '../design/colors';
import { formatValue, type Unit } from '../design/format';
import { visibleText } from '../design/value';
import type { Column } from './columns';

/** A value that matters: a line across the chart, and which side of it is bad. */
export interface Threshold {
  value: number;
  label: string;
  tone: StatusTone;
  /** The side that is tinted; none when left out. */
  beyond?: 'above' | 'below';
}

/** Something said about a time: a line where it happened, or an area while it lasted. */
export interface Annotation {
  fromMs: number;
  /** Left out for an instant. */
  toMs?: number;
  text: string;
  tone?: StatusTone;
  /** Instead of the tone's, as `#rrggbb`. */
  color?: string;
}

/** Something that happened, as a mark on the time axis. */
export interface TimeEvent {
  atMs: number;
  text: string;
  tone?: StatusTone;
}

/** A measurement of its own, such as an exemplar: a dot at its value, or at the edge where that lies beyond. */
export interface PointMark {
  atMs: number;
  value: number;
  text: string;
  /** What it leads to, for whoever handles a click. */
  id: string;
}

/** A range of values over time, such as what is expected; a gap where either end is null. */
export interface ValueBand {
  label: string;
  lower: Column;
  upper: Column;
  /** The series that it belongs to, for its colour; grey without one. */
  series?: number;
}

export interface Marks {
  thresholds?: readonly Threshold[];
  annotations?: readonly Annotation[];
  events?: readonly TimeEvent[];
  bands?: readonly ValueBand[];
  points?: readonly PointMark[];
}

const FONT_PX = 11;
/** How near the mouse must come to a mark, in CSS pixels. */
const NEAR_PX = 7;

interface Brush {
  context: CanvasRenderingContext2D;
  ratio: number;
  scheme: Scheme;
}

function tint(tone: StatusTone | undefined, scheme: Scheme): string {
  return tone === undefined ? INK[scheme].axis : STATUS_COLORS[scheme][tone];
}

function x(plot: uPlot, ms: number): number {
  return plot.valToPos(ms / 1000, 'x', true);
}

function y(plot: uPlot, value: number): number {
  return plot.valToPos(value, 'y', true);
}

function brush(plot: uPlot, scheme: Scheme): Brush {
  const { ctx: context } = plot;
  context.save();
  const { left, top, width, height } = plot.bbox;
  context.beginPath();
  context.rect(left, top, width, height);
  context.clip();
  return { context, ratio: window.devicePixelRatio, scheme };
}

function fillBand(plot: uPlot, band: ValueBand, colors: readonly string[], { context, scheme }: Brush): void {
  const color = band.series === undefined ? INK[scheme].axis : (colors[band.series] ?? INK[scheme].axis);
  const times = plot.data[0];
  context.fillStyle = translucent(color, scheme === 'dark' ? 0.16 : 0.13);
  let run: number[] = [];
  const close = (): void => {
    if (run.length > 1) {
      context.beginPath();
      for (const at of run)
        context.lineTo(plot.valToPos(times[at] ?? 0, 'x', true), y(plot, band.upper[at] ?? 0));
      for (const at of run.reverse())
        context.lineTo(plot.valToPos(times[at] ?? 0, 'x', true), y(plot, band.lower[at] ?? 0));
      context.fill();
    }
    run = [];
  };
  for (let at = 0; at < times.length; at += 1)
    if (band.lower[at] == null || band.upper[at] == null) close();
    else run.push(at);
  close();
}

/** What lies under the data: bands, the bad side of limits, stretches of time. */
export function paintUnder(plot: uPlot, marks: Marks, colors: readonly string[], scheme: Scheme): void {
  const own = brush(plot, scheme);
  const { context } = own;
  const { left, top, width, height } = plot.bbox;
  for (const band of marks.bands ?? []) fillBand(plot, band, colors, own);
  for (const { value, tone, beyond } of marks.thresholds ?? []) {
    if (beyond === undefined) continue;
    const at = Math.max(top, Math.min(top + height, y(plot, value)));
    context.fillStyle = translucent(tint(tone, scheme), scheme === 'dark' ? 0.08 : 0.06);
    if (beyond === 'above') context.fillRect(left, top, width, at - top);
    else context.fillRect(left, at, width, top + height - at);
  }
  for (const { fromMs, toMs, tone, color } of marks.annotations ?? []) {
    if (toMs === undefined) continue;
    const from = x(plot, fromMs);
    context.fillStyle = translucent(color ?? tint(tone, scheme), scheme === 'dark' ? 0.14 : 0.1);
    context.fillRect(from, top, x(plot, toMs) - from, height);
  }
  context.restore();
}

function paintThreshold(plot: uPlot, { value, label, tone }: Threshold, own: Brush, unit: Unit): void {
  const { context, ratio, scheme } = own;
  const { left, width, top, height } = plot.bbox;
  const at = Math.round(y(plot, value)) + 0.5;
  if (!(at >= top && at <= top + height)) return;
  context.strokeStyle = tint(tone, scheme);
  context.lineWidth = ratio;
  context.setLineDash([5 * ratio, 4 * ratio]);
  context.beginPath();
  context.moveTo(left, at);
  context.lineTo(left + width, at);
  context.stroke();
  const text = `${visibleText(label)} ${formatValue(value, unit)}`;
  context.font = `${FONT_PX * ratio}px 'Inter Variable', system-ui, sans-serif`;
  context.textAlign = 'right';
  // Below the line where above it is no room.
  const above = at - top > 16 * ratio;
  context.textBaseline = above ? 'bottom' : 'top';
  context.lineWidth = 3 * ratio;
  context.setLineDash([]);
  context.strokeStyle = INK[scheme].panel;
  const [tx, ty] = [left + width - 5 * ratio, at + (above ? -2 : 3) * ratio];
  context.strokeText(text, tx, ty);
  context.fillStyle = tint(tone, scheme);
  context.fillText(text, tx, ty);
}

const DOT_PX = 4;

/** Where a point is drawn, in canvas pixels; null beyond the ends of the time axis. */
function spot(plot: uPlot, { atMs, value }: PointMark): [number, number] | null {
  const { left, top, width, height } = plot.bbox;
  const at = x(plot, atMs);
  if (at < left || at > left + width) return null;
  const inset = DOT_PX * window.devicePixelRatio;
  return [at, Math.max(top + inset, Math.min(top + height - inset, y(plot, value)))];
}

function paintPoints(plot: uPlot, points: readonly PointMark[], { context, ratio, scheme }: Brush): void {
  context.fillStyle = INK[scheme].panel;
  context.strokeStyle = STATUS_COLORS[scheme].info;
  context.lineWidth = 2 * ratio;
  for (const point of points) {
    const found = spot(plot, point);
    if (found === null) continue;
    context.beginPath();
    context.arc(found[0], found[1], (DOT_PX - 1) * ratio, 0, 2 * Math.PI);
    context.fill();
    context.stroke();
  }
}

/** The point that lies nearest to a place in the plot given in CSS pixels; null where none is near. */
export function pointAt(
  plot: uPlot,
  points: readonly PointMark[],
  left: number,
  top: number,
): PointMark | null {
  const ratio = window.devicePixelRatio;
  const [px, py] = [plot.bbox.left + left * ratio, plot.bbox.top + top * ratio];
  let [best, far]: [PointMark | null, number] = [null, NEAR_PX * ratio];
  for (const point of points) {
    const found = spot(plot, point);
    const apart = found === null ? Infinity : Math.hypot(found[0] - px, found[1] - py);
    if (apart <= far) [best, far] = [point, apart];
  }
  return best;
}

/** What lies over the data: limits with their names, ends of stretches, instants, marks on the time axis. */
export function paintOver(plot: uPlot, marks: Marks, scheme: Scheme, unit: Unit): void {
  const own = brush(plot, scheme);
  const { context, ratio } = own;
  const { top, height } = plot.bbox;
  for (const { fromMs, toMs, tone, color } of marks.annotations ?? []) {
    context.strokeStyle = color ?? tint(tone, scheme);
    context.lineWidth = ratio;
    context.setLineDash(toMs === undefined ? [] : [2 * ratio, 3 * ratio]);
    for (const ms of toMs === undefined ? [fromMs] : [fromMs, toMs]) {
      const at = Math.round(x(plot, ms)) + 0.5;
      context.beginPath();
      context.moveTo(at, top);
      context.lineTo(at, top + height);
      context.stroke();
    }
    context.setLineDash([]);
  }
  for (const threshold of marks.thresholds ?? []) paintThreshold(plot, threshold, own, unit);
  for (const { atMs, tone } of marks.events ?? []) {
    const [at, foot] = [x(plot, atMs), top + height];
    context.fillStyle = tint(tone, scheme);
    context.strokeStyle = INK[scheme].panel;
    context.lineWidth = ratio;
    context.beginPath();
    context.moveTo(at, foot - 11 * ratio);
    context.lineTo(at + 5 * ratio, foot - 5 * ratio);
    context.lineTo(at, foot + ratio);
    context.lineTo(at - 5 * ratio, foot - 5 * ratio);
    context.closePath();
    context.fill();
    context.stroke();
  }
  paintPoints(plot, marks.points ?? [], own);
  context.restore();
}

/** Texts of the marks at `seconds`, where a CSS pixel is `secondsPerPx` long: what lasts then, what happened near. */
export function marksAt(marks: Marks, seconds: number, secondsPerPx: number): string[] {
  const ms = seconds * 1000;
  const near = NEAR_PX * secondsPerPx * 1000;
  const lasting = (marks.annotations ?? []).filter(
    ({ fromMs, toMs }) => ms >= fromMs - near && ms <= (toMs ?? fromMs) + near,
  );
  const happened = (marks.events ?? []).filter(({ atMs }) => Math.abs(atMs - ms) <= near);
  return [...lasting, ...happened].map(({ text }) => text);
}

/** Further than this times the data, a limit does not stretch the axis: the data would be a line at the bottom. */
const WORTH = 2;

/** The ends of the value axis for data from `min` to `max`, stretched to limits that are not far away. */
export function withThresholds(min: number, max: number, thresholds: readonly Threshold[]): [number, number] {
  let [low, high] = [min, max];
  const reach = Math.max(Math.abs(min), Math.abs(max)) * WORTH;
  for (const { value } of thresholds) {
    if (Math.abs(value) > reach) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}
