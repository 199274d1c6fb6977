// A band and the line in it as paths of a small picture.

import type { AnomalyPoints } from '../api/anomalies';

export interface BandPaths {
  line: string;
  band: string;
  /** The last point, null without any. */
  last: { x: number; y: number } | null;
}

type Values = readonly (number | null)[];

const known = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** The ends of the values, and of the band where it is near them. */
function ends(points: AnomalyPoints): readonly [number, number] {
  const values = points.values.filter(known);
  const low = Math.min(...values);
  const high = Math.max(...values);
  const room = high - low || Math.abs(high) || 1;
  const lower = points.lower.filter(known).filter((one) => one >= low - room);
  const upper = points.upper.filter(known).filter((one) => one <= high + room);
  return [Math.min(low, ...lower), Math.max(high, ...upper)];
}

/** Paths of what was judged and of the band, in a box. */
export function bandPaths(points: AnomalyPoints, width: number, height: number): BandPaths {
  if (!points.values.some(known)) return { line: '', band: '', last: null };
  const [low, high] = ends(points);
  const span = high - low || 1;
  const count = Math.max(points.values.length - 1, 1);
  const x = (at: number): number => Math.round((at / count) * width * 10) / 10;
  const y = (value: number): number => {
    const clipped = Math.min(Math.max(value, low), high);
    return Math.round((height - 1.5 - ((clipped - low) / span) * (height - 3)) * 10) / 10;
  };
  const trace = (values: Values): string => {
    let path = '';
    let open = false;
    values.forEach((value, at) => {
      if (!known(value)) open = false;
      else {
        path += `${open ? 'L' : 'M'}${x(at)} ${y(value)}`;
        open = true;
      }
    });
    return path;
  };
  const whole = points.values
    .map((_, at) => at)
    .filter((at) => known(points.lower[at]) && known(points.upper[at]));
  const above = whole.map((at) => `${x(at)} ${y(points.upper[at] ?? 0)}`);
  const below = [...whole].reverse().map((at) => `${x(at)} ${y(points.lower[at] ?? 0)}`);
  const lastAt = points.values.findLastIndex(known);
  return {
    line: trace(points.values),
    band: whole.length > 1 ? `M${[...above, ...below].join('L')}Z` : '',
    last: { x: x(lastAt), y: y(points.values[lastAt] ?? 0) },
  };
}
