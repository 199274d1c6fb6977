// Times as people and URLs write them: `now-1h`, `now/d`, ISO dates, epochs. Everything pure: the present is an
// argument.

import { parseDuration } from './durations';

export { formatDuration, parseDuration } from './durations';

/** A range as written; both ends stay text until a query needs numbers, so that `now` keeps moving. */
export interface TimeRange {
  from: string;
  to: string;
}

export interface Span {
  fromMs: number;
  toMs: number;
}

type Fields = [year: number, month: number, day: number, hour: number, minute: number, second: number];

function fieldsOf(ms: number, utc: boolean): Fields {
  const at = new Date(ms);
  return utc
    ? [
        at.getUTCFullYear(),
        at.getUTCMonth(),
        at.getUTCDate(),
        at.getUTCHours(),
        at.getUTCMinutes(),
        at.getUTCSeconds(),
      ]
    : [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours(), at.getMinutes(), at.getSeconds()];
}

/** The instant of fields; what is beyond a field's end goes on in the next larger one. */
function msOf(fields: Fields, utc: boolean): number {
  return utc ? Date.UTC(...fields) : new Date(...fields).getTime();
}

/** Months of the units that are no fixed length. */
const MONTHS: Readonly<Record<string, number>> = { M: 1, Q: 3, y: 12 };
/** How many fields of a time stay where a unit begins. */
const KEPT: Readonly<Record<string, number>> = { y: 1, Q: 2, M: 2, w: 3, d: 3, h: 4, m: 5, s: 6 };

/** Where the unit begins in which `ms` lies, or with `up` its last millisecond. Weeks begin on Monday. */
function rounded(ms: number, unit: string, up: boolean, utc: boolean): number {
  const kept = KEPT[unit] ?? 6;
  const [year, month, day, ...clock] = fieldsOf(ms, utc);
  const weekday = (new Date(Date.UTC(year, month, day)).getUTCDay() + 6) % 7;
  const next = up ? 1 : 0;
  const begins: Fields = [
    unit === 'y' ? year + next : year,
    kept < 2 ? 0 : unit === 'Q' ? month - (month % 3) + 3 * next : unit === 'M' ? month + next : month,
    kept < 3 ? 1 : unit === 'w' ? day - weekday + 7 * next : unit === 'd' ? day + next : day,
    ...(clock.map((value, place) => (kept < place + 4 ? 0 : kept === place + 4 ? value + next : value)) as [
      number,
      number,
      number,
    ]),
  ];
  return msOf(begins, utc) - next;
}

/** The same day of another month, or its last one where that is shorter. */
function monthsOn(ms: number, count: number, utc: boolean): number {
  const [year, month, day, hour, minute, second] = fieldsOf(ms, utc);
  const days = new Date(Date.UTC(year, month + count + 1, 0)).getUTCDate();
  const rest = ms - msOf([year, month, day, hour, minute, second], utc);
  return msOf([year, month + count, Math.min(day, days), hour, minute, second], utc) + rest;
}

/** What `-1M/M+8h` behind `now` leads to, as Grafana reads it; null for what is none of that. */
function relative(text: string, nowMs: number, up: boolean, utc: boolean): number | null {
  const part = /([+-])((?:\d+(?:\.\d+)?(?:ms|[smhdwyMQ]))+)|\/([smhdwMQy])/y;
  let at = nowMs;
  while (part.lastIndex < text.length) {
    const found = part.exec(text);
    if (!found) return null;
    const [, sign, lengths = '', unit] = found;
    if (unit !== undefined) {
      at = rounded(at, unit, up, utc);
      continue;
    }
    const factor = sign === '-' ? -1 : 1;
    for (const [length, count, of = ''] of lengths.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdwyMQ])/g)) {
      const months = MONTHS[of];
      at =
        months === undefined
          ? at + factor * (parseDuration(length) ?? 0)
          : monthsOn(at, factor * months * Number(count), utc);
    }
  }
  return at;
}

