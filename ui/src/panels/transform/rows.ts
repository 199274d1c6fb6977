// Transformations of rows: which there are, in what order, and what groups of them come to.

import {
  cellText,
  lengthOf,
  numeric,
  pick,
  typeOf,
  type Cell,
  type Field,
  type Frame,
  type Trend,
} from '../frame';
import { at, flagAt, numberAt, object, objects, oneAt, textAt, texts } from '../json';
import { reduce, reductionName } from '../reduce';
import { isMeant, named, passes, type NamedField, type NamedFrame, type Step } from './names';

function all(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export const filterByValue: Step = (frames, options) => {
  const filters = objects(at(options, 'filters'));
  if (filters.length === 0) return frames;
  const include = oneAt(options, 'type', ['include', 'exclude']) === 'include';
  const every = oneAt(options, 'match', ['any', 'all']) === 'all';
  return named(frames).map((frame) => {
    const tests = filters.flatMap((filter) => {
      const field = frame.fields.find((one) => isMeant(one, textAt(filter, 'fieldName')));
      if (!field) return [];
      const id = textAt(filter, 'config.id');
      const given = at(filter, 'config.options');
      return [(row: number): boolean => passes(field.values[row] ?? null, id, given)];
    });
    if (tests.length === 0) return frame;
    const meant = (row: number): boolean =>
      every ? tests.every((test) => test(row)) : tests.some((test) => test(row));
    return pick(
      frame,
      all(lengthOf(frame)).filter((row) => meant(row) === include),
    );
  });
};

function compare(a: Cell, b: Cell): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  const [x, y] = [numeric(a), numeric(b)];
  if (x !== null && y !== null) return x - y;
  return cellText(a).localeCompare(cellText(b), 'en', { numeric: true });
}

/** The places of a column's rows in order; what is nothing stands last in either. */
function ordered(values: readonly Cell[], desc: boolean): number[] {
  return all(values.length).sort((a, b) => {
    const [one, other] = [values[a] ?? null, values[b] ?? null];
    if (one === null || other === null) return Number(one === null) - Number(other === null);
    return desc ? compare(other, one) : compare(one, other);
  });
}

export const sortBy: Step = (frames, options) => {
  const [by] = objects(at(options, 'sort'));
  if (!by) return frames;
  return named(frames).map((frame) => {
    const field = frame.fields.find((one) => isMeant(one, textAt(by, 'field')));
    return field ? pick(frame, ordered(field.values, flagAt(by, 'desc'))) : frame;
  });
};

export const limit: Step = (frames, options) => {
  const count = numberAt(options, 'limitField') ?? 10;
  const fromEnd = textAt(options, 'limitPosition') === 'bottom';
  return frames.map((frame) => {
    const rows = all(lengthOf(frame));
    return pick(frame, fromEnd ? rows.slice(-count) : rows.slice(0, count));
  });
};

function rowsOf(
  frame: NamedFrame,
  ids: readonly string[],
): { title: string; labels: Field['labels']; cells: Cell[] }[] {
  return frame.fields
    .filter(({ type }) => type !== 'time')
    .map((field) => ({
      title: field.title,
      labels: field.labels,
      cells: ids.map((id) => reduce(field, id)),
    }));
}

function columnsOf(ids: readonly string[], rows: readonly { cells: readonly Cell[] }[]): Field[] {
  return ids.map((id, i): Field => {
    const values = rows.map(({ cells }) => cells[i] ?? null);
    return { name: reductionName(id), type: typeOf(values), values };
  });
}

