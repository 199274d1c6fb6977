// Thresholds across a chart: lines, the area that each step tints, or both.

import type uPlot from 'uplot';
import { translucent, type Scheme } from '../../design/colors';
import type { Thresholds } from '../config';
import { namedColor, stepsOf, TRANSPARENT } from '../palette';

export interface Limits {
  thresholds: Thresholds;
  line: boolean;
  dashed: boolean;
  area: boolean;
  /** Percentages are of these. */
  min: number | null;
  max: number | null;
}

function within(plot: uPlot, value: number): number {
  const { top, height } = plot.bbox;
  return Math.max(top, Math.min(top + height, plot.valToPos(value, 'y', true)));
}

function steps(plot: uPlot, { thresholds, min, max }: Limits): readonly { value: number; color: string }[] {
  const { min: low = 0, max: high = 1 } = plot.scales.y ?? {};
  return stepsOf(thresholds, { min: min ?? low, max: max ?? high });
}

/** Tints what lies on each step, below the data. */
export function paintAreas(plot: uPlot, limits: Limits, scheme: Scheme): void {
  if (!limits.area) return;
  const { ctx, bbox } = plot;
  const all = steps(plot, limits);
  ctx.save();
  all.forEach(({ value, color }, i) => {
    const named = namedColor(color, scheme);
    if (named === TRANSPARENT) return;
    const foot = value === -Infinity ? bbox.top + bbox.height : within(plot, value);
    const next = all[i + 1];
    const head = next ? within(plot, next.value) : bbox.top;
    ctx.fillStyle = translucent(named, scheme === 'dark' ? 0.12 : 0.1);
    ctx.fillRect(bbox.left, head, bbox.width, foot - head);
  });
  ctx.restore();
}

/** Draws a line at each step, over the data. */
export function paintLines(plot: uPlot, limits: Limits, scheme: Scheme): void {
  if (!limits.line) return;
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio;
  ctx.save();
  ctx.lineWidth = 1.5 * ratio;
  if (limits.dashed) ctx.setLineDash([7 * ratio, 5 * ratio]);
  for (const { value, color } of steps(plot, limits)) {
    const named = namedColor(color, scheme);
    const at = plot.valToPos(value, 'y', true);
    if (named === TRANSPARENT || !(at >= bbox.top && at <= bbox.top + bbox.height)) continue;
    ctx.strokeStyle = named;
    ctx.beginPath();
    ctx.moveTo(bbox.left, Math.round(at) + 0.5);
    ctx.lineTo(bbox.left + bbox.width, Math.round(at) + 0.5);
    ctx.stroke();
  }
  ctx.restore();
}
