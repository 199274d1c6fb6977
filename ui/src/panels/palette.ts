// Colours that dashboards name, made to fit the page: its own series, its own good and bad, and enough contrast.

import { heatColor, INK, mix, parts, seriesColor, STATUS_COLORS, type Scheme } from '../design/colors';
import type { ColorChoice, FieldConfig, Thresholds } from './config';

type Base = 'green' | 'yellow' | 'red' | 'blue' | 'orange' | 'purple';

/** What the six hues of dashboards are: good, to be watched and bad are those of the whole page. */
const BASES: Readonly<Record<Scheme, Readonly<Record<Base, string>>>> = {
  dark: {
    green: STATUS_COLORS.dark.ok,
    yellow: '#f2d64b',
    red: STATUS_COLORS.dark.critical,
    blue: STATUS_COLORS.dark.info,
    orange: '#ff9d4d',
    purple: '#b48cf2',
  },
  light: {
    green: STATUS_COLORS.light.ok,
    yellow: '#9a7a00',
    red: STATUS_COLORS.light.critical,
    blue: STATUS_COLORS.light.info,
    orange: '#b35300',
    purple: '#6f3fc0',
  },
};

const SHADES: readonly (readonly [prefix: string, target: string, share: number])[] = [
  ['super-light-', '#ffffff', 0.55],
  ['light-', '#ffffff', 0.28],
  ['semi-dark-', '#000000', 0.14],
  ['dark-', '#000000', 0.3],
];

export const TRANSPARENT = 'transparent';

function hex(red: number, green: number, blue: number): string {
  return `#${[red, green, blue]
    .map((part) =>
      Math.max(0, Math.min(255, Math.round(part)))
        .toString(16)
        .padStart(2, '0'),
    )
    .join('')}`;
}

/** A colour of CSS as `#rrggbb` or `transparent`; null for a name and for what is none. */
export function readCss(text: string): string | null {
  const short = /^#([0-9a-f])([0-9a-f])([0-9a-f])[0-9a-f]?$/iu.exec(text);
  if (short)
    return `#${short
      .slice(1)
      .map((part) => part + part)
      .join('')}`.toLowerCase();
  const long = /^#([0-9a-f]{6})(?:[0-9a-f]{2})?$/iu.exec(text);
  if (long) return `#${long[1] ?? ''}`.toLowerCase();
  const rgb = /^rgba?\(\s*([\d.]+)[\s,]+([\d.]+)[\s,]+([\d.]+)(?:[\s,/]+([\d.]+)(%)?)?\s*\)$/iu.exec(text);
  if (!rgb) return null;
  if (Number(rgb[4] ?? 1) === 0) return TRANSPARENT;
  return hex(Number(rgb[1]), Number(rgb[2]), Number(rgb[3]));
}

/** The colour that a dashboard calls `name`, as `#rrggbb` or `transparent`; grey for what is none. */
export function namedColor(name: string, scheme: Scheme): string {
  const text = name.trim().toLowerCase();
  if (text === TRANSPARENT || text === '') return TRANSPARENT;
  const shade = SHADES.find(([prefix]) => text.startsWith(prefix));
  const bare = shade ? text.slice(shade[0].length) : text;
  if (Object.hasOwn(BASES.dark, bare)) {
    const base = BASES[scheme][bare as Base];
    return shade ? mix(base, shade[1], shade[2]) : base;
  }
  if (text === 'text' || text === 'white' || text === 'black') return INK[scheme].text;
  return readCss(text) ?? INK[scheme].axis;
}

