// The order of a legend, and the figures in it. No React in here.

import { figuresOf, type Figures } from '../design/figures';
import type { Unit } from '../design/format';
import type { Summary } from './columns';

export const FIGURES = ['last', 'min', 'max', 'avg'] as const;

export type FigureName = (typeof FIGURES)[number];

export interface LegendSort {
  key: 'name' | FigureName;
  /** From the other end than is natural: names from Z, figures from the lowest. */
  reverse: boolean;
}

/** Highest first, as a reader looks for what stands out. */
export const FIRST_SORT: LegendSort = { key: 'last', reverse: false };

/** Largest first, NaN after all numbers, nothing at the end. */
function compare(a: number | null, b: number | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const odd = Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return odd !== 0 ? odd : b - a || 0;
}

const collator = new Intl.Collator('en', { numeric: true });

/** The indexes of series in the order of `sort`; equal ones stay as they are. */
export function legendOrder(
  names: readonly string[],
  summaries: readonly Summary[],
  { key, reverse }: LegendSort,
): number[] {
  const indexes = names.map((_, i) => i);
  indexes.sort((a, b) =>
    key === 'name'
      ? collator.compare(names[a] ?? '', names[b] ?? '')
      : compare(summaries[a]?.[key] ?? null, summaries[b]?.[key] ?? null),
  );
  return reverse ? indexes.reverse() : indexes;
}

/** How all figures of a legend are written: alike, for they are compared across the columns too. */
export function legendFigures(summaries: readonly Summary[], unit: Unit): Figures {
  const values = summaries.flatMap((summary) => FIGURES.flatMap((name) => summary[name] ?? []));
  return figuresOf(values, unit);
}

/** Whether the newest value is older than the range's end, so that it says nothing about the present. */
export function ended(summary: Summary, times: readonly number[]): boolean {
  return summary.lastAt !== null && summary.lastAt < times.length - 1;
}
