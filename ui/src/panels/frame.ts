// What a query answers: columns of equal length, as Grafana's data frames are. Times are in milliseconds.

import type { Labels } from '../api/types';
import type { FieldConfig } from './config';
import type { JsonObject } from './json';

export type FieldType = 'time' | 'number' | 'string' | 'boolean' | 'other';

/** How something went, in the place of one value: its newest, and all of them. */
export interface Trend {
  value: number | null;
  points: readonly (number | null)[];
}

export type Cell = number | string | boolean | Trend | null;

export interface Field {
  name: string;
  type: FieldType;
  values: readonly Cell[];
  labels?: Labels;
  /** The name that its query asked for, as by a legend's format. */
  asked?: string;
  /** Of a bucket: where it begins, when that is not where the one before it ends. */
  lower?: number;
  /** Where it has null there was no row, and so nothing to calculate with; elsewhere null counts as 0. */
  sparse?: boolean;
  /** How it is shown as far as the data themselves say so: before the panel's defaults, after its overrides. */
  said?: JsonObject;
  /** How it is shown; present once the panel's configuration was applied. */
  config?: FieldConfig;
}

export interface Frame {
  fields: readonly Field[];
  name?: string;
  /** The query that it answers. */
  refId?: string;
  /** What it is besides columns: `logs`, `trace`, `nodes`, `edges`, `heatmap`. */
  kind?: string;
  /** Of rows that are cells, each a bucket at a time: where buckets begin and the last one ends, and how long a time is. */
  cells?: { edges: readonly number[]; wideMs: number };
  /** The rows of which each row is a group. */
  nested?: readonly Frame[];
  /** Whether those have a head. */
  nestedHead?: boolean;
}

/** How many rows `frame` has. */
export function lengthOf(frame: Frame): number {
  return frame.fields.reduce((most, { values }) => Math.max(most, values.length), 0);
}

/** The first field of type `type`; undefined where there is none. */
export function firstOf(frame: Frame, type: FieldType): Field | undefined {
  return frame.fields.find((field) => field.type === type);
}

export function isTrend(cell: Cell | undefined): cell is Trend {
  return typeof cell === 'object' && cell !== null;
}

/** A number out of a cell; null for what is none. */
export function numeric(cell: Cell | undefined): number | null {
  if (typeof cell === 'number') return cell;
  if (typeof cell === 'boolean') return Number(cell);
  if (isTrend(cell)) return cell.value;
  if (typeof cell !== 'string' || cell.trim() === '') return null;
  const read = Number(cell);
  return Number.isNaN(read) ? null : read;
}

/** A cell as text, as it is joined, grouped and searched by. */
export function cellText(cell: Cell | undefined): string {
  if (isTrend(cell)) return cellText(cell.value);
  return cell === null || cell === undefined ? '' : String(cell);
}

/** The type that fits `values`, by the first of them that is there. */
export function typeOf(values: readonly Cell[]): FieldType {
  const first = values.find((value) => value !== null);
  if (typeof first === 'number' || isTrend(first)) return 'number';
  return typeof first === 'boolean' ? 'boolean' : 'string';
}

/** `frame` with its rows in the order of `places`. */
export function pick(frame: Frame, places: readonly number[]): Frame {
  const { nested } = frame;
  return {
    ...frame,
    ...(nested ? { nested: places.map((place) => nested[place] ?? { fields: [] }) } : {}),
    fields: frame.fields.map((field) => ({
      ...field,
      values: places.map((place) => field.values[place] ?? null),
    })),
  };
}
