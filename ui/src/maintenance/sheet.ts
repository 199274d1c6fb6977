// Maintenance windows: how each stands, and on which days of the next weeks it is.

import type { MaintenanceWindow, Occurrence } from '../api/holds';
import { holdsWords } from '../design/filter';
import { DAY_MS, dayOf } from '../time/calendar';

export type Standing = 'now' | 'upcoming' | 'past';

const ORDER: readonly Standing[] = ['now', 'upcoming', 'past'];

export function standingOf({ is_open: isOpen, next }: Pick<MaintenanceWindow, 'is_open' | 'next'>): Standing {
  if (isOpen) return 'now';
  return next === null ? 'past' : 'upcoming';
}

/** Those that are now, then by when they are next, then those that are over; only those that hold every word. */
export function sortWindows(all: readonly MaintenanceWindow[], wanted: string): MaintenanceWindow[] {
  const holds = holdsWords(wanted);
  const text = (one: MaintenanceWindow): string =>
    `${one.name} ${one.reason} ${one.matchers.join(' ')} ${one.by}`;
  const when = (one: MaintenanceWindow): number =>
    one.next === null ? -Date.parse(one.ends) : Date.parse(one.next.starts);
  return all
    .filter((one) => holds(text(one)))
    .sort(
      (a, b) =>
        ORDER.indexOf(standingOf(a)) - ORDER.indexOf(standingOf(b)) ||
        when(a) - when(b) ||
        a.name.localeCompare(b.name),
    );
}

/** A window on one day of the sheet. */
export interface Entry {
  name: string;
  occurrence: Occurrence;
  /** It began on a day before. */
  goesOn: boolean;
}

export interface SheetDay {
  /** As in `time/calendar`: midnight in UTC, whatever the zone. */
  day: number;
  /** It is over already: what was then is not told. */
  isGone: boolean;
  isToday: boolean;
  entries: readonly Entry[];
}

/** Whole weeks from the Monday of the present one, and which windows are on each of their days. */
export function sheetOf(
  windows: readonly MaintenanceWindow[],
  nowMs: number,
  weeks: number,
  utc: boolean,
): SheetDay[][] {
  const today = dayOf(nowMs, utc);
  const monday = today - ((new Date(today).getUTCDay() + 6) % 7) * DAY_MS;
  const byDay = new Map<number, Entry[]>();
  const end = monday + weeks * 7 * DAY_MS;
  for (const { name, occurrences } of windows)
    for (const occurrence of occurrences) {
      const first = dayOf(Date.parse(occurrence.starts), utc);
      // What ends at midnight is not of the day that begins then.
      const last = dayOf(Date.parse(occurrence.ends) - 1, utc);
      for (let day = Math.max(first, today); day <= last && day < end; day += DAY_MS) {
        const entries = byDay.get(day) ?? [];
        entries.push({ name, occurrence, goesOn: day > first });
        byDay.set(day, entries);
      }
    }
  for (const entries of byDay.values())
    entries.sort((a, b) => Date.parse(a.occurrence.starts) - Date.parse(b.occurrence.starts));
  return Array.from({ length: weeks }, (_, week) =>
    Array.from({ length: 7 }, (_day, weekday) => {
      const day = monday + (week * 7 + weekday) * DAY_MS;
      return { day, isGone: day < today, isToday: day === today, entries: byDay.get(day) ?? [] };
    }),
  );
}
