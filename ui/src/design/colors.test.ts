import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  heatColor,
  HTTP_COLORS,
  httpClass,
  INK,
  LEVEL_COLORS,
  PALETTES,
  parts,
  seriesColor,
  SPAN_KIND_COLORS,
  STATUS_COLORS,
  TENANT_COLORS,
  tenantColor,
  type Scheme,
} from './colors';

const TOKENS = readFileSync(new URL('./tokens.css', import.meta.url), 'utf8');

function linear(part: number): number {
  const share = part / 255;
  return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

type Triple = [number, number, number];

function luminance(hex: string): number {
  const [r, g, b] = parts(hex).map(linear) as Triple;
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

// How a colour looks with a missing cone type: Machado, Oliveira and Fernandes 2009, severity 1.0, linear RGB.
const VISION: Readonly<Record<string, readonly Triple[]>> = {
  full: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function dot(row: Triple, rgb: Triple): number {
  return row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2];
}

function lab(hex: string, vision: readonly Triple[]): Triple {
  const rgb = parts(hex).map(linear) as Triple;
  const seen = vision.map((row) => Math.min(1, Math.max(0, dot(row, rgb)))) as Triple;
  const f = (t: number): number => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
  const x = f(dot([0.4124, 0.3576, 0.1805], seen) / 0.9505);
  const y = f(dot([0.2126, 0.7152, 0.0722], seen));
  const z = f(dot([0.0193, 0.1192, 0.9505], seen) / 1.089);
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

function closest(colors: readonly string[], vision: readonly Triple[]): number {
  let least = Infinity;
  for (const [i, one] of colors.entries())
    for (const other of colors.slice(i + 1)) {
      const [a, b] = [lab(one, vision), lab(other, vision)];
      least = Math.min(least, Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]));
    }
  return least;
}

/** Distance of hue and chroma in CIELAB, lightness aside. */
function hueDistance(one: string, other: string): number {
  const full = VISION.full ?? [];
  const [a, b] = [lab(one, full), lab(other, full)];
  return Math.hypot(a[1] - b[1], a[2] - b[2]);
}

/** The value of a variable in tokens.css on a page of `scheme`. */
function token(name: string, scheme: Scheme): string | undefined {
  const block = TOKENS.split(`[data-mantine-color-scheme='${scheme}'] {`)[1]?.split('\n}')[0] ?? '';
  return new RegExp(`--${name}: (\\S+);`).exec(block)?.[1];
}

/** Least contrast with the page: of text (WCAG 1.4.3) and of graphics (1.4.11). */
const TEXT = 4.5;
const GRAPHICS = 3;
/** Colours so far apart in CIELAB are told apart side by side; 2.3 is just noticeable. */
const APART = 10;

describe.each(['dark', 'light'] as const)('on a %s page', (scheme) => {
  const background = INK[scheme].panel;
  const scales: [string, string[], number][] = [
    ['series', PALETTES[scheme].slice(0, 8), GRAPHICS],
    ['tenants', [...TENANT_COLORS[scheme]], GRAPHICS],
    ['span kinds', Object.values(SPAN_KIND_COLORS[scheme]), GRAPHICS],
    ['states', Object.values(STATUS_COLORS[scheme]), TEXT],
    ['log levels', Object.values(LEVEL_COLORS[scheme]), TEXT],
    ['HTTP classes', Object.values(HTTP_COLORS[scheme]), TEXT],
  ];
  describe.each(scales)('the colours of %s', (_name, colors, least) => {
    it.each(Object.keys(VISION))('stay apart for %s vision', (name) =>
      expect(closest(colors, VISION[name] ?? [])).toBeGreaterThan(APART),
    );
    it('stand out from the page', () => {
      for (const color of colors) expect(contrast(color, background), color).toBeGreaterThan(least);
    });
  });
  it.each(PALETTES[scheme])('the colour %s of series stands out from the page', (color) =>
    expect(contrast(color, background)).toBeGreaterThan(GRAPHICS),
  );
  it.each(PALETTES[scheme].slice(0, 8))('the colour %s of series is nobody’s alarm', (color) => {
    const { critical, warning, ok } = STATUS_COLORS[scheme];
    for (const status of [critical, warning, ok]) expect(hueDistance(color, status)).toBeGreaterThan(22);
  });
  it('axis text is readable', () => expect(contrast(INK[scheme].axis, background)).toBeGreaterThan(TEXT));
  it('thirty series have thirty colours', () =>
    expect(new Set(Array.from({ length: 30 }, (_, i) => seriesColor(i, scheme))).size).toBe(30));
  it('more heat is always further from the page', () => {
    const steps = Array.from({ length: 11 }, (_, i) => contrast(heatColor(i / 10, scheme), background));
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
  });
  it('style sheets have the colours of states', () =>
    expect(['bad', 'warn', 'info', 'good', 'panel'].map((name) => token(name, scheme))).toEqual([
      ...Object.values(STATUS_COLORS[scheme]),
      background,
    ]));
  it('text and dimmed text are readable', () => {
    for (const name of ['text', 'dim'])
      expect(contrast(token(name, scheme) ?? background, background)).toBeGreaterThan(TEXT);
  });
});

describe('a tenant', () => {
  it('keeps its colour', () => expect(tenantColor('shop', 'dark')).toBe(tenantColor('shop', 'dark')));
  it('has one of all colours', () =>
    expect(new Set(Array.from({ length: 200 }, (_, i) => tenantColor(`tenant-${i}`, 'light')))).toEqual(
      new Set(TENANT_COLORS.light),
    ));
  it.each([...TENANT_COLORS.dark, ...TENANT_COLORS.light])('is never grey, as %s is not', (color) =>
    expect(hueDistance(color, '#808080')).toBeGreaterThan(15),
  );
});

describe('an HTTP status code', () => {
  it.each([
    [200, '2xx'],
    [404, '4xx'],
    [599, '5xx'],
    [0, null],
    [600, null],
  ])('%d is of class %s', (code, expected) => expect(httpClass(code)).toBe(expected));
});
