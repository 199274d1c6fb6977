// How effects are written and where they are drawn.

import type { Effect } from '../api/versions';

/** A ratio as a change in percent: `+12.3 %`. */
export function percent(ratio: number): string {
  const change = (ratio - 1) * 100;
  const size = Math.abs(change);
  const digits = size >= 100 ? 0 : size >= 10 ? 1 : 2;
  const text = size.toFixed(digits);
  if (Number(text) === 0) return '0 %';
  return `${change > 0 ? '+' : '−'}${text} %`;
}

/** An effect with its interval in words. */
export function effectWords({ effect, low, high }: Effect): string {
  if (effect === null && low === null && high === null) return 'not known yet';
  const middle = effect === null ? '' : percent(effect);
  if (low === null && high === null) return middle;
  const ends = `${low === null ? 'no less' : percent(low)} to ${high === null ? 'no limit' : percent(high)}`;
  return middle === '' ? ends : `${middle} (${ends})`;
}

/** Where things stand on a line from 0 to 100, of which 50 is "no change". */
export interface Places {
  readonly low: number;
  readonly high: number;
  readonly effect: number | null;
  /** Whether the interval goes on beyond the line. */
  readonly openLow: boolean;
  readonly openHigh: boolean;
}

const HALF = 50;

/** Where an effect is drawn if the line reaches a change by `reach` times either way. */
export function placesOf({ effect, low, high }: Effect, reach: number): Places | null {
  if (effect === null && low === null && high === null) return null;
  const scale = Math.log(reach);
  const at = (ratio: number): number => {
    const place = HALF + (HALF * Math.log(Math.max(ratio, 1e-9))) / scale;
    return Math.min(Math.max(place, 0), 2 * HALF);
  };
  return {
    low: low === null || low <= 0 ? 0 : at(low),
    high: high === null ? 2 * HALF : at(high),
    effect: effect === null || effect <= 0 ? null : at(effect),
    openLow: low === null || low < 1 / reach,
    openHigh: high === null || high > reach,
  };
}

const REACHES = [1.1, 1.25, 1.5, 2, 4, 10, 32, 100];

/** A reach that holds all of these effects, as far as their intervals end. */
export function reachOf(all: readonly Effect[]): number {
  const sizes = all.flatMap(({ effect, low, high }) =>
    [effect, low, high].filter((one): one is number => one !== null && one > 0),
  );
  const most = Math.max(1.1, ...sizes.map((one) => Math.max(one, 1 / one)));
  return REACHES.find((reach) => reach >= most) ?? 100;
}
