// Bars by place and series: where each begins and ends, stacked or beside each other. No React in here.

import { increments } from '../../chart/ticks';
import type { ScaleLook } from '../series/columns';
import { tellingSteps } from '../series/plot';
import { numeric } from '../frame';
import type { ShownField } from '../overrides';

export interface Bars {
  names: readonly string[];
  /** `each` has every bar its own colour. */
  series: readonly { field: ShownField; color: string; each: boolean }[];
}

export interface Rect {
  series: number;
  place: number;
  /** Its place in the group. */
  lane: number;
  from: number;
  to: number;
  value: number;
}

/** Where each bar begins and ends on the axis, and how far all of them reach. */
export function barsIn(
  bars: Bars,
  stacking: string,
  hidden: ReadonlySet<number>,
): { rects: Rect[]; least: number; most: number } {
  const rects: Rect[] = [];
  let [least, most] = [0, 0];
  bars.names.forEach((_, place) => {
    let [above, below] = [0, 0];
    const shown = bars.series.flatMap(({ field }, series) => {
      const value = hidden.has(series) ? null : numeric(field.values[place] ?? null);
      return value === null || !Number.isFinite(value) ? [] : [{ series, value }];
    });
    const sum = shown.reduce((total, { value }) => total + Math.abs(value), 0);
    const lanes = bars.series.map((__, series) => series).filter((series) => !hidden.has(series));
    for (const { series, value } of shown) {
      const size = stacking === 'percent' ? (sum === 0 ? 0 : value / sum) : value;
      const from = stacking === 'none' ? 0 : size < 0 ? below : above;
      const to = from + size;
      if (size < 0) below = to;
      else above = to;
      least = Math.min(least, to);
      most = Math.max(most, to);
      rects.push({ series, place, lane: lanes.indexOf(series), from, to, value });
    }
  });
  return { rects, least, most };
}

const STEPS = increments('none');

/** Round values from `low` to `high`, at most `most` of them, whose texts on `scale` differ. */
export function ticksOf(low: number, high: number, most: number, scale: ScaleLook): number[] {
  const steps = tellingSteps(STEPS, scale, low, high, Math.max(1, most));
  const step = steps.find((one) => (high - low) / one <= Math.max(1, most)) ?? high - low;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high * (1 + 1e-9) && ticks.length < 50; i += 1)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}
