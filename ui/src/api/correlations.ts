// Which series changed together with one that is looked at.

import { ask, type Asking } from './client';
import type { Labels } from './types';

export interface ChangedSeries {
  readonly labels: Labels;
  /** What shows it; of a counter its rate. */
  readonly expression: string;
  /** From 0 to 1. */
  readonly score: number;
  readonly change_score: number;
  /** With what was asked about, -1 to 1; null where that is not defined. */
  readonly correlation: number | null;
  /** Medians before and during. */
  readonly before: number | null;
  readonly during: number | null;
  /** By which part of what was before; null where that is 0. */
  readonly change: number | null;
  readonly direction: string;
  /** RFC 3339. */
  readonly first_changed: string | null;
  readonly values: readonly (number | null)[];
}

export interface Correlations {
  readonly start: string;
  readonly end: string;
  readonly baseline_start: string;
  readonly examined: number;
  readonly changed: number;
  readonly truncated: boolean;
  readonly series: readonly ChangedSeries[];
}

/** The series that changed from before `span` to within it, those that go with `query` first; ends in seconds. */
export async function correlations(
  query: string,
  span: { from: number; to: number; baseline: string },
  limit: number,
  asking: Asking,
): Promise<Correlations> {
  return (
    await ask<Correlations>('/api/v1/correlations', { query: query || undefined, ...span, limit }, asking)
  ).data;
}
