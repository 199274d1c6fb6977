// Cells of a heat map: how many were in which bucket when.

import type uPlot from 'uplot';
import { heatColor, type Scheme } from '../design/colors';
import { formatValue, type Unit } from '../design/format';
import type { Column } from './columns';

/** Counts of one bucket over time; its bounds, lower exclusive and upper inclusive as those of histograms. */
export interface HeatBucket {
  lower: number;
  upper: number;
  counts: Column;
}

/** Buckets from the cumulative counts of a classic histogram: upper bounds ascending, each with all below it. */
export function bucketsOf(cumulative: readonly { upper: number; counts: Column }[]): HeatBucket[] {
  const sorted = [...cumulative].sort((a, b) => a.upper - b.upper);
  return sorted.map(({ upper, counts }, i) => {
    const below = sorted[i - 1];
    return {
      lower: below?.upper ?? (upper > 0 ? 0 : -Infinity),
      upper,
      counts: counts.map((count, at) => {
        if (count === null) return null;
        const less = below?.counts[at] ?? 0;
        // Counters that are read one after the other may disagree by a little.
        return Math.max(0, count - less);
      }),
    };
  });
}

/** The fullest cell; 0 of none. */
export function fullest(buckets: readonly HeatBucket[]): number {
  let most = 0;
  for (const { counts } of buckets)
    for (const count of counts) if (count !== null && Number.isFinite(count) && count > most) most = count;
  return most;
}

/** The share of the colours that a count has: by its square root, so that the few are seen beside the many. */
export function heatShare(count: number, most: number, least = 0): number {
  return most > least ? Math.sqrt(Math.min(1, Math.max(0, count - least) / (most - least))) : 0;
}

/** A bucket in words: `0.1 s to 0.25 s`. */
export function bucketName({ lower, upper }: HeatBucket, unit: Unit): string {
  if (upper === Infinity) return `over ${formatValue(lower, unit)}`;
  if (lower === -Infinity) return `up to ${formatValue(upper, unit)}`;
  return `${formatValue(lower, unit)} to ${formatValue(upper, unit)}`;
}

/**
 * Paints the cells: a column for each instant, ending there, for counts are of the time before. The colours go from
 * the counts of `ends` to one another, without them from nothing to the fullest cell.
 */
export function paintHeat(
  plot: uPlot,
  scheme: Scheme,
  times: readonly number[],
  buckets: readonly HeatBucket[],
  ends: { min?: number | undefined; max?: number | undefined } = {},
): void {
  const { ctx, bbox } = plot;
  const most = ends.max ?? fullest(buckets);
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  const step = times.length > 1 ? (times[1] ?? 0) - (times[0] ?? 0) : 60;
  const edges = times.map((time) => Math.round(plot.valToPos(time, 'x', true)));
  const first = Math.round(plot.valToPos((times[0] ?? 0) - step, 'x', true));
  buckets.forEach(({ counts }, lane) => {
    const top = Math.round(plot.valToPos(lane + 1, 'y', true));
    const height = Math.round(plot.valToPos(lane, 'y', true)) - top;
    counts.forEach((count, at) => {
      if (count === null || !(count > 0)) return;
      const left = edges[at - 1] ?? first;
      ctx.fillStyle = heatColor(heatShare(count, most, ends.min), scheme);
      ctx.fillRect(left, top, Math.max(1, (edges[at] ?? left) - left), Math.max(1, height - 1));
    });
  });
  ctx.restore();
}
