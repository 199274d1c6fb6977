// Shifts as bars on a line of time.

import type { Shift, Span } from '../api/oncall';

export interface Bar {
  /** Percent of the line. */
  left: number;
  width: number;
  people: readonly string[];
  source: string;
  fromMs: number;
  toMs: number;
  /** Somebody else stands in here. */
  isInstead: boolean;
}

/** Where shifts lie between two times, those outside left out. */
export function barsOf(shifts: readonly Shift[], fromMs: number, toMs: number): Bar[] {
  const whole = toMs - fromMs;
  return shifts.flatMap((shift) => {
    const start = Math.max(fromMs, Date.parse(shift.start));
    const end = Math.min(toMs, Date.parse(shift.end));
    if (!(end > start)) return [];
    return [
      {
        left: ((start - fromMs) / whole) * 100,
        width: ((end - start) / whole) * 100,
        people: shift.people,
        source: shift.source,
        fromMs: start,
        toMs: end,
        isInstead: shift.instead_of.length > 0,
      },
    ];
  });
}

/** The same for times without anybody. */
export function gapsOf(gaps: readonly Span[], fromMs: number, toMs: number): Bar[] {
  return barsOf(
    gaps.map((gap) => ({ ...gap, people: [], source: 'gap', instead_of: [] })),
    fromMs,
    toMs,
  );
}

/** The starts of days between two times, on the wall clock of the browser or in UTC. */
export function daysBetween(fromMs: number, toMs: number, utc: boolean): number[] {
  const days: number[] = [];
  const at = new Date(fromMs);
  if (utc) at.setUTCHours(0, 0, 0, 0);
  else at.setHours(0, 0, 0, 0);
  while (at.getTime() <= toMs) {
    if (at.getTime() >= fromMs) days.push(at.getTime());
    if (utc) at.setUTCDate(at.getUTCDate() + 1);
    else at.setDate(at.getDate() + 1);
  }
  return days;
}

/** A colour's number for each person, the same whoever else there is. */
export function hueOf(name: string): number {
  let found = 0;
  for (const sign of name) found = (found * 31 + (sign.codePointAt(0) ?? 0)) % 4096;
  return found % 12;
}

/** The document of a schedule of one layer, whose people take turns. */
export function simpleSchedule(wanted: {
  people: readonly string[];
  unit: 'day' | 'week';
  starts: string;
  zone: string;
}): Record<string, never> | Record<string, unknown> {
  return {
    time_zone: wanted.zone,
    layers: [{ name: 'rotation', people: [...wanted.people], unit: wanted.unit, starts: wanted.starts }],
  };
}

/** Names in a text, one a line or between commas. */
export function namesIn(text: string): string[] {
  return [...new Set(text.split(/[\n,]/u).map((name) => name.trim()))].filter((name) => name !== '');
}

/** The next Monday at nine, as a wall clock says it. */
export function nextMonday(nowMs: number): string {
  const at = new Date(nowMs);
  at.setDate(at.getDate() - ((at.getDay() + 6) % 7));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T09:00:00`;
}
