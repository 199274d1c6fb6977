// Two traces side by side: how much longer one took, and where.

import type { PathDifference, PathSide } from '../api/traces';
import { formatSeconds } from '../design/format';

/** `+120 ms`, `−3 s`, or `the same`. */
export function change(ns: number): string {
  if (ns === 0) return 'the same';
  return `${ns > 0 ? '+' : '−'}${formatSeconds(Math.abs(ns) / 1e9)}`;
}

/** What became of a duration, in words. */
export function verdict(leftNs: number, rightNs: number): string {
  if (leftNs === rightNs) return 'Both took the same time.';
  const isLonger = rightNs > leftNs;
  const part = Math.round((Math.abs(rightNs - leftNs) / Math.max(1, leftNs)) * 100);
  const apart = formatSeconds(Math.abs(rightNs - leftNs) / 1e9);
  const times = rightNs / Math.max(1, leftNs);
  const how =
    times >= 3 ? `${Number(times.toPrecision(2))} times as long` : `${isLonger ? '+' : '−'}${part} %`;
  return `The second took ${apart} ${isLonger ? 'longer' : 'less'} (${how}).`;
}

export type Presence = 'both' | 'left' | 'right';

export function presenceOf({ left, right }: PathDifference): Presence {
  if (left.spans === 0) return 'right';
  return right.spans === 0 ? 'left' : 'both';
}

/** Own time a call; null where there is none. */
export function eachNs({ spans, own_ns: own }: PathSide): number | null {
  return spans === 0 ? null : own / spans;
}

/** What tells a path from all others. */
export function pathKey({ path }: PathDifference): string {
  return path.map(({ service, name }) => `${service}\n${name}`).join('\n\n');
}
