// A number as its unit has it written. What stands before and behind it is apart, for figures are drawn larger.

import { formatInstant } from '../../design/format';
import { writingOf, type Writing } from './table';

export interface Written {
  /** `$` and the like. */
  before: string;
  figure: string;
  /** The unit, with the space that belongs before it. */
  after: string;
}

/** What a moment is compared with, and whose clock it is shown on. */
export interface Clock {
  nowMs: number;
  utc: boolean;
}

const SI = ['f', 'p', 'n', 'µ', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E', 'Z', 'Y'] as const;
const SI_NONE = 5;
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei', 'Zi', 'Yi'] as const;
const SHORT = ['', 'K', 'Mil', 'Bil', 'Tri', 'Quadr', 'Quint', 'Sext', 'Sept'] as const;
const DIGITS = 3;
const MOST_DECIMALS = 15;
const GROUPED_FROM = 10_000;

const group = (decimals: number): Intl.NumberFormat =>
  new Intl.NumberFormat('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

const FORMATS = new Map<number, Intl.NumberFormat>();

function grouped(value: number, decimals: number): string {
  let format = FORMATS.get(decimals);
  if (!format) {
    format = group(decimals);
    FORMATS.set(decimals, format);
  }
  return format.format(value);
}

/** How many decimals show `digits` significant digits of `value`, and none of a whole number. */
function decimalsOf(value: number, digits: number): number {
  if (value === 0 || Number.isInteger(value)) return 0;
  return Math.min(MOST_DECIMALS, Math.max(0, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
}

/** `value` with `decimals` of them, or as many as say something. */
export function figureOf(value: number, decimals?: number, digits = DIGITS): string {
  const size = Math.abs(value);
  if (size >= 1e21) return value.toExponential(2);
  const count = Math.max(0, Math.min(MOST_DECIMALS, Math.round(decimals ?? decimalsOf(value, digits))));
  // What rounds to nothing is nothing, and not its negative.
  const zero = Number(value.toFixed(count)) === 0 ? 0 : value;
  if (decimals !== undefined) return size >= GROUPED_FROM ? grouped(zero, count) : zero.toFixed(count);
  // What is not nothing does not look like it, however small.
  if (size > 0 && size < 1e-9) return value.toExponential(1);
  const text = size >= GROUPED_FROM ? grouped(zero, count) : zero.toFixed(count);
  return text.includes('.') ? text.replace(/\.?0+$/u, '') : text;
}

interface Options {
  decimals: number | undefined;
  digits: number;
  clock: Clock;
}

/** `value` divided by `base` until it is short; how often that was, at most `most` times. */
function scaled(
  value: number,
  base: number,
  least: number,
  most: number,
  { decimals, digits }: Options,
): [number, number] {
  let power = 0;
  let rest = value;
  const shown = (one: number): number => Math.abs(Number(one.toFixed(decimals ?? decimalsOf(one, digits))));
  while (power < most && shown(rest) >= base) {
    rest /= base;
    power += 1;
  }
  // Upwards once is never back down: what rounds up to 1,000 is 1 of the next.
  while (power <= 0 && power > least && rest !== 0 && Math.abs(rest) < 1) {
    rest *= base;
    power -= 1;
  }
  return [rest, power];
}

function written(figure: string, after: string, before = ''): Written {
  return { before, figure, after: after === '' ? '' : ` ${after}` };
}

function bySi(value: number, after: string, from: number, options: Options): Written {
  // A count of things is never thousandths of them.
  const least = after === '' ? 0 : -SI_NONE - from;
  const [rest, power] = scaled(value, 1_000, least, SI.length - 1 - SI_NONE - from, options);
  return written(
    figureOf(rest, options.decimals, options.digits),
    `${SI[SI_NONE + from + power] ?? ''}${after}`,
  );
}

function byBinary(value: number, after: string, from: number, options: Options): Written {
  const [rest, power] = scaled(value, 1_024, -from, BINARY.length - 1 - from, options);
  return written(figureOf(rest, options.decimals, options.digits), `${BINARY[from + power] ?? ''}${after}`);
}

function byShort(value: number, after: string, options: Options): Written {
  const [rest, power] = scaled(value, 1_000, 0, SHORT.length - 1, options);
  const words = [SHORT[power] ?? '', after].filter((word) => word !== '');
  return written(figureOf(rest, options.decimals, options.digits), words.join(' '));
}

const LENGTHS: readonly (readonly [number, string])[] = [
  [31_536_000, 'years'],
  [604_800, 'weeks'],
  [86_400, 'days'],
  [3_600, 'hours'],
  [60, 'min'],
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
  [1e-9, 'ns'],
];

const ONE: Readonly<Record<string, string>> = { years: 'year', weeks: 'week', days: 'day', hours: 'hour' };

function byTime(value: number, seconds: number, options: Options): Written {
  const size = Math.abs(value) * seconds;
  if (size === 0) {
    const [, name = 's'] = LENGTHS.find(([length]) => length === seconds) ?? [];
    return written(figureOf(0, options.decimals), name);
  }
  // The least bit below a border counts as on it: 0.06 s are 60 ms of 1e-3 each, and not 59.99.
  const [length, name] = LENGTHS.find(([one]) => size >= one * (1 - 1e-9)) ?? [1e-9, 'ns'];
  const figure = figureOf((value * seconds) / length, options.decimals, options.digits);
  return written(figure, figure === '1' ? (ONE[name] ?? name) : name);
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function byDuration(value: number, writing: Extract<Writing, { kind: 'duration' }>): string {
  const sign = value < 0 ? '-' : '';
  const ms = Math.round(Math.abs(value) * writing.seconds * 1000);
  const total = Math.floor(ms / 1000);
  const [days, hours, minutes, seconds] = [
    Math.floor(total / 86_400),
    Math.floor((total % 86_400) / 3_600),
    Math.floor((total % 3_600) / 60),
    total % 60,
  ];
  if (writing.style === 'hours') return `${sign}${two(days * 24 + hours)}:${two(minutes)}:${two(seconds)}`;
  if (writing.style === 'days') return `${sign}${days} d ${two(hours)}:${two(minutes)}:${two(seconds)}`;
  if (writing.style === 'clock') {
    const rest = ms % 1000 === 0 ? '' : `:${String(ms % 1000).padStart(3, '0')}ms`;
    if (total < 1) return `${sign}${ms}ms`;
    if (total < 60) return `${sign}${two(seconds)}s${rest}`;
    if (total < 3_600) return `${sign}${two(minutes)}m:${two(seconds)}s${rest}`;
    return `${sign}${two(days * 24 + hours)}h:${two(minutes)}m:${two(seconds)}s${rest}`;
  }
  if (total === 0) return ms === 0 ? '0 s' : `${sign}${ms} ms`;
  const years = Math.floor(days / 365);
  const parts: [number, string][] = [
    [years, 'year'],
    [days % 365, 'day'],
    [hours, 'hour'],
    [minutes, 'minute'],
    [seconds, 'second'],
  ];
  const told = parts.filter(([count]) => count > 0).slice(0, 2);
  return sign + told.map(([count, name]) => `${count} ${name}${count === 1 ? '' : 's'}`).join(', ');
}

function fromNow(ms: number, nowMs: number): string {
  const seconds = Math.abs(ms - nowMs) / 1000;
  const said = byTime(Math.round(seconds), 1, { decimals: 0, digits: DIGITS, clock: { nowMs, utc: true } });
  if (seconds < 1) return 'now';
  return ms < nowMs ? `${said.figure}${said.after} ago` : `in ${said.figure}${said.after}`;
}

function sameDay(ms: number, { nowMs, utc }: Clock): boolean {
  return formatInstant(ms, utc).slice(0, 10) === formatInstant(nowMs, utc).slice(0, 10);
}

function byDate(ms: number, writing: Extract<Writing, { kind: 'date' }>, clock: Clock): string {
  if (writing.style === 'from-now') return fromNow(ms, clock.nowMs);
  const whole = formatInstant(Math.floor(ms / 1000) * 1000, clock.utc);
  if (Number.isNaN(new Date(ms).getTime())) return whole;
  const today = writing.shortToday === true && sameDay(ms, clock);
  if (writing.style === 'us') {
    const zone = clock.utc ? { timeZone: 'UTC' } : {};
    return today
      ? new Date(ms).toLocaleTimeString('en-US', zone)
      : new Date(ms).toLocaleString('en-US', zone).replace(',', '');
  }
  return today ? whole.slice(11) : whole;
}

function byMoney(value: number, writing: Extract<Writing, { kind: 'money' }>, options: Options): Written {
  const [rest, power] = scaled(value, 1_000, 0, 4, options);
  const size = ['', 'K', 'M', 'B', 'T'][power] ?? '';
  const figure = `${figureOf(Math.abs(rest), options.decimals, options.digits)}${size}`;
  const sign = rest < 0 ? '-' : '';
  if (writing.behind) return written(`${sign}${figure}`, writing.sign);
  return { before: `${sign}${writing.sign}`, figure, after: '' };
}

function finite(value: number, writing: Writing, options: Options): Written {
  switch (writing.kind) {
    case 'plain': {
      const figure = figureOf(value, options.decimals, options.digits);
      return {
        before: '',
        figure,
        after: writing.after === '' ? '' : `${writing.tight ? '' : ' '}${writing.after}`,
      };
    }
    case 'share':
      return { before: '', figure: figureOf(value * 100, options.decimals, options.digits), after: '%' };
    case 'si':
      return bySi(value, writing.after, writing.from ?? 0, options);
    case 'binary':
      return byBinary(value, writing.after, writing.from ?? 0, options);
    case 'short':
      return byShort(value, writing.after, options);
    case 'money':
      return byMoney(value, writing, options);
    case 'time':
      return byTime(value, writing.seconds, options);
    case 'duration':
      return written(byDuration(value, writing), '');
    case 'date':
      return written(byDate(value, writing, options.clock), '');
    case 'hex':
      return written(
        `${value < 0 ? '-' : ''}${writing.prefix}${Math.abs(value).toString(16).toUpperCase()}`,
        '',
      );
    case 'scientific':
      return written(value.toExponential(options.decimals ?? 2), '');
    case 'grouped':
      return written(grouped(value, options.decimals ?? decimalsOf(value, options.digits)), '');
    case 'text':
      return written(String(value), '');
    case 'boolean':
      return written(value === 0 ? writing.no : writing.yes, '');
  }
}

const UTC: Clock = { nowMs: 0, utc: true };

/**
 * `value` as unit `id` has it written. With `decimals` it has so many of them; otherwise `digits` significant digits
 * without zeros at the end.
 */
export function writeIn(value: number, id: string, decimals?: number, clock = UTC, digits = DIGITS): Written {
  if (Number.isNaN(value)) return written('NaN', '');
  if (!Number.isFinite(value)) return written(value > 0 ? '+Inf' : '-Inf', '');
  return finite(value, writingOf(id), { decimals, digits, clock });
}

/** `writeIn` as one text. */
export function textIn(value: number, id: string, decimals?: number, clock = UTC, digits = DIGITS): string {
  const { before, figure, after } = writeIn(value, id, decimals, clock, digits);
  return before + figure + after;
}

/** Whether values of unit `id` are best counted in powers of two. */
export function isBinary(id: string): boolean {
  return writingOf(id).kind === 'binary';
}