/** `reduce`: each series a row of what it comes to, or each column one value. */
export const reduceSeries: Step = (frames, options) => {
  const asked = texts(at(options, 'reducers'));
  const ids = asked.length === 0 ? ['max'] : asked;
  if (oneAt(options, 'mode', ['seriesToRows', 'reduceFields']) === 'reduceFields') {
    // Several calculations of a field are told apart as if by a label.
    const labels = (field: Field, id: string): Pick<Field, 'labels'> =>
      ids.length > 1 ? { labels: { ...field.labels, reducer: reductionName(id) } } : {};
    return frames.map((frame) => ({
      ...frame,
      fields: frame.fields
        .filter(({ type }) => type === 'number' || (type === 'time' && flagAt(options, 'includeTimeField')))
        .flatMap((field) =>
          ids.map((id) => ({ ...field, ...labels(field, id), values: [reduce(field, id)] })),
        ),
    }));
  }
  const rows = named(frames).flatMap((frame) => rowsOf(frame, ids));
  if (rows.length === 0) return frames;
  if (flagAt(options, 'labelsToFields')) {
    const labels = [...new Set(rows.flatMap((row) => Object.keys(row.labels ?? {})))].filter(
      (name) => name !== '__name__',
    );
    return [
      {
        fields: [
          { name: 'Field', type: 'string', values: rows.map((row) => row.labels?.__name__ ?? row.title) },
          ...labels.map((name): Field => ({
            name,
            type: 'string',
            values: rows.map((row) => row.labels?.[name] ?? null),
          })),
          ...columnsOf(ids, rows),
        ],
      },
    ];
  }
  return [
    {
      fields: [
        { name: 'Field', type: 'string', values: rows.map(({ title }) => title) },
        ...columnsOf(ids, rows),
      ],
    },
  ];
};

/** The rows that agree in `keys`, group after group. */
export function groupsOf(frame: Frame, keys: readonly Field[]): number[][] {
  const groups = new Map<string, number[]>();
  for (const row of all(lengthOf(frame))) {
    const key = JSON.stringify(keys.map((field) => field.values[row] ?? null));
    const rows = groups.get(key);
    if (rows) rows.push(row);
    else groups.set(key, [row]);
  }
  return [...groups.values()];
}

/** A column for each of `keys`, a row for each group. */
export function headsOf(keys: readonly NamedField[], groups: readonly (readonly number[])[]): Field[] {
  return keys.map((field): Field => ({
    name: field.title,
    type: field.type,
    values: groups.map(([row = 0]) => field.values[row] ?? null),
  }));
}

/** A column for each calculation of `ids`: what `field` comes to in each group. */
export function calculatedOf(
  field: NamedField,
  ids: readonly string[],
  groups: readonly (readonly number[])[],
): Field[] {
  return ids.map((id) => {
    const values = groups.map((rows) => reduce({ values: rows.map((row) => field.values[row] ?? null) }, id));
    return { name: `${field.title} (${id})`, type: typeOf(values), values };
  });
}

/** `groupBy`: rows that agree in some columns become one, with what the others come to. */
export const groupBy: Step = (frames, options) => {
  const wanted = object(at(options, 'fields'));
  return named(frames).flatMap((frame) => {
    const said = frame.fields.map((field) => ({
      field,
      how: object(wanted[field.title] ?? wanted[field.name]),
    }));
    const keys = said.filter(({ how }) => how.operation === 'groupby').map(({ field }) => field);
    if (keys.length === 0) return [];
    const groups = groupsOf(frame, keys);
    const made = said.flatMap(({ field, how }) =>
      how.operation === 'aggregate' ? calculatedOf(field, texts(how.aggregations), groups) : [],
    );
    return [{ ...frame, fields: [...headsOf(keys, groups), ...made] }];
  });
};

/** `timeSeriesTable`: each series a row of its labels and how it went. */
export const timeSeriesTable: Step = (frames, options) => {
  const byQuery = new Map<string, Frame[]>();
  for (const frame of frames)
    byQuery.set(frame.refId ?? 'A', [...(byQuery.get(frame.refId ?? 'A') ?? []), frame]);
  return [...byQuery].flatMap(([refId, own]) => {
    const rows = named(own).flatMap((frame) => frame.fields.filter(({ type }) => type === 'number'));
    if (rows.length === 0) return own;
    const labels = [...new Set(rows.flatMap((field) => Object.keys(field.labels ?? {})))].filter(
      (name) => name !== '__name__',
    );
    const how = textAt(options, `${refId}.stat`, 'lastNotNull');
    return [
      {
        refId,
        fields: [
          ...labels.map((name): Field => ({
            name,
            type: 'string',
            values: rows.map((field) => field.labels?.[name] ?? null),
          })),
          {
            name: `Trend #${refId}`,
            type: 'number' as const,
            values: rows.map((field): Trend => ({
              value: numeric(reduce(field, how)),
              points: field.values.map(numeric),
            })),
          },
        ],
      },
    ];
  });
};
