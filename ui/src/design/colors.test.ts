import { describe, expect, it } from 'vitest';
import { INK, PALETTES, parts, seriesColor, type Scheme } from './colors';

const BACKGROUND: Readonly<Record<Scheme, string>> = { dark: '#151b24', light: '#ffffff' };

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

describe.each(['dark', 'light'] as const)('the %s palette', (scheme) => {
  it.each(Object.keys(VISION))('keeps its first eight colours apart for %s vision', (name) =>
    expect(closest(PALETTES[scheme].slice(0, 8), VISION[name] ?? [])).toBeGreaterThan(10),
  );
  it.each(PALETTES[scheme])('%s stands out from the page (WCAG, 3:1 for graphics)', (color) =>
    expect(contrast(color, BACKGROUND[scheme])).toBeGreaterThan(3),
  );
  it('has readable axis text (WCAG, 4.5:1)', () =>
    expect(contrast(INK[scheme].axis, BACKGROUND[scheme])).toBeGreaterThan(4.5));
  it('gives thirty series thirty colours', () =>
    expect(new Set(Array.from({ length: 30 }, (_, i) => seriesColor(i, scheme))).size).toBe(30));
});
