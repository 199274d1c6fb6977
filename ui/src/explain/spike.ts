// A spike: what was drawn, and from when until when it is to be explained; and how that is written in the address.

import type { Search } from '../address/context';
import type { Labels } from '../api/types';
import type { Column } from '../chart/columns';

export interface Spike {
  /** What was drawn; empty where only the time is looked at. */
  expr: string;
  /** Which of its series, where it was one. */
  labels: Labels;
  fromMs: number;
  toMs: number;
}

/** Longer than this is no spike but another state of things. */
export const LONGEST_MS = 24 * 3_600_000;
const SHORTEST_MS = 30_000;

/** The search parameters of the page that explains it. */
export function writeSpike({ expr, labels, fromMs, toMs }: Spike): Search {
  const named = Object.keys(labels).length > 0;
  return {
    expr: expr || undefined,
    labels: named ? JSON.stringify(labels) : undefined,
    spike: `${Math.round(fromMs)}-${Math.round(toMs)}`,
  };
}

function readLabels(text: string | undefined): Labels {
  try {
    const labels: unknown = JSON.parse(text ?? '{}');
    if (typeof labels !== 'object' || labels === null) return {};
    return Object.fromEntries(
      Object.entries(labels).filter((one): one is [string, string] => typeof one[1] === 'string'),
    );
  } catch {
    return {};
  }
}

/** The spike that search parameters describe; null where they name no time. */
export function readSpike(search: Search): Spike | null {
  const found = /^(\d{1,14})-(\d{1,14})$/u.exec(search.spike ?? '');
  if (!found) return null;
  const [fromMs, toMs] = [Number(found[1]), Number(found[2])];
  if (!(toMs > fromMs)) return null;
  return { expr: search.expr ?? '', labels: readLabels(search.labels), fromMs, toMs };
}

/** The time that a spike is compared with: four times as long, ten minutes at least, and just before it. */
export function baselineMs({ fromMs, toMs }: Pick<Spike, 'fromMs' | 'toMs'>): number {
  return Math.min(LONGEST_MS, Math.max(600_000, 4 * (toMs - fromMs)));
}

/**
 * From when until when the spike around `at` lasts: as far as values stay above half of the way from the column's
 * middle to its top (or below, for a dip). At least half a minute, a day at most.
 */
export function spikeAround(
  column: Column,
  times: readonly number[],
  at: number,
): { fromMs: number; toMs: number } | null {
  const top = column[at];
  const known = column
    .filter((value): value is number => value !== null && Number.isFinite(value))
    .sort((a, b) => a - b);
  const middle = known[Math.floor(known.length / 2)];
  if (top === null || top === undefined || middle === undefined || times[at] === undefined) return null;
  const half = middle + (top - middle) / 2;
  const isIn = (value: number | null | undefined): boolean =>
    value !== null && value !== undefined && (top >= middle ? value >= half : value <= half);
  let [from, to] = [at, at];
  while (from > 0 && isIn(column[from - 1])) from -= 1;
  while (to < column.length - 1 && isIn(column[to + 1])) to += 1;
  const stepMs = ((times[1] ?? 0) - (times[0] ?? 0)) * 1000;
  const fromMs = (times[from] ?? 0) * 1000 - stepMs;
  const toMs = Math.min((times[to] ?? 0) * 1000 + stepMs, fromMs + LONGEST_MS);
  const lacks = Math.max(0, SHORTEST_MS - (toMs - fromMs)) / 2;
  return { fromMs: fromMs - lacks, toMs: toMs + lacks };
}
