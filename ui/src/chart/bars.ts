// Bars as a path of uPlot's: each from its base to its value, as wide as the grid of times leaves room.

import type uPlot from 'uplot';

/** The share of a step that a bar takes. */
const WIDE = 0.8;
const MOST_PX = 60;

/** The shortest distance between two times in canvas pixels; `fallback` where there is only one. */
function stepPx(plot: uPlot, fallback: number): number {
  const times = plot.data[0];
  let least = Infinity;
  for (let i = 1; i < times.length; i += 1) least = Math.min(least, (times[i] ?? 0) - (times[i - 1] ?? 0));
  if (!Number.isFinite(least)) return fallback;
  const from = times[0] ?? 0;
  return plot.valToPos(from + least, 'x', true) - plot.valToPos(from, 'x', true);
}

/**
 * Draws a series as bars. `baseOf` says in which of the plot's columns the bases of a series are; null for those that
 * stand on the ground: 0, or the lower end of a logarithmic axis.
 */
export function barPaths(
  baseOf: (seriesIdx: number) => number | null,
  log: boolean,
): uPlot.Series.PathBuilder {
  return (plot, seriesIdx, from, to) => {
    const path = new Path2D();
    const ratio = window.devicePixelRatio;
    const width = Math.max(1, Math.min(MOST_PX * ratio, stepPx(plot, 20 * ratio) * WIDE));
    const values = plot.data[seriesIdx] ?? [];
    const base = baseOf(seriesIdx);
    const bases = base === null ? null : plot.data[base];
    const ground = log ? (plot.scales.y?.min ?? 0) : 0;
    for (let i = from; i <= to; i += 1) {
      const value = values[i];
      const time = plot.data[0][i];
      if (value == null || time == null) continue;
      const top = plot.valToPos(value, 'y', true);
      const foot = plot.valToPos(bases?.[i] ?? ground, 'y', true);
      path.rect(plot.valToPos(time, 'x', true) - width / 2, Math.min(top, foot), width, Math.abs(foot - top));
    }
    return { stroke: path, fill: path, flags: 0 };
  };
}
