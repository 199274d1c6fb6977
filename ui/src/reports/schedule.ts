// When a report is sent, in words. Pure.

import type { Report } from '../api/reports';

export const DAYS = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;

export const EVERY = [
  { value: 'day', label: 'every day' },
  { value: 'week', label: 'every week' },
  { value: 'month', label: 'on the first of every month' },
] as const;

/** What a report shows, of the lengths that are offered. */
export const SHOWS = [
  { value: 'now-24h', label: 'the last 24 hours' },
  { value: 'now-7d', label: 'the last 7 days' },
  { value: 'now-30d', label: 'the last 30 days' },
] as const;

export const THEMES = [
  { value: 'light', label: 'light, as on paper' },
  { value: 'dark', label: 'dark' },
] as const;

/** What can be shown, with what `report` shows by now where that is something else. */
export function showsOf(
  report: Pick<Report, 'start' | 'end'> | null,
): readonly { value: string; label: string }[] {
  if (report === null || SHOWS.some(({ value }) => value === report.start)) return SHOWS;
  return [...SHOWS, { value: report.start, label: `${report.start} to ${report.end}` }];
}

/** A time of day such as `08:30` in hours and minutes; null for what is none. */
export function readTime(text: string): { hour: number; minute: number } | null {
  const found = /^([01]?\d|2[0-3]):([0-5]\d)$/u.exec(text.trim());
  return found ? { hour: Number(found[1]), minute: Number(found[2]) } : null;
}

export function writeTime({ hour, minute }: { hour: number; minute: number }): string {
  return `${String(hour).padStart(2, '0')}:${String(minute).padStart(2, '0')}`;
}

/** `every week on Monday at 08:00, Europe/Berlin` */
export function inWords(report: Pick<Report, 'every' | 'weekday' | 'hour' | 'minute' | 'zone'>): string {
  const every = EVERY.find(({ value }) => value === report.every)?.label ?? report.every;
  const day = report.every === 'week' ? ` on ${DAYS[report.weekday] ?? ''}` : '';
  return `${every}${day} at ${writeTime(report)}, ${report.zone}`;
}
