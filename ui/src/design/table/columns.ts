// What a table shows, apart from how: columns, how they sort, how wide they are.

import type { ReactNode } from 'react';
import { figuresOf, type Figures } from '../figures';
import type { Unit } from '../format';

/** What a cell holds, for sorting, sizing and the hover; null where the row has nothing there. */
export type CellValue = string | number | null;

export interface TableColumn<Row> {
  /** Stable: choices of the reader are kept under it. */
  id: string;
  title: string;
  /** Numbers stand at the right, with one number of digits and their unit in the head. */
  kind?: 'text' | 'number';
  /** Of numbers. */
  unit?: Unit;
  value: (row: Row) => CellValue;
  /** What the hover tells, where that is not the value as it is. */
  exact?: (row: Row) => string;
  /** The cell where it is more than its value. */
  cell?: (row: Row) => ReactNode;
  /** Width in characters of what `cell` draws; otherwise measured by the values. */
  chars?: number;
  /** Width in pixels, where somebody has said so: it neither grows nor gives way. */
  px?: number;
  /** Width in pixels that it has at least. */
  leastPx?: number;
  /** Where its cells and its head stand, when that is not where texts and numbers do. */
  align?: 'left' | 'center' | 'right';
  /** Width in characters that it gives way to, where `cell` breaks its lines. */
  least?: number;
  /** Its title stands before it where cells stand below each other, as before numbers: it means nothing alone. */
  titled?: boolean;
  /** Not shown until the reader asks for it. */
  optional?: boolean;
}

const DIGIT_RUNS = /\d+/g;
/** Longer than any number that a double or an address holds. */
const PADDED = 24;

/** Undefined, which stands last in either order, for nothing and for NaN. */
export type SortKey = string | number | undefined;

/**
 * What a cell sorts by: texts without regard to case, numbers in them by size, so that `host-9` precedes `host-10`.
 */
export function sortKey(value: CellValue): SortKey {
  if (value === null) return undefined;
  if (typeof value === 'number') return Number.isNaN(value) ? undefined : value;
  return value.toLowerCase().replace(DIGIT_RUNS, (digits) => digits.padStart(PADDED, '0'));
}

/** Orders two sort keys of one column. */
export function compareKeys(a: SortKey, b: SortKey): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : a > b ? 1 : 0;
}

/** How the numbers of each number column are written, by the column's id; a column that draws its cells does so itself. */
export function columnFigures<Row>(
  columns: readonly TableColumn<Row>[],
  rows: readonly Row[],
): ReadonlyMap<string, Figures> {
  const figures = new Map<string, Figures>();
  for (const column of columns) {
    if (column.kind !== 'number' || column.cell) continue;
    const values = rows.map(column.value).filter((value) => typeof value === 'number');
    figures.set(column.id, figuresOf(values, column.unit ?? 'none'));
  }
  return figures;
}

/** A column's head: its title, and the unit of its numbers. */
export function headOf<Row>(
  column: TableColumn<Row>,
  figures: ReadonlyMap<string, Figures>,
): [string, string] {
  return [column.title, figures.get(column.id)?.head ?? ''];
}

/** Rows enough to size columns by. */
const SIZED_ROWS = 300;
const LEAST_CHARS = 5;
const MOST_CHARS = 44;
/** A column gives way down to this, and is cut with dots below its contents. */
const YIELDS_TO_CHARS = 30;
/** Room beside a title for the mark of the order. */
const ORDER_CHARS = 3;
/** How wide a letter of a title is beside one of the cells' even type. */
const TITLE_SHARE = 0.88;

/** Widths of one column in characters: what it needs at least, and its share of the room. */
export interface ColumnWidth {
  least: number;
  share: number;
}

/** How wide a column wants to be, by its title and the longest of its first values. */
export function columnWidth<Row>(
  column: TableColumn<Row>,
  rows: readonly Row[],
  figures: ReadonlyMap<string, Figures>,
): ColumnWidth {
  const title = headOf(column, figures).join(' ').length;
  // Where columns give way, a title has no more than it needs.
  const head = Math.round(title * (column.least === undefined ? 1 : TITLE_SHARE)) + ORDER_CHARS;
  let longest = Math.max(LEAST_CHARS, head, column.chars ?? 0);
  if (column.chars === undefined) {
    const written = figures.get(column.id)?.write;
    for (const row of rows.slice(0, SIZED_ROWS)) {
      const value = column.value(row);
      const text = typeof value === 'number' ? (written?.(value) ?? String(value)) : (value ?? '');
      if (text.length > longest) longest = text.length;
    }
  }
  const share = Math.min(longest, Math.max(MOST_CHARS, head));
  const least = column.least ?? Math.min(share, YIELDS_TO_CHARS);
  return { least: Math.max(head, least) + 1, share: share + 1 };
}

/** What is known of a column's width. */
export interface SizedColumn {
  id: string;
  kind: 'text' | 'number';
  width: ColumnWidth;
  px?: number;
  leastPx?: number;
}

/** A width of characters that is at least so many pixels. */
export function atLeast(chars: number, px: number | undefined): string {
  return px === undefined ? `${chars}ch` : `max(${chars}ch, ${px}px)`;
}

/** Narrower than this no reader can make a column. */
export const LEAST_PX = 48;

/**
 * The columns as a CSS grid: those that somebody sized in pixels, numbers as wide as they are, texts sharing the room.
 * Where there is no text to share it, numbers do.
 */
export function gridTemplate(columns: readonly SizedColumn[], sized: ReadonlyMap<string, number>): string {
  const sharing = columns.some(({ kind, px }) => kind === 'text' && px === undefined);
  return columns
    .map(({ id, kind, width, px: said, leastPx }) => {
      const px = sized.get(id) ?? said;
      if (px !== undefined) return `${Math.max(LEAST_PX, Math.round(px))}px`;
      if (kind === 'number')
        return sharing
          ? atLeast(width.share, leastPx)
          : `minmax(${atLeast(width.share, leastPx)}, ${width.share}fr)`;
      return `minmax(${atLeast(width.least, leastPx)}, ${width.share}fr)`;
    })
    .join(' ');
}

/** Which row is current after a key, by its place among `count`; `now` is -1 before any was. Null for other keys. */
export function rowAfterKey(key: string, now: number, count: number, page: number): number | null {
  if (count === 0) return null;
  const to = (index: number): number => Math.max(0, Math.min(count - 1, index));
  switch (key) {
    case 'ArrowDown':
      return to(now + 1);
    case 'ArrowUp':
      return now < 0 ? 0 : to(now - 1);
    case 'PageDown':
      return to(Math.max(now, 0) + page);
    case 'PageUp':
      return to(now - page);
    case 'Home':
      return 0;
    case 'End':
      return count - 1;
    default:
      return null;
  }
}
