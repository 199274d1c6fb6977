// Instant results as rows of a table.

import type { Labels, QueryAnswer } from '../api/types';
import { parseFloatText } from '../chart/columns';
import { holdsWords } from '../design/filter';
import { formatInstant } from '../design/format';

export interface ResultRow {
  labels: Labels;
  /** For sorting; NaN when there is no single number. */
  value: number;
  /** The value as the server wrote it, or a short description of many. */
  text: string;
}

/** Whether the row holds one number, and no description of several. */
export function isFigure(row: ResultRow): boolean {
  return !Number.isNaN(row.value) ? parseFloatText(row.text) === row.value : row.text === 'NaN';
}

const MOST_POINTS = 4;

/** Rows of any kind of result; scalars and strings make one row without labels. */
export function toRows(answer: QueryAnswer, utc: boolean): ResultRow[] {
  switch (answer.resultType) {
    case 'scalar':
    case 'string':
      return [{ labels: {}, value: parseFloatText(answer.result[1]), text: answer.result[1] }];
    case 'vector':
      return answer.result.map(({ metric, value, histogram }) => {
        if (value) return { labels: metric, value: parseFloatText(value[1]), text: value[1] };
        const [count, sum] = [histogram?.[1].count ?? '0', histogram?.[1].sum ?? '0'];
        return {
          labels: metric,
          value: parseFloatText(count),
          text: `histogram: count ${count}, sum ${sum}`,
        };
      });
    case 'matrix':
      return answer.result.map(({ metric, values = [], histograms = [] }) => {
        const newest = values.slice(-MOST_POINTS).reverse();
        const listed = newest.map(([time, text]) => `${text} @ ${formatInstant(time * 1000, utc)}`);
        const count = values.length + histograms.length;
        const more = count > listed.length ? `, ${count} in all` : '';
        return {
          labels: metric,
          value: parseFloatText(newest[0]?.[1] ?? 'NaN'),
          text: listed.join(', ') + more,
        };
      });
  }
}

/** All label names of `rows`, the metric name first, then by how many rows have them. */
export function labelColumns(rows: readonly ResultRow[]): string[] {
  const counts = new Map<string, number>();
  for (const row of rows)
    for (const name of Object.keys(row.labels)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts.keys()].sort((a, b) => {
    if (a === '__name__' || b === '__name__') return a === '__name__' ? -1 : 1;
    return (counts.get(b) ?? 0) - (counts.get(a) ?? 0) || a.localeCompare(b);
  });
}

/** Rows whose labels or value hold all words of `wanted`. */
export function filterRows(rows: readonly ResultRow[], wanted: string): readonly ResultRow[] {
  if (wanted.trim() === '') return rows;
  const holds = holdsWords(wanted);
  return rows.filter((row) => {
    const labels = Object.entries(row.labels).map(([name, value]) => `${name}=${value}`);
    return holds(`${labels.join(' ')} ${row.text}`);
  });
}
