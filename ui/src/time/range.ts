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

function startOfDay(ms: number, utc: boolean): number {
  const at = new Date(ms);
  return utc
    ? Date.UTC(at.getUTCFullYear(), at.getUTCMonth(), at.getUTCDate())
    : new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();
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
 * Milliseconds since the epoch of `now`, `now-1h30m`, `now/d`, `14:30` (today), an ISO date or date-time, or an epoch
 * in seconds or milliseconds; null when the text is none of these. A calendar time without a zone is in UTC or local time by `utc`.
 */
export function parseTime(text: string, nowMs: number, utc: boolean): number | null {
  const trimmed = text.trim();
  const relative = /^now(?:\s*([+-])\s*([0-9.a-z]+))?(\/d)?$/.exec(trimmed);
  if (relative) {
    const [, sign, amount, day] = relative;
    const offset = amount === undefined ? 0 : parseDuration(amount);
    if (offset === null) return null;
    const at = sign === '-' ? nowMs - offset : nowMs + offset;
    return day === undefined ? at : startOfDay(at, utc);
  }
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
  if (name === 'yesterday') return { from: 'now-1d/d', to: 'now/d' };
  const length = name.replace(/^last\s+/, '').replaceAll(/\s+/g, '');
  const lengthMs = parseDuration(length);
  if (lengthMs === null || lengthMs === 0) return { from, to };
  if (to === 'now') return { from: `now-${length}`, to };
  const toMs = parseTime(to, nowMs, utc);
  return toMs === null ? { from, to } : absolute(toMs - lengthMs, toMs);
}

/** Both ends of `range` at `nowMs`, or what is wrong with it in words. */
export function resolveRange(range: TimeRange, nowMs: number, utc: boolean): Span | string {
  const fromMs = parseTime(range.from, nowMs, utc);
  const toMs = parseTime(range.to, nowMs, utc);
  if (fromMs === null) return `“${range.from}” is not a time; write 3h, now-1h or 2026-11-21 14:30`;
  if (toMs === null) return `“${range.to}” is not a time; write now or 2026-11-21 14:30`;
  if (fromMs >= toMs) return 'the start is not before the end';
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

/** A range's name for a button: a quick range's own, else its ends. */
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
  const end = (text: string): string => {
    if (text.startsWith('now')) return text;
    const ms = parseTime(text, 0, utc);
    return ms === null ? text : show(ms, utc);
  };
  return `${end(range.from)} to ${end(range.to)}`;
}
