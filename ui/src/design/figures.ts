// Figures below each other: one size of unit and one number of decimals for all of a column, so that they can be
// compared by eye. The exact value is for the hover.

import { formatValue, type Unit } from './format';

/** How the figures of one column are written. */
export interface Figures {
  /** The unit that stands once, in the column's head; empty for plain numbers, or where every figure has its own. */
  head: string;
  /** A figure of the column; `NaN`, `+Inf` and `-Inf` by those names. */
  write: (value: number) => string;
}

interface Size {
  head: string;
  /** A figure is multiplied with this. */
  factor: number;
}

const SI_SIZES: readonly (readonly [number, string])[] = [
  [1e18, 'E'],
  [1e15, 'P'],
  [1e12, 'T'],
  [1e9, 'G'],
  [1e6, 'M'],
];
const IEC_SIZES: readonly (readonly [number, string])[] = [
  [2 ** 60, 'EiB'],
  [2 ** 50, 'PiB'],
  [2 ** 40, 'TiB'],
  [2 ** 30, 'GiB'],
  [2 ** 20, 'MiB'],
  [2 ** 10, 'KiB'],
];
const TIME_SIZES: readonly (readonly [number, string])[] = [
  [86_400, 'd'],
  [3_600, 'h'],
  [1, 's'],
  [1e-3, 'ms'],
  [1e-6, 'µs'],
];
/** Below this many, seconds stay seconds: `5400 s` needs no thought, `200000 s` does. */
const LONG_S = 7_200;

const AFTER: Readonly<Partial<Record<Unit, string>>> = {
  'per-second': '/s',
  ratio: '%',
  percent: '%',
  celsius: '°C',
  cores: 'cores',
};

function sizeOf(largest: number, unit: Unit): Size {
  const bytes = unit === 'bytes' || unit === 'bytes-per-second';
  if (bytes) {
    const [size, name] = IEC_SIZES.find(([least]) => largest >= least) ?? [1, 'B'];
    return { head: unit === 'bytes' ? name : `${name}/s`, factor: 1 / size };
  }
  if (unit === 'seconds') {
    const fits = TIME_SIZES.find(([least]) => largest >= (least > 1 ? Math.max(least, LONG_S) : least));
    const [size, name] = fits ?? [1e-9, 'ns'];
    return { head: name, factor: 1 / size };
  }
  const after = AFTER[unit] ?? '';
  const share = unit === 'ratio' ? 100 : 1;
  const [size, name] = SI_SIZES.find(([least]) => largest * share >= least * 10) ?? [1, ''];
  return { head: name === '' ? after : `${name}${after}`, factor: share / size };
}

/** Significant digits that the largest figure of a column has at least, and at most. */
const LEAST = 4;
const MOST = 6;
/** Digits that all but the smallest figures keep. */
const KEPT = 2;
/** Few enough to be sorted at each change of a large table. */
const SAMPLE = 500;
const SMALLISH = 0.1;

/** A size that nine of ten exceed: the very smallest would cost all others digits that say nothing. */
function smallish(sizes: readonly number[]): number {
  const step = Math.max(1, Math.floor(sizes.length / SAMPLE));
  const sample = sizes.filter((_, i) => i % step === 0).sort((a, b) => a - b);
  return sample[Math.floor((sample.length - 1) * SMALLISH)] ?? Infinity;
}

const GROUPED: Readonly<Intl.NumberFormatOptions> = { useGrouping: true };

function special(value: number): string | null {
  if (Number.isNaN(value)) return 'NaN';
  if (value === Infinity) return '+Inf';
  return value === -Infinity ? '-Inf' : null;
}

function writer(decimals: number, factor: number): (value: number) => string {
  const format = new Intl.NumberFormat('en-US', {
    ...GROUPED,
    minimumFractionDigits: decimals,
    maximumFractionDigits: decimals,
  });
  const least = 0.5 * 10 ** -decimals;
  return (value) => {
    const figure = value * factor;
    // What is not nothing should not look like it.
    if (figure !== 0 && Math.abs(figure) < least)
      return figure < 0 ? `>-${10 ** -decimals}` : `<${10 ** -decimals}`;
    return special(value) ?? format.format(figure || 0);
  };
}

/** Values of which the largest is so many times the smallest have no size in common. */
const TOO_FAR = 1e7;

/** How the figures `values` of one column are written in `unit`. Figures that are no numbers do not count. */
export function figuresOf(values: Iterable<number>, unit: Unit): Figures {
  const sizes: number[] = [];
  let whole = true;
  for (const value of values) {
    if (!Number.isFinite(value) || value === 0) continue;
    sizes.push(Math.abs(value));
    if (whole && !Number.isInteger(value)) whole = false;
  }
  const largest = sizes.reduce((a, b) => Math.max(a, b), 0);
  const small = smallish(sizes);
  if (unit === 'timestamp') return { head: '', write: (value) => formatValue(value, unit) };
  const plain = unit === 'none' || unit === 'count' || unit === 'bytes';
  if (whole && plain && largest < (unit === 'bytes' ? 10_000 : 1e15))
    return { head: unit === 'bytes' ? 'B' : '', write: writer(0, 1) };
  if (largest === 0) return { head: sizeOf(0, unit).head, write: writer(0, 1) };
  if (largest / small > TOO_FAR || largest >= 1e21)
    return { head: '', write: (value) => formatValue(value, unit, LEAST) };
  const { head, factor } = sizeOf(largest, unit);
  const top = Math.floor(Math.log10(largest * factor));
  const bottom = Math.floor(Math.log10(small * factor));
  const wanted = Math.max(LEAST - 1 - top, KEPT - 1 - bottom);
  const decimals = Math.max(0, Math.min(wanted, MOST - 1 - top));
  if (decimals > 12) return { head: '', write: (value) => formatValue(value, unit, LEAST) };
  const integers = whole && factor === 1;
  return { head, write: writer(integers ? 0 : decimals, factor) };
}
