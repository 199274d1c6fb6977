// Colours of series. Ten hues that stay apart for readers with protanopia, deuteranopia and tritanopia (the test
// beside this file measures it); further series repeat them lighter and darker.

export type Scheme = 'dark' | 'light';

export const PALETTES: Readonly<Record<Scheme, readonly string[]>> = {
  dark: [
    '#4a94ff',
    '#ffb224',
    '#1fcfae',
    '#ff7261',
    '#bca2ff',
    '#f3ea7a',
    '#9adcff',
    '#e26db4',
    '#a3b1c2',
    '#bd8a5a',
  ],
  light: [
    '#0d68bf',
    '#c47a00',
    '#009470',
    '#cd332e',
    '#673dcc',
    '#655500',
    '#3c94dc',
    '#cd4392',
    '#66758a',
    '#7a4a1e',
  ],
};

/** Colours that carry a meaning, for canvases; style sheets have the same as `--good`, `--warn`, `--bad`. */
export const INK: Readonly<Record<Scheme, { axis: string; grid: string; text: string; bad: string }>> = {
  dark: { axis: '#8d9aab', grid: '#232c39', text: '#d9e0ea', bad: '#ff6b6b' },
  light: { axis: '#5a6878', grid: '#e6ebf1', text: '#1b2430', bad: '#c9302c' },
};

/** The red, green and blue parts of `#rrggbb`, 0 to 255. */
export function parts(hex: string): [number, number, number] {
  const value = Number.parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** `hex` moved by `share` (0 to 1) towards `target`. */
export function mix(hex: string, target: string, share: number): string {
  const to = parts(target);
  const mixed = parts(hex).map((part, i) => Math.round(part + ((to[i] ?? 0) - part) * share));
  return `#${mixed.map((part) => part.toString(16).padStart(2, '0')).join('')}`;
}

/** The colour of series number `index` (from 0) on a page of `scheme`. */
export function seriesColor(index: number, scheme: Scheme): string {
  const palette = PALETTES[scheme];
  const base = palette[index % palette.length] ?? '#888888';
  const round = Math.floor(index / palette.length) % 3;
  if (round === 0) return base;
  return mix(base, round === 1 ? '#ffffff' : '#000000', 0.35);
}

/** `hex` with an opacity of `alpha`, as CSS writes it. */
export function translucent(hex: string, alpha: number): string {
  const [r, g, b] = parts(hex);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}
