// The days of a month as a sheet of weeks. Days are numbers of milliseconds in UTC at midnight, whatever the reader's
// zone: a day of a calendar is not an instant.

export const DAY_MS = 86_400_000;

/** The day that `ms` falls on for the reader. */
export function dayOf(ms: number, utc: boolean): number {
  const at = new Date(ms);
  return utc
    ? Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate())
    : Date.UTC(at.getFullYear(), at.getMonth(), at.getDate());
}

/** Six weeks from the Monday before the month of `day`, so that the sheet never changes its height. */
export function monthSheet(day: number): number[][] {
  const at = new Date(day);
  const first = Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), 1);
  const monday = first - ((new Date(first).getUTCDay() + 6) % 7) * DAY_MS;
  return Array.from({ length: 6 }, (_, week) =>
    Array.from({ length: 7 }, (_day, weekday) => monday + (week * 7 + weekday) * DAY_MS),
  );
}

/** The day `months` later; the last of its month where that has no such day. */
export function addMonths(day: number, months: number): number {
  const at = new Date(day);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth() + months];
  const last = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
  return Date.UTC(year, month, Math.min(at.getUTCDate(), last));
}

/** The day that a key leads to from `day`; null for other keys. */
export function dayAfterKey(key: string, day: number): number | null {
  const weekday = (new Date(day).getUTCDay() + 6) % 7;
  switch (key) {
    case 'ArrowLeft':
      return day - DAY_MS;
    case 'ArrowRight':
      return day + DAY_MS;
    case 'ArrowUp':
      return day - 7 * DAY_MS;
    case 'ArrowDown':
      return day + 7 * DAY_MS;
    case 'Home':
      return day - weekday * DAY_MS;
    case 'End':
      return day + (6 - weekday) * DAY_MS;
    case 'PageUp':
      return addMonths(day, -1);
    case 'PageDown':
      return addMonths(day, 1);
    default:
      return null;
  }
}

/** `day` as `2026-11-21`. */
export function writeDay(day: number): string {
  return new Date(day).toISOString().slice(0, 10);
}
