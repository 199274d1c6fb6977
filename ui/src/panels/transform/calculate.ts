// Transformations that make columns of columns: sums of a row, one column by another, parts of a text.

import { cellText, lengthOf, numeric, typeOf, type Cell, type Field, type Frame } from '../frame';
import { at, flagAt, list, numberAt, object, objects, textAt, texts } from '../json';
import { reduce, reductionName } from '../reduce';
import { joinByField } from './join';
import { isMeant, named, pattern, untitled, type NamedField, type NamedFrame, type Step } from './names';
import { groupsOf } from './rows';

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  '+': (a, b) => a + b,
  '-': (a, b) => a - b,
  '*': (a, b) => a * b,
  '/': (a, b) => a / b,
  '%': (a, b) => a % b,
  '**': (a, b) => a ** b,
};

const UNARY: Readonly<Record<string, (value: number) => number>> = {
  abs: Math.abs,
  ceil: Math.ceil,
  exp: Math.exp,
  floor: Math.floor,
  ln: Math.log,
  round: Math.round,
};

interface Calculated extends Pick<Field, 'said' | 'sparse'> {
  name: string;
  values: Cell[];
}

/** What Grafana calculates with for a cell: for null with 0, as JavaScript does; null where there is no number. */
function operand({ values, sparse }: Field, row: number): number | null {
  const cell = values[row] ?? null;
  return cell === null && !sparse ? 0 : numeric(cell);
}

/** A side of an operation: a column, or a number that is written. */
function side(frame: NamedFrame, value: unknown): ((row: number) => number | null) | null {
  const name = typeof value === 'string' ? value : textAt(value, 'matcher.options', textAt(value, 'fixed'));
  const field = frame.fields.find((one) => isMeant(one, name));
  if (field) return (row) => operand(field, row);
  const fixed = Number(name);
  return name.trim() === '' || Number.isNaN(fixed) ? null : () => fixed;
}

function sideName(value: unknown): string {
  return typeof value === 'string' ? value : textAt(value, 'matcher.options', textAt(value, 'fixed'));
}

function binary(frame: NamedFrame, options: unknown): Calculated | null {
  const operator = textAt(options, 'operator', '+');
  const [left, right] = [side(frame, at(options, 'left')), side(frame, at(options, 'right'))];
  const make = OPERATORS[operator];
  if (!left || !right || !make) return null;
  const values = Array.from({ length: lengthOf(frame) }, (_, row) => {
    const [a, b] = [left(row), right(row)];
    return a === null || b === null ? null : make(a, b);
  });
  const name = `${sideName(at(options, 'left'))} ${operator} ${sideName(at(options, 'right'))}`;
  return { name: name.replaceAll('$', ''), values, sparse: true };
}

function unary(frame: NamedFrame, options: unknown): Calculated | null {
  const name = textAt(options, 'operator', 'abs');
  const make = UNARY[name];
  const field = frame.fields.find((one) => isMeant(one, textAt(options, 'fieldName')));
  if (!make || !field) return null;
  return {
    name: `${name}(${field.title})`,
    values: field.values.map((_, row) => {
      const value = operand(field, row);
      return value === null ? null : make(value);
    }),
    sparse: true,
  };
}

function included(frame: NamedFrame, options: unknown): readonly NamedField[] {
  const names = texts(at(options, 'include'));
  return frame.fields.filter(
    (field) => field.type === 'number' && (names.length === 0 || names.some((name) => isMeant(field, name))),
  );
}

function reduceRow(frame: NamedFrame, options: unknown): Calculated | null {
  const id = textAt(options, 'reducer', 'sum');
  const fields = included(frame, options);
  if (fields.length === 0) return null;
  const values = Array.from({ length: lengthOf(frame) }, (_, row) =>
    reduce({ values: fields.map((field) => field.values[row] ?? null) }, id),
  );
  return { name: reductionName(id), values };
}

/** The field that is asked for, the first of numbers where none is; and how that is said in the name of what is made. */
function asked(frame: NamedFrame, options: unknown): { field: NamedField; said: string } | null {
  const name = textAt(options, 'field');
  const field = frame.fields.find((one) => (name === '' ? one.type === 'number' : isMeant(one, name)));
  return field ? { field, said: name === '' ? '' : `(${name})` } : null;
}

function cumulative(frame: NamedFrame, options: unknown): Calculated | null {
  const found = asked(frame, options);
  if (!found) return null;
  const means = textAt(options, 'reducer', 'sum') === 'mean';
  let [sum, count] = [0, 0];
  // A row without a value is one that Grafana's answers have not.
  const values = found.field.values.map((cell) => {
    const value = numeric(cell);
    if (value !== null) [sum, count] = [sum + value, count + 1];
    return count === 0 ? null : means ? sum / count : sum;
  });
  return { name: `cumulative ${means ? 'mean' : 'sum'}${found.said}`, values };
}

