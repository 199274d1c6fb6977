// Transformations that make one frame of several.

import { cellText, firstOf, lengthOf, type Cell, type Field, type Frame } from '../frame';
import { oneAt, textAt } from '../json';
import { isMeant, named, untitled, type NamedField, type Step } from './names';

function sorted(cells: Iterable<Cell>): Cell[] {
  const all = [...cells];
  if (all.every((cell) => typeof cell === 'number')) return all.sort((a, b) => a - b);
  return all;
}

interface Part {
  frame: Frame;
  key: NamedField;
  places: ReadonlyMap<Cell, readonly number[]>;
}

function partsOf(frames: readonly Frame[], by: string): Part[] {
  return named(frames).flatMap((frame) => {
    const key =
      by === ''
        ? frame.fields.find(({ type }) => type === 'time')
        : frame.fields.find((field) => isMeant(field, by));
    if (!key) return [];
    const places = new Map<Cell, number[]>();
    key.values.forEach((cell, place) => {
      const known = places.get(cell);
      if (known) known.push(place);
      else places.set(cell, [place]);
    });
    return [{ frame, key, places }];
  });
}

/** A row of a join: its key, and in which row of each part it is; undefined where a part has none. */
type Joined = readonly [key: Cell, places: readonly (number | undefined)[]];

/** One row for each key, of the last rows that have it. */
function byKey(parts: readonly Part[]): Joined[] {
  const keys = new Set<Cell>();
  for (const { places } of parts) for (const cell of places.keys()) keys.add(cell);
  return sorted(keys).map((cell) => [cell, parts.map(({ places }) => places.get(cell)?.at(-1))]);
}

/** What a mistyped field may make of two long tables. */
const MOST_ROWS = 100_000;

/** Where a key stands among those that no row before has: whole numbers by their size, before all others. */
function rank(cell: Cell): number {
  const text = cellText(cell);
  return /^\d{1,9}$/u.test(text) ? Number(text) : Infinity;
}

/** Rows of the part at place `at` that stand beside no row of those before it. */
function aloneIn({ places }: Part, at: number, met: ReadonlySet<Cell>): Joined[] {
  const none = new Array<undefined>(at).fill(undefined);
  return [...places]
    .filter(([cell]) => !met.has(cell))
    .sort(([a], [b]) => rank(a) - rank(b) || 0)
    .flatMap(([cell, own]) => own.map((place): Joined => [cell, [...none, place]]));
}

/**
 * Each row of a table beside each that has its key in the others; nothing is equal to no other nothing. Then, where
 * all are kept, the rows that stand beside none.
 */
function byRow(parts: readonly Part[], keepsAll: boolean): Joined[] {
  let rows: Joined[] = (parts[0]?.key.values ?? []).map((cell, place) => [cell, [place]]);
  for (const [at, part] of parts.entries()) {
    if (at === 0) continue;
    const [beside, alone]: [Joined[], Joined[]] = [[], []];
    const met = new Set<Cell>();
    for (const [cell, known] of rows) {
      const found = cell === null ? undefined : part.places.get(cell);
      if (found) met.add(cell);
      if (beside.length < MOST_ROWS) for (const place of found ?? []) beside.push([cell, [...known, place]]);
      if (!found) alone.push([cell, [...known, undefined]]);
    }
    rows = keepsAll ? [...beside, ...alone, ...aloneIn(part, at, met)] : beside;
  }
  return rows.slice(0, MOST_ROWS);
}

/** `joinByField`, once `seriesToColumns`: rows of the same key beside each other; without one, by time. */
export const joinByField: Step = (frames, options) => {
  const parts = partsOf(frames, textAt(options, 'byField'));
  const [first] = parts;
  if (!first || parts.length < 2) return frames;
  const mode = oneAt(options, 'mode', ['outer', 'inner', 'outerTabular']);
  const rows = mode === 'outer' ? byKey(parts) : byRow(parts, mode === 'outerTabular');
  const fields = [
    { name: first.key.name, type: first.key.type, values: rows.map(([cell]) => cell) },
    ...parts.flatMap(({ frame, key }, part) =>
      frame.fields
        .filter((field) => field.name !== key.name)
        .map((field): Field => {
          const values = rows.map(([, places]) => {
            const place = places[part];
            return place === undefined ? null : (field.values[place] ?? null);
          });
          return { ...untitled(field), values, sparse: mode === 'outer' };
        }),
    ),
  ];
  return [{ fields: numbered(fields) }];
};

