// Exemplars of what is drawn: single measurements that name the trace they were made in.

import type { SeriesExemplars } from '../api/types';
import type { PointMark } from '../chart/marks';
import { formatValue, guessUnit } from '../design/format';

const TRACE_LABELS = ['trace_id', 'traceID', 'traceId', 'traceid'];
const TRACE_ID = /^[0-9a-f]{1,32}$/u;
const COLUMNS = 100;
/** So many of each column of time are drawn. */
const EACH = 2;

/** The trace that an exemplar names; null for one that names none. */
export function traceOf(labels: Readonly<Record<string, string>>): string | null {
  const found = TRACE_LABELS.map((name) => labels[name])
    .find((value) => value !== undefined)
    ?.toLowerCase();
  return found !== undefined && TRACE_ID.test(found) && !/^0+$/u.test(found) ? found : null;
}

/** Exemplars as points of a chart from `fromMs` to `toMs`: of many at about one time those with the highest values. */
export function pointsOf(
  found: readonly SeriesExemplars[],
  { fromMs, toMs }: { fromMs: number; toMs: number },
): PointMark[] {
  const columns = new Map<number, PointMark[]>();
  for (const { seriesLabels, exemplars } of found) {
    // Of the measurement, whatever the chart makes of many.
    const unit = guessUnit((seriesLabels['__name__'] ?? '').replace(/_(?:bucket|count|sum|total)$/u, ''));
    for (const { labels, timestamp, value: text } of exemplars) {
      const id = traceOf(labels);
      const value = Number(text);
      if (id === null || !Number.isFinite(value)) continue;
      const atMs = timestamp * 1000;
      const column = Math.floor(((atMs - fromMs) / Math.max(toMs - fromMs, 1)) * COLUMNS);
      const point = { atMs, value, id, text: `${formatValue(value, unit)} in trace ${id}: click to open it` };
      columns.set(column, [...(columns.get(column) ?? []), point]);
    }
  }
  return [...columns.values()].flatMap((points) => {
    // The buckets of a histogram may have one and the same exemplar.
    const once = [...new Map(points.map((point) => [`${point.id} ${point.atMs}`, point])).values()];
    return once.sort((a, b) => b.value - a.value).slice(0, EACH);
  });
}

/** The point with the highest value; null without any. */
export function highest(points: readonly PointMark[]): PointMark | null {
  return points.reduce<PointMark | null>(
    (best, point) => (best === null || point.value > best.value ? point : best),
    null,
  );
}