function luminance(color: string): number {
  const [red, green, blue] = parts(color).map((part) => {
    const share = part / 255;
    return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * (red ?? 0) + 0.7152 * (green ?? 0) + 0.0722 * (blue ?? 0);
}

/** The contrast of two colours as WCAG has it: 1 to 21. */
export function contrast(a: string, b: string): number {
  const [high, low] = [luminance(a), luminance(b)].sort((one, other) => other - one);
  return ((high ?? 0) + 0.05) / ((low ?? 0) + 0.05);
}

/** `color`, moved towards the text's own until it can be read on a panel; `least` is its contrast then. */
export function legible(color: string, scheme: Scheme, least = 4.5): string {
  const { panel, text } = INK[scheme];
  if (color === TRANSPARENT) return text;
  for (let share = 0; share < 1; share += 0.1) {
    const made = mix(color, text, share);
    if (contrast(made, panel) >= least) return made;
  }
  return text;
}

/** Black or white, whichever can be read on `color`. */
export function inkOn(color: string): string {
  return contrast(color, '#ffffff') >= contrast(color, '#10161e') ? '#ffffff' : '#10161e';
}

const RAMPS: Readonly<Record<string, readonly string[]>> = {
  GrYlRd: ['green', 'yellow', 'red'],
  RdYlGr: ['red', 'yellow', 'green'],
  BlYlRd: ['dark-blue', 'super-light-yellow', 'dark-red'],
  YlRd: ['super-light-yellow', 'dark-red'],
  BlPu: ['blue', 'purple'],
  YlBl: ['super-light-yellow', 'dark-blue'],
  blues: ['super-light-blue', 'dark-blue'],
  reds: ['super-light-red', 'dark-red'],
  greens: ['super-light-green', 'dark-green'],
  purples: ['super-light-purple', 'dark-purple'],
};

/** The colour at `share` (0 to 1) of a scheme of colours such as `continuous-GrYlRd`. */
export function rampColor(mode: string, share: number, scheme: Scheme): string {
  const names = RAMPS[mode.replace('continuous-', '')];
  if (!names) return heatColor(share, scheme);
  const stops = names.map((name) => namedColor(name, scheme));
  const at = Math.min(1, Math.max(0, Number.isFinite(share) ? share : 0)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  return mix(stops[low] ?? '#888888', stops[low + 1] ?? '#888888', at - low);
}

/** The ends of what a value is a share of. */
export interface Ends {
  min: number;
  max: number;
}

export function shareOf(value: number, { min, max }: Ends): number {
  if (!(max > min)) return value >= max ? 1 : 0;
  return Math.min(1, Math.max(0, (value - min) / (max - min)));
}

/** The steps of `thresholds` by value, those of a percentage between `ends`. */
export function stepsOf(
  thresholds: Thresholds,
  { min, max }: Ends,
): readonly { value: number; color: string }[] {
  if (thresholds.mode === 'absolute') return thresholds.steps;
  return thresholds.steps.map(({ value, color }) => ({ value: min + ((max - min) * value) / 100, color }));
}

/** The name of the colour of the step that `value` stands on. */
export function stepColor(thresholds: Thresholds, value: number, ends: Ends): string {
  const steps = stepsOf(thresholds, ends);
  return (steps.findLast((step) => value >= step.value) ?? steps[0])?.color ?? 'green';
}

/** Whether a colour of `mode` is one of the value's, and not of its series. */
export function followsValue({ mode }: ColorChoice): boolean {
  return mode === 'thresholds' || mode.startsWith('continuous-');
}

/** The colour of `value` of field number `index`, as its configuration has it. */
export function valueColor(
  config: FieldConfig,
  value: number | null,
  about: { ends: Ends; index: number; scheme: Scheme; otherwise?: string },
): string {
  const { ends, index, scheme, otherwise = 'thresholds' } = about;
  const mode = config.color.mode === '' ? otherwise : config.color.mode;
  if (mode === 'fixed' || mode === 'shades') {
    const base = namedColor(config.color.fixed, scheme);
    if (mode === 'fixed' || base === TRANSPARENT) return base;
    return mix(base, index % 2 === 0 ? '#ffffff' : '#000000', Math.min(0.6, Math.ceil(index / 2) * 0.12));
  }
  if (mode.startsWith('continuous-')) return rampColor(mode, shareOf(value ?? ends.min, ends), scheme);
  if (mode === 'thresholds')
    return namedColor(stepColor(config.thresholds, value ?? -Infinity, ends), scheme);
  return seriesColor(index, scheme);
}