/** The day of `ms` as ISO writes it. */
function dayOf(ms: number, utc: boolean): string {
  const at = new Date(ms);
  const zoneMs = utc ? 0 : at.getTimezoneOffset() * 60_000;
  return new Date(ms - zoneMs).toISOString().slice(0, 10);
}

const CALENDAR =
  /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,3})\d*)?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

function parseCalendar(text: string, utc: boolean): number | null {
  const found = CALENDAR.exec(text);
  if (!found) return null;
  const [, year, month, day, hour = '00', minute = '00', second = '00', fraction = '', zone] = found;
  const iso = `${year}-${month}-${day}T${hour}:${minute}:${second}.${fraction.padEnd(3, '0')}`;
  const ms = Date.parse(iso + (zone ?? (utc ? 'Z' : '')));
  if (Number.isNaN(ms)) return null;
  // Date.parse turns the 30th of February into a day of March; a date that does not exist is an error here.
  const daysInMonth = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  return Number(day) <= daysInMonth ? ms : null;
}

/**
 * Milliseconds since the epoch of `now`, `now-1h30m`, `now-1M/M`, `14:30` (today), an ISO date or date-time, or an epoch
 * in seconds or milliseconds; null when the text is none of these. A calendar time without a zone is in UTC or local time
 * by `utc`. With `isEnd`, as in Grafana, `now/d` is where the day ends.
 */
export function parseTime(text: string, nowMs: number, utc: boolean, isEnd = false): number | null {
  const trimmed = text.trim();
  if (trimmed.startsWith('now')) return relative(trimmed.slice(3).replaceAll(/\s+/g, ''), nowMs, isEnd, utc);
  const hours = /^(\d{1,2}):(\d{2})$/.exec(trimmed);
  if (hours) return parseCalendar(`${dayOf(nowMs, utc)} ${hours[1]?.padStart(2, '0')}:${hours[2]}`, utc);
  if (/^\d{9,11}(?:\.\d+)?$/.test(trimmed)) return Math.round(Number(trimmed) * 1000);
  if (/^\d{12,14}$/.test(trimmed)) return Number(trimmed);
  return parseCalendar(trimmed, utc);
}

/**
 * The range that people mean who write `3h`, `last 90m`, `2h ago`, `today` or `yesterday`: a length alone ends at the
 * other end. What is none of these stays as it is.
 */
export function readRange(written: TimeRange, nowMs: number, utc: boolean): TimeRange {
  const ago = (text: string): string =>
    text
      .trim()
      .replace(/^([0-9.a-z]+)\s+ago$/i, (all, length: string) =>
        parseDuration(length) === null ? all : `now-${length}`,
      );
  const from = ago(written.from);
  const to = ago(written.to);
  const name = from.toLowerCase();
  if (name === 'today') return { from: 'now/d', to: 'now' };
  if (name === 'yesterday') return { from: 'now-1d/d', to: 'now-1d/d' };
  const length = name.replace(/^last\s+/, '').replaceAll(/\s+/g, '');
  const lengthMs = parseDuration(length);
  if (lengthMs === null || lengthMs === 0) return { from, to };
  if (to === 'now') return { from: `now-${length}`, to };
  const toMs = parseTime(to, nowMs, utc, true);
  return toMs === null ? { from, to } : absolute(toMs - lengthMs, toMs);
}

/** Both ends of `range` at `nowMs`, or what is wrong with it in words. */
export function resolveRange(range: TimeRange, nowMs: number, utc: boolean): Span | string {
  const fromMs = parseTime(range.from, nowMs, utc);
  const toMs = parseTime(range.to, nowMs, utc, true);
  if (fromMs === null) return `“${range.from}” is not a time; write 3h, now-1h or 2026-11-21 14:30`;
  if (toMs === null) return `“${range.to}” is not a time; write now or 2026-11-21 14:30`;
  if (fromMs >= toMs) return 'the start is not before the end';
  if (fromMs < 0) return 'the start is before 1970';
  return { fromMs, toMs };
}

