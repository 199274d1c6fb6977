// How numbers, durations and instants are written, everywhere the same.

export type Unit =
  | 'none'
  | 'count'
  | 'per-second'
  | 'bytes'
  | 'bytes-per-second'
  | 'seconds'
  | 'ratio'
  | 'percent'
  | 'celsius'
  | 'cores'
  | 'timestamp';

const SI = ['', 'k', 'M', 'G', 'T', 'P', 'E'] as const;
const IEC = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'] as const;

/** `digits` significant digits without trailing zeros; large whole parts keep all their digits. */
function significant(value: number, digits: number): string {
  const magnitude = Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(12, Math.max(0, digits - 1 - magnitude));
  const text = value.toFixed(decimals);
  return decimals > 0 ? text.replace(/\.?0+$/, '') : text;
}

function scaled(value: number, base: number, names: readonly string[], digits: number): [string, string] {
  let power = 0;
  let rest = value;
  while (Math.abs(rest) >= base && power < names.length - 1) {
    rest /= base;
    power += 1;
  }
  // 999.96 rounds up to 1000 of this size, which is 1 of the next.
  if (Math.abs(Number(significant(rest, digits))) >= base && power < names.length - 1) {
    rest /= base;
    power += 1;
  }
  return [significant(rest, digits), names[power] ?? ''];
}

/** Special values by Prometheus' own names; null for ordinary ones. */
function special(value: number): string | null {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  return value === 0 ? '0' : null;
}

function plain(value: number, digits: number): string {
  const size = Math.abs(value);
  if (size >= 1e21 || size < 1e-6) return value.toExponential(digits - 1).replace(/\.?0+e/, 'e');
  // Many digits are asked for to tell neighbours apart, and those should not end in different letters.
  if (size >= 10_000 && size < 1e15 && digits > 7)
    return value.toLocaleString('en-US', {
      maximumFractionDigits: Math.max(0, digits - 1 - Math.floor(Math.log10(size))),
    });
  if (size >= 10_000) return scaled(value, 1000, SI, digits).join('');
  return significant(
    value,
    size >= 1000 ? Math.max(4, digits) : size < 0.1 && digits < 5 ? Math.min(3, digits) : digits,
  );
}

/** A length of time given in seconds: `350 µs`, `1.2 s`, `3m 20s`, `5d 2h`. */
export function formatSeconds(value: number, digits = 3): string {
  const odd = special(value);
  if (odd !== null) return odd === '0' ? '0 s' : odd;
  const size = Math.abs(value);
  if (size < 1e-6) return `${significant(value * 1e9, digits)} ns`;
  if (size < 1e-3) return `${significant(value * 1e6, digits)} µs`;
  if (size < 1) return `${significant(value * 1e3, digits)} ms`;
  if (size < 120) return `${significant(value, digits)} s`;
  const sign = value < 0 ? '-' : '';
  const whole = Math.round(size);
  if (whole < 7200) return `${sign}${pair(Math.floor(whole / 60), 'm', whole % 60, 's')}`;
  const minutes = Math.round(size / 60);
  if (minutes < 2880) return `${sign}${pair(Math.floor(minutes / 60), 'h', minutes % 60, 'm')}`;
  const hours = Math.round(size / 3600);
  return `${sign}${pair(Math.floor(hours / 24), 'd', hours % 24, 'h')}`;
}

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large}${largeUnit}` : `${large}${largeUnit} ${small}${smallUnit}`;
}

/** `value` in `unit`, short enough for a legend or an axis. */
export function formatValue(value: number, unit: Unit, digits = 3): string {
  if (unit === 'seconds') return formatSeconds(value, digits);
  if (unit === 'timestamp')
    return Number.isFinite(value) ? formatInstant(value * 1000, true) : (special(value) ?? '');
  const odd = special(value);
  if (odd !== null && odd !== '0') return odd;
  switch (unit) {
    case 'bytes':
      return odd === '0' ? '0 B' : scaled(value, 1024, IEC, digits).join(' ');
    case 'bytes-per-second':
      return odd === '0' ? '0 B/s' : `${scaled(value, 1024, IEC, digits).join(' ')}/s`;
    case 'ratio':
      return odd === '0' ? '0 %' : `${plain(value * 100, digits)} %`;
    case 'percent':
      return odd === '0' ? '0 %' : `${plain(value, digits)} %`;
    case 'per-second':
      return odd === '0' ? '0/s' : `${plain(value, digits)}/s`;
    case 'celsius':
      return odd === '0' ? '0 °C' : `${plain(value, digits)} °C`;
    case 'cores':
      return odd === '0' ? '0 cores' : `${plain(value, digits)} cores`;
    case 'count':
    case 'none':
      return odd ?? plain(value, digits);
  }
}

/**
 * Significant digits that tell values of the size `largest` apart when they lie `step` apart; from `least` up to all
 * that a double has. A step of 0 asks for nothing.
 */
export function digitsFor(step: number, largest: number, least = 4): number {
  const ratio = largest / step;
  if (!(step > 0) || !Number.isFinite(ratio) || ratio <= 0) return least;
  return Math.min(15, Math.max(least, Math.ceil(Math.log10(ratio)) + 2));
}

const GROUPED = new Intl.NumberFormat('en-US');

/** A whole number with thousands set apart: `12,345`. */
export function formatCount(value: number): string {
  return Number.isFinite(value) ? GROUPED.format(Math.round(value)) : (special(value) ?? '');
}

/** A number of things: `1 span`, `1,204 spans`. */
export function formatThings(count: number, thing: string): string {
  return `${formatCount(count)} ${thing}${count === 1 ? '' : 's'}`;
}

function two(value: number): string {
  return String(value).padStart(2, '0');
}

function three(value: number): string {
  return String(value).padStart(3, '0');
}

/** Date and time of `ms` since the epoch; milliseconds only where there are some. */
export function formatInstant(ms: number, utc: boolean): string {
  const at = new Date(ms);
  if (Number.isNaN(at.getTime())) return 'out of range';
  const day = utc
    ? `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(at.getUTCDate())}`
    : `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${formatClock(ms, utc)}`;
}

/** Time of day of `ms` since the epoch. */
export function formatClock(ms: number, utc: boolean): string {
  const at = new Date(ms);
  const [h, m, s] = utc
    ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    : [at.getHours(), at.getMinutes(), at.getSeconds()];
  const fraction = at.getUTCMilliseconds();
  return `${two(h)}:${two(m)}:${two(s)}${fraction === 0 ? '' : `.${three(fraction)}`}`;
}

/** How long ago `thenMs` was, coarse: `now`, `12 s ago`, `3m ago`. */
export function formatAgo(thenMs: number, nowMs: number): string {
  const seconds = Math.round((nowMs - thenMs) / 1000);
  if (!Number.isFinite(seconds)) return 'never';
  if (seconds < 1) return 'now';
  if (seconds < 120) return `${seconds} s ago`;
  if (seconds < 7200) return `${Math.round(seconds / 60)}m ago`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)}h ago`;
  return `${Math.round(seconds / 86_400)}d ago`;
}