/** `fields`, those of one name numbered in their order, as `Time 1` and `Time 2`: so what comes after means them. */
function numbered(fields: readonly Field[]): Field[] {
  // What labels or the panel's own words set apart needs no number.
  const plain = fields.filter(({ labels, asked }) => labels === undefined && asked === undefined);
  const names = plain.map(({ name }) => name);
  const repeated = new Set(names.filter((name, place) => names.indexOf(name) !== place));
  const given = new Map<string, number>();
  return fields.map((field) => {
    if (!plain.includes(field) || !repeated.has(field.name)) return field;
    const number = (given.get(field.name) ?? 0) + 1;
    given.set(field.name, number);
    return { ...field, name: `${field.name} ${number}` };
  });
}

/** `merge`: all rows in one table, those that agree in what all tables have becoming one. */
export const merge: Step = (frames) => {
  const full = named(frames).filter(({ fields }) => fields.some(({ values }) => values.length > 0));
  if (full.length < 2) return frames;
  const columns = new Map<string, Field>();
  for (const { fields } of full)
    for (const field of fields) {
      const known = columns.get(field.title);
      if (!known) columns.set(field.title, { ...untitled(field), values: [], sparse: true });
    }
  const shared = [...columns.keys()].filter((title) =>
    full.every(({ fields }) => fields.some((field) => field.title === title)),
  );
  const rows: Map<string, Cell>[] = [];
  const byKey = new Map<string, Map<string, Cell>[]>();
  for (const { fields } of full)
    for (let at = 0; at < lengthOf({ fields }); at += 1) {
      const row = new Map(fields.map((field) => [field.title, field.values[at] ?? null]));
      const key = JSON.stringify(shared.map((title) => row.get(title) ?? null));
      const alike = byKey.get(key) ?? [];
      // A row takes another's values where it has none, never in the place of its own.
      const host =
        shared.length === 0
          ? undefined
          : alike.find((one) =>
              [...row].every(([title, cell]) => !one.has(title) || one.get(title) === cell),
            );
      if (host) for (const [title, cell] of row) host.set(title, cell);
      else {
        rows.push(row);
        byKey.set(key, [...alike, row]);
      }
    }
  return [
    {
      fields: [...columns].map(([title, field]) => ({
        ...field,
        values: rows.map((row) => row.get(title) ?? null),
      })),
    },
  ];
};

/** Whether a frame is one series over time, and no table. */
function isSeries(frame: Frame): boolean {
  const types = frame.fields.map(({ type }) => type);
  return types.length === 2 && types.includes('time') && types.includes('number');
}

/** `seriesToRows`: the instants of several series below each other, the newest first, with the series' name beside. */
export const seriesToRows: Step = (frames) => {
  // One series is rows already, and so are tables.
  if (frames.length < 2 || !frames.every(isSeries)) return frames;
  const rows = named(frames).flatMap((frame) => {
    const time = firstOf(frame, 'time');
    if (!time) return [];
    return frame.fields
      .filter(({ type }) => type !== 'time')
      .flatMap((field) =>
        field.values.map((value, at) => ({ time: time.values[at] ?? null, name: field.title, value })),
      );
  });
  if (rows.length === 0) return frames;
  rows.sort((a, b) => Number(b.time) - Number(a.time));
  return [
    {
      fields: [
        { name: 'Time', type: 'time', values: rows.map(({ time }) => time) },
        { name: 'Metric', type: 'string', values: rows.map(({ name }) => name) },
        { name: 'Value', type: 'number', values: rows.map(({ value }) => value) },
      ],
    },
  ];
};

/** What stands where a matrix has no value. */
const EMPTY: Readonly<Record<string, Cell>> = { empty: '', false: false, true: true, zero: 0 };

/** `groupingToMatrix`: the values of one column as columns, those of another as rows. */
export const groupingToMatrix: Step = (frames, options) => {
  if (frames.length !== 1) return frames;
  const [frame] = named(frames);
  const of = (path: string, otherwise: string): NamedField | undefined =>
    frame?.fields.find((field) => isMeant(field, textAt(options, path, otherwise)));
  const [column, row, value] = [of('columnField', 'Time'), of('rowField', 'Time'), of('valueField', 'Value')];
  if (!column || !row || !value) return frames;
  const columns = [...new Set(column.values.map(cellText))];
  const rows = [...new Set(row.values)];
  const empty = EMPTY[textAt(options, 'emptyValue')] ?? null;
  const cells = new Map(
    value.values.map((cell, at) => [JSON.stringify([row.values[at], cellText(column.values[at])]), cell]),
  );
  return [
    {
      fields: [
        { name: `${row.title}\\${column.title}`, type: row.type, values: rows },
        ...columns.map((name): Field => ({
          name,
          type: value.type,
          values: rows.map((one) => cells.get(JSON.stringify([one, name])) ?? empty),
        })),
      ],
    },
  ];
};