/** True when the end moves with the clock, so that a refresh shows something new. */
export function isLive(range: TimeRange): boolean {
  return range.to.trim().startsWith('now');
}

export const QUICK_RANGES: readonly (readonly [string, string])[] = [
  ['now-5m', 'Last 5 minutes'],
  ['now-15m', 'Last 15 minutes'],
  ['now-30m', 'Last 30 minutes'],
  ['now-1h', 'Last hour'],
  ['now-3h', 'Last 3 hours'],
  ['now-6h', 'Last 6 hours'],
  ['now-12h', 'Last 12 hours'],
  ['now-24h', 'Last 24 hours'],
  ['now-2d', 'Last 2 days'],
  ['now-7d', 'Last 7 days'],
  ['now-30d', 'Last 30 days'],
  ['now/d', 'Today so far'],
];

const NICE_STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
  604_800,
];

/** The smallest round step in seconds that gives `spanMs` at most `points` points, and is at least `leastS`. */
export function chooseStep(spanMs: number, points: number, leastS = 1): number {
  const exact = Math.max(leastS, spanMs / 1000 / Math.max(1, points));
  return NICE_STEPS_S.find((step) => step >= exact) ?? Math.ceil(exact / 86_400) * 86_400;
}

/** `span` on a grid of whole steps, so that a refresh a moment later asks for the same instants. */
export function alignGrid(span: Span, stepS: number): { start: number; end: number; step: number } {
  const end = Math.floor(span.toMs / 1000 / stepS) * stepS;
  const start = Math.ceil(span.fromMs / 1000 / stepS) * stepS;
  return { start: Math.min(start, end), end, step: stepS };
}

/** The range twice as wide around the same middle, as absolute text, never ending after the present. */
export function widen(span: Span, nowMs: number): TimeRange {
  const width = span.toMs - span.fromMs;
  const to = Math.min(nowMs, span.toMs + width / 2);
  return absolute(to - width * 2, to);
}

/** The range moved by half its width, earlier (-1) or later (1). */
export function shift(span: Span, direction: -1 | 1): TimeRange {
  const by = ((span.toMs - span.fromMs) / 2) * direction;
  return absolute(span.fromMs + by, span.toMs + by);
}

/** Two instants as a URL writes them: whole seconds in UTC. */
export function absolute(fromMs: number, toMs: number): TimeRange {
  const text = (ms: number): string =>
    `${new Date(Math.round(ms / 1000) * 1000).toISOString().slice(0, 19)}Z`;
  const from = Math.round(fromMs / 1000) * 1000;
  return { from: text(from), to: text(Math.max(toMs, from + 1000)) };
}

/** Whole days, weeks, months and years, by the two ends that they have in common. */
const CALENDAR_RANGES: ReadonlyMap<string, string> = new Map([
  ['now/d', 'Today'],
  ['now-1d/d', 'Yesterday'],
  ['now/w', 'This week'],
  ['now-1w/w', 'Previous week'],
  ['now/M', 'This month'],
  ['now-1M/M', 'Previous month'],
  ['now/y', 'This year'],
  ['now-1y/y', 'Previous year'],
]);

/** A range's name for a button: a quick range's own, that of a whole day or month, else its ends. */
export function describeRange(
  range: TimeRange,
  utc: boolean,
  show: (ms: number, utc: boolean) => string,
): string {
  if (range.to === 'now') {
    const quick = QUICK_RANGES.find(([from]) => from === range.from);
    if (quick) return quick[1];
    if (range.from.startsWith('now-')) return `Last ${range.from.slice(4)}`;
  }
  const whole = range.from === range.to ? CALENDAR_RANGES.get(range.from) : undefined;
  if (whole !== undefined) return whole;
  const end = (text: string): string => {
    if (text.startsWith('now')) return text;
    const ms = parseTime(text, 0, utc);
    return ms === null ? text : show(ms, utc);
  };
  return `${end(range.from)} to ${end(range.to)}`;
}
