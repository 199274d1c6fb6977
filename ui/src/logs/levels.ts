// The colours of levels, where a canvas needs them; style sheets have the same by `data-level`.

import type { Scheme } from '../design/colors';

/** From the ground of the histogram up. */
export const LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', ''] as const;

const COLORS: Readonly<Record<Scheme, Readonly<Record<string, string>>>> = {
  dark: {
    fatal: '#d755ba',
    error: '#ff6b6b',
    warn: '#ffc24a',
    info: '#5ba4ff',
    debug: '#4fdba0',
    trace: '#93a0b1',
    '': '#6d7b8d',
  },
  light: {
    fatal: '#9b2386',
    error: '#cf3340',
    warn: '#d9a21b',
    info: '#2f7bd6',
    debug: '#1f9a74',
    trace: '#7a8797',
    '': '#a3aebb',
  },
};

/** The colour of a level's bars. */
export function levelColor(level: string, scheme: Scheme): string {
  return COLORS[scheme][level] ?? COLORS[scheme][''] ?? '#888888';
}
