// Versions of a service: when each began to have spans.

import type { RateSeries } from '../api/traces';

export interface Version {
  version: string;
  /** When its first span in the time that is looked at was. */
  firstMs: number;
  lastMs: number;
  spans: number;
  errors: number;
  /** It was there from the first on, so that it began before. */
  before: boolean;
}

export const VERSION_FIELD = 'resource.service.version';

/** The versions that spans tell of, the newest first; `startMs` and `stepMs` are those of the question. */
export function versionsOf(series: readonly RateSeries[], startMs: number, stepMs: number): Version[] {
  const found = series.flatMap(({ labels, points }): Version[] => {
    const version = labels[VERSION_FIELD] ?? '';
    const times = points.map(({ time_ms }) => time_ms);
    if (version === '' || times.length === 0) return [];
    const firstMs = Math.min(...times);
    return [
      {
        version,
        firstMs,
        lastMs: Math.max(...times) + stepMs,
        spans: points.reduce((sum, { spans }) => sum + spans, 0),
        errors: points.reduce((sum, { errors }) => sum + errors, 0),
        before: firstMs <= startMs,
      },
    ];
  });
  // What has no version before it may only have begun to be sent.
  const first = Math.min(...found.map(({ firstMs }) => firstMs));
  return found
    .map((one) => ({ ...one, before: one.before || one.firstMs === first }))
    .sort((a, b) => b.firstMs - a.firstMs || a.version.localeCompare(b.version));
}
