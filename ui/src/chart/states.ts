// What state things were in, over time: runs of the same, and their colours.

import type uPlot from 'uplot';
import { INK, STATUS_COLORS, translucent, type Scheme } from '../design/colors';
import { STATUS_LOOKS, type Status } from '../design/status';

/** The states of one thing at each instant; null where none is known. */
export interface StateLane {
  name: string;
  states: readonly (Status | null)[];
}

/** A state that lasted from one instant through another, by their places in the grid. */
export interface StateRun {
  status: Status;
  from: number;
  to: number;
}

/** `states` as runs of the same; what is not known is in none. */
export function stateRuns(states: readonly (Status | null)[]): StateRun[] {
  const runs: StateRun[] = [];
  states.forEach((status, at) => {
    const last = runs.at(-1);
    if (status === null) return;
    if (last?.status === status && last.to === at - 1) last.to = at;
    else runs.push({ status, from: at, to: at });
  });
  return runs;
}

const TEXT_PX = 11;

/** Paints the runs of each lane, lane 0 at the bottom; their names where there is room. */
export function paintStates(
  plot: uPlot,
  scheme: Scheme,
  times: readonly number[],
  lanes: readonly StateLane[],
): void {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio;
  const step = times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : 60;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.font = `500 ${TEXT_PX * ratio}px 'Inter Variable', system-ui, sans-serif`;
  ctx.textBaseline = 'middle';
  ctx.textAlign = 'left';
  lanes.forEach(({ states }, lane) => {
    const top = plot.valToPos(lane + 1, 'y', true) + 2 * ratio;
    const height = plot.valToPos(lane, 'y', true) - top - 2 * ratio;
    for (const { status, from, to } of stateRuns(states)) {
      const left = plot.valToPos(times[from] ?? 0, 'x', true);
      const right = plot.valToPos((times[to] ?? 0) + step, 'x', true);
      const { tone, name } = STATUS_LOOKS[status];
      const color = tone === null ? INK[scheme].axis : STATUS_COLORS[scheme][tone];
      ctx.fillStyle = translucent(color, scheme === 'dark' ? 0.34 : 0.24);
      ctx.fillRect(left, top, Math.max(1, right - left - ratio), height);
      ctx.fillStyle = color;
      ctx.fillRect(left, top, Math.max(1, right - left - ratio), 2 * ratio);
      const begin = Math.max(left, bbox.left) + 5 * ratio;
      if (right - begin > ctx.measureText(name).width + 5 * ratio && height > 13 * ratio) {
        ctx.fillStyle = INK[scheme].text;
        ctx.fillText(name, begin, top + height / 2 + ratio);
      }
    }
  });
  ctx.restore();
}