const RATE = /\b(?:rate|irate|deriv)\s*\(/;
const COUNTING = /\b(?:count|count_values|group|changes|resets)\s*(?:by|without)?\s*(?:\([^()]*\))?\s*\(/;

/** Seconds of something per second: of CPU they are cores, of anything else only a number. */
type Guess = Unit | 'seconds-per-second';

/**
 * The unit a PromQL expression most likely has, from its metric names' suffixes and functions.
 *
 * Division makes a ratio of equal units and is otherwise unknown; the guess only labels axes, and the reader can
 * choose another unit. Of native histograms (`histograms`) the count is drawn.
 */
export function guessUnit(expr: string, histograms = false): Unit {
  const bare = expr.replace(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""').replace(/#.*$/gm, '');
  if (histograms) return counted(RATE.test(bare));
  if (COUNTING.test(bare)) return 'count';
  if (/\b(?:timestamp|time)\s*\(/.test(bare)) return /time\(\)\s*-/.test(bare) ? 'seconds' : 'none';
  const guess = guessQuotient(bare.replace(/\[[^\]]*\]/g, '').split('/'));
  return guess === 'seconds-per-second' ? 'none' : guess;
}

function guessQuotient(parts: readonly string[]): Guess {
  if (parts.length > 2) return 'none';
  const units = parts.map(unitOfPart);
  const [over, under] = units;
  if (over === undefined) return 'none';
  if (under === undefined) return over;
  if (over === under && over !== 'none') return 'ratio';
  if (/_sum\b/.test(parts[0] ?? '') && /_count\b/.test(parts[1] ?? '')) return baseOf(over);
  return under === 'none' ? over : 'none';
}

function baseOf(guess: Guess): Guess {
  if (guess === 'bytes-per-second') return 'bytes';
  return guess === 'cores' || guess === 'seconds-per-second' ? 'seconds' : guess;
}

function counted(rate: boolean): Unit {
  return rate ? 'per-second' : 'count';
}

function unitOfPart(part: string): Guess {
  const rate = RATE.test(part);
  if (/histogram_(?:quantile|avg|stddev)\s*\(/.test(part)) {
    if (/_seconds/.test(part)) return 'seconds';
    return /_bytes/.test(part) ? 'bytes' : 'none';
  }
  // A bucket counts observations, whatever was observed.
  if (/_bucket\b|\bhistogram_count\s*\(/.test(part)) return counted(rate);
  if (/_bytes(?:_total|_sum)?\b/.test(part)) return rate ? 'bytes-per-second' : 'bytes';
  if (/_timestamp_seconds|_boot_time_seconds|_start_time_seconds/.test(part))
    return /-/.test(part) ? 'seconds' : 'timestamp';
  if (/_seconds(?:_total|_sum)?\b/.test(part)) return secondsOf(part, rate);
  if (/_ratio\b/.test(part)) return 'ratio';
  if (/_percent\b/.test(part)) return 'percent';
  if (/_celsius\b/.test(part)) return 'celsius';
  if (rate) return 'per-second';
  return /(?:_total|_count)\b/.test(part) ? 'count' : 'none';
}

function secondsOf(part: string, rate: boolean): Guess {
  if (!rate) return 'seconds';
  return /cpu\w*_seconds_total\b/.test(part) ? 'cores' : 'seconds-per-second';
}

/** The units a reader may choose from, with their names. */
export const UNIT_NAMES: readonly (readonly [Unit, string])[] = [
  ['none', 'plain number'],
  ['count', 'count'],
  ['per-second', 'per second'],
  ['bytes', 'bytes'],
  ['bytes-per-second', 'bytes per second'],
  ['seconds', 'seconds'],
  ['cores', 'CPU cores'],
  ['ratio', 'ratio (0-1 as %)'],
  ['percent', 'percent'],
  ['celsius', 'degrees Celsius'],
  ['timestamp', 'timestamp'],
];
