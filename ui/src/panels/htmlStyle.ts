// What of the look that an author gave a piece of HTML is kept: where it stands, its weight, size and colours.

import type { CSSProperties } from 'react';
import type { Scheme } from '../design/colors';
import { inkOn, legible, namedColor, readCss, TRANSPARENT } from './palette';

const SIDES = ['left', 'center', 'right', 'justify'] as const;
type Side = (typeof SIDES)[number];

const LEAST_PX = 10;
/** Larger than this no text of a panel has to be. */
const MOST_PX = 64;
const PX: Readonly<Record<string, number>> = { px: 1, pt: 4 / 3, em: 13, rem: 14, '%': 0.13 };
const CLASSES: ReadonlyMap<string, Side> = new Map([
  ['text-center', 'center'],
  ['text-right', 'right'],
  ['text-left', 'left'],
]);

function sideOf(text: string | null | undefined): Side | undefined {
  return SIDES.find((side) => side === text?.trim().toLowerCase());
}

function sizeOf(text: string | undefined): number | undefined {
  const [, amount = '', unit = ''] = /^([\d.]+)(px|pt|em|rem|%)$/u.exec(text ?? '') ?? [];
  const px = Number(amount) * (PX[unit] ?? Number.NaN);
  return Number.isFinite(px) && px > 0 ? Math.max(LEAST_PX, Math.min(MOST_PX, px)) : undefined;
}

const NAMES = ['red', 'orange', 'yellow', 'green', 'blue', 'purple', 'white', 'black', 'gray', 'grey'];

/** A colour of the page for one of CSS; undefined for what is none that is known. */
function colorOf(text: string | null | undefined, scheme: Scheme): string | undefined {
  const name = text?.trim().toLowerCase() ?? '';
  const known = NAMES.includes(name) ? namedColor(name, scheme) : readCss(name);
  return known === null || known === TRANSPARENT ? undefined : known;
}

function declarations(style: string | null): ReadonlyMap<string, string> {
  return new Map(
    (style ?? '').split(';').flatMap((one): [string, string][] => {
      const colon = one.indexOf(':');
      if (colon < 0) return [];
      const value = one.slice(colon + 1).replace(/!important/iu, '');
      return [[one.slice(0, colon).trim().toLowerCase(), value.trim().toLowerCase()]];
    }),
  );
}

export interface Written {
  tag: string;
  /** The text of its `style`. */
  style: string | null;
  align: string | null;
  color: string | null;
  classes: readonly string[];
}

/** `written` as a style that can neither load, cover nor hide anything; colours can be read on a page of `scheme`. */
export function readStyle(written: Written, scheme: Scheme): CSSProperties | undefined {
  const said = declarations(written.style);
  const side =
    sideOf(said.get('text-align')) ??
    sideOf(written.align) ??
    written.classes.map((name) => CLASSES.get(name)).find((one) => one !== undefined) ??
    (written.tag === 'center' ? 'center' : undefined);
  const weight = /^(?:bold|bolder|normal|[1-9]00)$/u.exec(said.get('font-weight') ?? '')?.[0];
  const size = sizeOf(said.get('font-size'));
  const ground = colorOf(said.get('background-color') ?? said.get('background'), scheme);
  const color = colorOf(said.get('color') ?? written.color, scheme);
  const ink =
    ground === undefined ? (color === undefined ? undefined : legible(color, scheme)) : inkOn(ground);
  const made: CSSProperties = {
    ...(side === undefined ? {} : { textAlign: side }),
    ...(weight === undefined ? {} : { fontWeight: weight }),
    ...(size === undefined ? {} : { fontSize: size, lineHeight: 1.3 }),
    ...(said.get('font-style') === 'italic' ? { fontStyle: 'italic' } : {}),
    ...(ground === undefined ? {} : { backgroundColor: ground }),
    ...(ink === undefined ? {} : { color: ink }),
  };
  return Object.keys(made).length === 0 ? undefined : made;
}
