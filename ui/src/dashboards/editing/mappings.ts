// Value mappings as rows that can be edited: one of Grafana's `value` mappings holds many. Pure.

import { object, objects, textAt, type Json, type JsonObject } from '../../panels/json';
import { putAt } from './put';

export type MappingType = 'value' | 'range' | 'regex' | 'special';

/** One row: what is meant, and what stands in its place. */
export interface MappingRow {
  type: MappingType;
  /** The value, the pattern, or which special one. */
  match: string;
  from: number | null;
  to: number | null;
  result: JsonObject;
  /** The mapping as it was, of which it keeps what nobody knows. */
  kept: JsonObject;
}

const TYPES: readonly MappingType[] = ['value', 'range', 'regex', 'special'];

function asNumber(value: Json | undefined): number | null {
  return typeof value === 'number' ? value : null;
}

/** The rows of `mappings`; null where one of them is of a kind that has no row. */
export function readMappings(mappings: Json | undefined): readonly MappingRow[] | null {
  const rows: MappingRow[] = [];
  for (const kept of objects(mappings)) {
    const type = TYPES.find((one) => one === kept.type);
    const options = object(kept.options);
    if (type === undefined) return null;
    if (type === 'value')
      for (const [match, result] of Object.entries(options))
        rows.push({ type, match, from: null, to: null, result: object(result), kept });
    else
      rows.push({
        type,
        match: textAt(options, type === 'regex' ? 'pattern' : 'match'),
        from: asNumber(options.from),
        to: asNumber(options.to),
        result: object(options.result),
        kept,
      });
  }
  return rows;
}

/** The options of a mapping that is one row. */
function optionsOf({ type, match, from, to }: MappingRow): JsonObject {
  if (type === 'range') return { from, to };
  return type === 'regex' ? { pattern: match } : { match: match || 'null' };
}

/** `rows` as mappings: values one after the other are one mapping, as Grafana writes them. */
export function writeMappings(rows: readonly MappingRow[]): JsonObject[] {
  const written: JsonObject[] = [];
  rows.forEach((row, index) => {
    const { type, match, kept } = row;
    const result = { ...row.result, index };
    const before = kept.type === type ? kept : {};
    if (type !== 'value') {
      written.push({ ...before, type, options: { ...object(before.options), ...optionsOf(row), result } });
      return;
    }
    const last = written.at(-1);
    const others = last?.type === 'value' ? object(last.options) : null;
    // Whoever types 10 has typed the 1 of another row before.
    if (others !== null && !Object.hasOwn(others, match))
      written[written.length - 1] = { ...last, options: { ...others, [match]: result } };
    else written.push({ ...before, type, options: { [match]: result } });
  });
  return written;
}

/** `row` with a part of its result, or without it where it is empty. */
export function withResult(row: MappingRow, name: 'text' | 'color', text: string): MappingRow {
  return { ...row, result: putAt(row.result, name, text === '' ? undefined : text) };
}