/** What each row and those around it, or before it, come to; less of them at the ends. */
function windowed(frame: NamedFrame, options: unknown): Calculated | null {
  const found = asked(frame, options);
  if (!found) return null;
  const size = numberAt(options, 'windowSize') ?? 0.1;
  const share = textAt(options, 'windowSizeMode', 'percentage') === 'percentage';
  const { values: cells } = found.field;
  const wide = Math.max(1, Math.ceil(share ? size * cells.length : size));
  const id = textAt(options, 'reducer', 'mean');
  const alignment = textAt(options, 'windowAlignment', 'trailing');
  const before = alignment === 'centered' ? Math.floor(wide / 2) : wide - 1;
  const values = cells.map((_, row) => {
    const from = row - before;
    return reduce({ values: cells.slice(Math.max(0, from), from + wide) }, id);
  });
  return { name: `${alignment} moving ${id}${found.said}`, values };
}

/** The number of each row, or the share of all rows that it comes to. */
function numberOf(frame: NamedFrame, share: boolean): Calculated {
  const length = lengthOf(frame);
  const values = Array.from({ length }, (_, row) => (share ? row / length : row));
  return { name: 'Row', values, ...(share ? { said: { unit: 'percentunit' } } : {}) };
}

/** An operation on every field of a type at once, a column of each: the left side is all of them. */
function everyBinary(frame: NamedFrame, options: unknown): Calculated[] {
  const type = textAt(options, 'binary.left.matcher.options');
  return frame.fields
    .filter((field) => field.type === type)
    .flatMap(({ title }) => {
      const left = { matcher: { id: 'byName', options: title } };
      return binary(frame, { ...object(at(options, 'binary')), left }) ?? [];
    });
}

function allCalculated(frame: NamedFrame, options: unknown): Calculated[] {
  const ofType =
    textAt(options, 'mode') === 'binary' && textAt(options, 'binary.left.matcher.id') === 'byType';
  if (ofType) return everyBinary(frame, options);
  const one = calculated(frame, options);
  const alias = textAt(options, 'alias');
  return one ? [alias === '' ? one : { ...one, name: alias }] : [];
}

function calculated(frame: NamedFrame, options: unknown): Calculated | null {
  switch (textAt(options, 'mode', 'reduceRow')) {
    case 'binary':
      return binary(frame, at(options, 'binary'));
    case 'unary':
      return unary(frame, at(options, 'unary'));
    case 'cumulativeFunctions':
      return cumulative(frame, at(options, 'cumulative'));
    case 'windowFunctions':
      return windowed(frame, at(options, 'window'));
    case 'index':
      return numberOf(frame, flagAt(options, 'index.asPercentile'));
    default:
      return reduceRow(frame, at(options, 'reduce'));
  }
}

/** `calculateField`: one more column, made of the others. */
export const calculateField: Step = (frames, options) => {
  const mode = textAt(options, 'mode', 'reduceRow');
  const inTime = flagAt(options, 'timeSeries', true);
  // What needs no other field is made of each series.
  const alone = mode === 'binary' && (at(options, 'binary.right.fixed') ?? null) !== null;
  const series =
    frames.length > 1 &&
    inTime &&
    !alone &&
    frames.every(({ fields }) => fields.some(({ type }) => type === 'time'));
  const joined = series ? joinByField(frames, {}) : frames;
  const all = named(joined).map((frame) => ({ frame, made: allCalculated(frame, options) }));
  const replaces = flagAt(options, 'replaceFields') && all.some(({ made }) => made.length > 0);
  return all.flatMap(({ frame, made }): Frame[] => {
    const fields = made.map((one): Field => ({ ...one, asked: one.name, type: typeOf(one.values) }));
    const plain = frame.fields.map(untitled);
    if (!replaces) return [{ ...frame, fields: [...plain, ...fields] }];
    const times = inTime && mode !== 'index' ? plain.filter(({ type }) => type === 'time') : [];
    return fields.length === 0 ? [] : [{ ...frame, fields: [...times.slice(0, 1), ...fields] }];
  });
};

function scalar(value: unknown): Cell {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  return JSON.stringify(value);
}

function below(value: unknown, path: string): unknown {
  let now = value;
  for (const key of path.replaceAll(/\[(\w+)\]/gu, '.$1').split('.')) {
    if (typeof now !== 'object' || now === null || !Object.hasOwn(now, key)) return undefined;
    now = (now as Record<string, unknown>)[key];
  }
  return now;
}

