// Every colour that carries a meaning, one scale for each meaning. That the colours of a scale stand out from the page
// and stay apart for readers with protanopia, deuteranopia and tritanopia is measured by the test beside this file.

export { TENANT_COLORS, tenantColor } from './tenants';

export type Scheme = 'dark' | 'light';

type Scale<Name extends string> = Readonly<Record<Scheme, Readonly<Record<Name, string>>>>;

/**
 * Colours of series: ten, none of which could be taken for a status. Further series repeat them lighter and darker.
 */
export const PALETTES: Readonly<Record<Scheme, readonly string[]>> = {
  dark: [
    '#4c9dff',
    '#7fe3e8',
    '#e0459f',
    '#9a74e0',
    '#d9e05a',
    '#5a8fb0',
    '#cba4e2',
    '#aab4c0',
    '#7c70ff',
    '#dfa47c',
  ],
  light: [
    '#2873ef',
    '#35898a',
    '#b63fa3',
    '#5a1fa8',
    '#747a0c',
    '#045f80',
    '#9a6fd0',
    '#4a5260',
    '#4a32e5',
    '#79402a',
  ],
};

export const STATUS_TONES = ['critical', 'warning', 'info', 'ok'] as const;

/** What a state calls for, from the worst; a state that calls for nothing is grey and no colour. */
export type StatusTone = (typeof STATUS_TONES)[number];

/** Style sheets have the same as `--bad`, `--warn`, `--info`, `--good`. */
export const STATUS_COLORS: Scale<StatusTone> = {
  dark: { critical: '#ff6b6b', warning: '#ffc24a', info: '#5ba4ff', ok: '#4fdba0' },
  light: { critical: '#b0121f', warning: '#946300', info: '#0b62c4', ok: '#007a57' },
};

export const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/** Severities of log records, as OpenTelemetry's data model groups them. */
export type Level = (typeof LEVELS)[number];

export const LEVEL_COLORS: Scale<Level> = {
  dark: {
    trace: '#8f9aa8',
    debug: '#c3d2e0',
    info: '#4f94f0',
    warn: '#ffc24a',
    error: '#ff6b6b',
    fatal: '#ff9df0',
  },
  light: {
    trace: '#6a7786',
    debug: '#3f4b5a',
    info: '#0b62c4',
    warn: '#946300',
    error: '#b0121f',
    fatal: '#6b0d7d',
  },
};

export const HTTP_CLASSES = ['1xx', '2xx', '3xx', '4xx', '5xx'] as const;
export type HttpClass = (typeof HTTP_CLASSES)[number];

export const HTTP_COLORS: Scale<HttpClass> = {
  dark: { '1xx': '#93a0b1', '2xx': '#4fdba0', '3xx': '#5ba4ff', '4xx': '#ffc24a', '5xx': '#ff6b6b' },
  light: { '1xx': '#5a6878', '2xx': '#007a57', '3xx': '#0b62c4', '4xx': '#946300', '5xx': '#b0121f' },
};

export const SPAN_KINDS = ['internal', 'server', 'client', 'producer', 'consumer'] as const;

/** Kinds of spans, as OpenTelemetry names them. */
export type SpanKind = (typeof SPAN_KINDS)[number];

export const SPAN_KIND_COLORS: Scale<SpanKind> = {
  dark: {
    internal: '#aab4c0',
    server: '#4c9dff',
    client: '#7fe3e8',
    producer: '#9a74e0',
    consumer: '#e0459f',
  },
  light: {
    internal: '#4a5260',
    server: '#2873ef',
    client: '#35898a',
    producer: '#5a1fa8',
    consumer: '#b63fa3',
  },
};

/** The class of an HTTP status code; null for what is no status code. */
export function httpClass(code: number): HttpClass | null {
  return HTTP_CLASSES[Math.floor(code / 100) - 1] ?? null;
}

/** Colours that carry no meaning, for canvases; style sheets have the same. */
export const INK: Readonly<
  Record<Scheme, { axis: string; grid: string; text: string; bad: string; panel: string }>
> = {
  dark: {
    axis: '#8d9aab',
    grid: '#232c39',
    text: '#d9e0ea',
    bad: STATUS_COLORS.dark.critical,
    panel: '#151b24',
  },
  light: {
    axis: '#5a6878',
    grid: '#e6ebf1',
    text: '#1b2430',
    bad: STATUS_COLORS.light.critical,
    panel: '#ffffff',
  },
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

// From the page's own colour to the loudest, by even steps of lightness, so that more is always seen as more.
const HEAT: Readonly<Record<Scheme, readonly string[]>> = {
  dark: ['#1b2a41', '#1f4a80', '#2a74c4', '#4fa3e8', '#8ed0f4', '#e4f6ff'],
  light: ['#e3eefb', '#b3d2f5', '#7cb0ea', '#4288d6', '#1c5fae', '#0b3a75'],
};

/** The colour of a cell of a heat map that holds `share` (0 to 1) of what the fullest holds. */
export function heatColor(share: number, scheme: Scheme): string {
  const stops = HEAT[scheme];
  const at = Math.min(1, Math.max(0, share)) * (stops.length - 1);
  const low = Math.min(stops.length - 2, Math.floor(at));
  return mix(stops[low] ?? '#888888', stops[low + 1] ?? '#888888', at - low);
}

/** `hex` with an opacity of `alpha`, as CSS writes it. */
export function translucent(hex: string, alpha: number): string {
  const [r, g, b] = parts(hex);
  return `rgba(${r}, ${g}, ${b}, ${alpha})`;
}
