// Where the ticks of axes stand and what they say.

import { digitsFor, formatValue, type Unit } from '../design/format';

const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;

/** Distances between time ticks that clocks and calendars have: 1, 5, 10, 15, 30 of seconds and minutes. */
export const TIME_INCREMENTS_S: number[] = [
  ...[0.001, 0.005, 0.01, 0.05, 0.1, 0.5],
  ...[1, 5, 10, 15, 30],
  ...[1, 5, 10, 15, 30].map((count) => count * MINUTE_S),
  ...[1, 3, 6, 12].map((count) => count * HOUR_S),
  ...[1, 2, 7, 14, 30, 90, 180, 365, 730, 1825, 3650].map((count) => count * DAY_S),
];

const IEC_UNITS: readonly Unit[] = ['bytes', 'bytes-per-second'];

/** Round distances between value ticks, as far as doubles go: powers of two for bytes, 1-2-5 for anything else. */
export function increments(unit: Unit): number[] {
  const steps: number[] = [];
  if (IEC_UNITS.includes(unit)) {
    for (let power = 0; power < 1024; power += 1) steps.push(2 ** power);
    return steps;
  }
  for (let power = -12; power <= 308; power += 1)
    for (const factor of [1, 2, 2.5, 5]) steps.push(Number(`${factor}e${power}`));
  return steps.filter(Number.isFinite);
}

/** Labels of value ticks, with the digits that tell neighbours `step` apart. */
export function valueLabels(splits: readonly number[], unit: Unit, step: number): string[] {
  const largest = Math.max(...splits.map(Math.abs));
  const digits = digitsFor(step, largest);
  // Long times are written in whole seconds or more, which is too coarse when they differ by less.
  if (unit === 'seconds' && step < 1 && largest >= 120)
    return splits.map((value) => `${Number(value.toPrecision(digits))} s`);
  return splits.map((value) => formatValue(value, unit, digits));
}

/** Ticks of a logarithmic axis: the powers of ten from `min` to `max`, at most `most` of them. */
export function powerTicks(min: number, max: number, most: number): number[] {
  const [from, to] = [Math.ceil(Math.log10(min) - 1e-9), Math.floor(Math.log10(max) + 1e-9)];
  const every = Math.max(1, Math.ceil((to - from + 1) / Math.max(1, most)));
  const ticks: number[] = [];
  for (let power = from; power <= to; power += every) ticks.push(Number(`1e${power}`));
  return ticks;
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function partsOf(seconds: number, utc: boolean): { day: string; clock: string; second: number; ms: number } {
  const at = new Date(Math.round(seconds * 1000));
  const ms = at.getUTCMilliseconds();
  return utc
    ? {
        day: `${MONTHS[at.getUTCMonth()] ?? ''} ${at.getUTCDate()}`,
        clock: `${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`,
        second: at.getUTCSeconds(),
        ms,
      }
    : {
        day: `${MONTHS[at.getMonth()] ?? ''} ${at.getDate()}`,
        clock: `${two(at.getHours())}:${two(at.getMinutes())}`,
        second: at.getSeconds(),
        ms,
      };
}

/** Labels of ticks at `splits`, `step` seconds apart: a clock, and the day where it changes. */
export function timeLabels(splits: readonly number[], step: number, utc: boolean): string[] {
  let lastDay = '';
  return splits.map((seconds) => {
    const { day, clock, second, ms } = partsOf(seconds, utc);
    const newDay = lastDay !== '' && day !== lastDay;
    lastDay = day;
    if (step >= DAY_S || newDay || (clock === '00:00' && second === 0 && ms === 0)) return day;
    if (step < 1) return `${two(second)}.${String(ms).padStart(3, '0')}`;
    return step < MINUTE_S ? `${clock}:${two(second)}` : clock;
  });
}

/** At most `most` ticks between two instants in seconds, where clocks have them; days begin where the reader's do. */
export function timeTicks(
  from: number,
  to: number,
  most: number,
  utc: boolean,
): { seconds: number; label: string }[] {
  if (!(to > from)) return [];
  const step = TIME_INCREMENTS_S.find((one) => (to - from) / one <= most) ?? to - from;
  const offset = utc ? 0 : -new Date(from * 1000).getTimezoneOffset() * MINUTE_S;
  const splits: number[] = [];
  for (let at = Math.ceil((from + offset) / step) * step; at <= to + offset; at += step)
    splits.push(at - offset);
  const labels = timeLabels(splits, step, utc);
  return splits.map((seconds, i) => ({ seconds, label: labels[i] ?? '' }));
}