function fromJson(text: string, paths: readonly { path: string; alias: string }[]): Record<string, Cell> {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return {};
  }
  if (typeof read !== 'object' || read === null) return {};
  if (paths.length > 0)
    return Object.fromEntries(paths.map(({ path, alias }) => [alias || path, scalar(below(read, path))]));
  return Object.fromEntries(Object.entries(read).map(([key, value]) => [key, scalar(value)]));
}

const PAIR = /([^\s,;{}=:"]+)\s*[=:]\s*("(?:[^"\\]|\\.)*"|[^\s,;{}]+)/gu;

function fromPairs(text: string): Record<string, Cell> {
  return Object.fromEntries(
    [...text.matchAll(PAIR)].map(([, key = '', value = '']) => [
      key,
      value.startsWith('"') ? value.slice(1, -1) : value,
    ]),
  );
}

function parts(
  cell: Cell,
  options: unknown,
  paths: readonly { path: string; alias: string }[],
): Record<string, Cell> {
  const text = cellText(cell);
  switch (textAt(options, 'format', 'auto')) {
    case 'json':
      return fromJson(text, paths);
    case 'kvp':
      return fromPairs(text);
    case 'regexp':
    case 'regex':
      return pattern(textAt(options, 'regExp')).exec(text)?.groups ?? {};
    case 'delimiter':
      return Object.fromEntries(
        text.split(textAt(options, 'delimiter', ',')).map((part, i) => [`Column ${i + 1}`, part.trim()]),
      );
    default:
      return text.trimStart().startsWith('{') ? fromJson(text, paths) : fromPairs(text);
  }
}

/** `extractFields`: what is written in a column's texts as columns of its own. */
export const extractFields: Step = (frames, options) => {
  const source = textAt(options, 'source');
  const paths = objects(at(options, 'jsonPaths')).map((one) => ({
    path: textAt(one, 'path'),
    alias: textAt(one, 'alias'),
  }));
  return named(frames).map((frame): Frame => {
    const field = frame.fields.find((one) =>
      source === '' ? one.type === 'string' || one.type === 'other' : isMeant(one, source),
    );
    const plain = frame.fields.map(untitled);
    if (!field) return { ...frame, fields: plain };
    const rows = field.values.map((cell) => object(parts(cell, options, paths)) as Record<string, Cell>);
    const names = [...new Set(rows.flatMap(Object.keys))];
    const made = names.map((name): Field => {
      const values = rows.map((row) => row[name] ?? null);
      return { name, type: typeOf(values), values, sparse: true };
    });
    if (!flagAt(options, 'replace')) return { ...frame, fields: [...plain, ...made] };
    const times = flagAt(options, 'keepTime') ? plain.filter(({ type }) => type === 'time') : [];
    return { ...frame, fields: [...times, ...made] };
  });
};

/** What a part is called: its values, with the names of their fields where that is asked for. */
function partName(keys: readonly NamedField[], row: number, naming: unknown): string {
  const [inside, between] = [textAt(naming, 'separator1', '='), textAt(naming, 'separator2', ' ')];
  return keys
    .map((field) => {
      const text = cellText(field.values[row]);
      return flagAt(naming, 'withNames') ? `${field.title}${inside}${text}` : text;
    })
    .join(between);
}

/** `partitionByValues`: a frame for each value of some columns. */
export const partitionByValues: Step = (frames, options) => {
  const by = list(at(options, 'fields'));
  const naming = at(options, 'naming');
  return named(frames).flatMap((frame) => {
    const keys = frame.fields.filter(({ title, name }) => by.includes(title) || by.includes(name));
    if (keys.length === 0) return [frame];
    const rest = !flagAt(options, 'keepFields')
      ? frame.fields.filter((one) => !keys.includes(one))
      : frame.fields;
    return groupsOf(frame, keys).map((rows): Frame => {
      const [first = 0] = rows;
      const own = partName(keys, first, naming);
      const labels = Object.fromEntries(keys.map(({ title, values }) => [title, cellText(values[first])]));
      const name = flagAt(naming, 'append') && frame.name ? `${frame.name} ${own}` : own;
      return {
        ...frame,
        ...(flagAt(naming, 'asLabels') ? {} : { name }),
        fields: rest.map((field) => ({
          ...untitled(field),
          ...(flagAt(naming, 'asLabels') ? { labels: { ...field.labels, ...labels } } : {}),
          values: rows.map((row) => field.values[row] ?? null),
        })),
      };
    });
  });
};
