// Transformations between the shapes of time series: one table of all, a frame for each, rows with labels in columns.

import { cellText, firstOf, lengthOf, type Cell, type Field, type Frame } from '../frame';
import { textAt } from '../json';
import { joinByField } from './join';
import type { Step } from './names';

/** The rows of `frame` by time. */
function byTime(time: Field): number[] {
  const rows = time.values.map((_, row) => row);
  return rows.sort((a, b) => Number(time.values[a]) - Number(time.values[b]));
}

/** A field of texts is a label as much as a label is one. */
function isLabel({ type }: Field): boolean {
  return type === 'string' || type === 'boolean';
}

/** Rows of a time, what was measured then, and of what: a row for each set of labels. */
function long(frames: readonly Frame[]): Frame[] {
  return frames.flatMap((frame) => {
    const time = firstOf(frame, 'time');
    if (!time) return [];
    const texts = frame.fields.filter(isLabel);
    const measured = frame.fields.filter((field) => field !== time && !isLabel(field));
    const sets = new Map<string, Field[]>();
    for (const field of measured) {
      const key = JSON.stringify(Object.entries(field.labels ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
      sets.set(key, [...(sets.get(key) ?? []), field]);
    }
    const ordered = [...sets].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, fields]) => fields);
    const names = new Map(measured.map(({ name, type }) => [name, type]));
    const labels = new Set([
      ...texts.map(({ name }) => name),
      ...measured.flatMap((field) => Object.keys(field.labels ?? {})),
    ]);
    // When nothing was measured there is no row.
    const rows = byTime(time).flatMap((row) =>
      ordered
        .filter((fields) => fields.some(({ values }) => (values[row] ?? null) !== null))
        .map((fields) => ({ row, fields })),
    );
    const column = (
      name: string,
      type: Field['type'],
      of: (row: number, fields: Field[]) => Cell,
    ): Field => ({
      name,
      type,
      values: rows.map(({ row, fields }) => of(row, fields)),
    });
    const bare = texts.map(({ name, values }) => [name, values] as const);
    return [
      {
        ...frame,
        fields: [
          column(time.name, 'time', (row) => time.values[row] ?? null),
          ...[...names]
            .sort(([a], [b]) => (a < b ? -1 : 1))
            .map(([name, type]) =>
              column(
                name,
                type,
                (row, fields) => fields.find((field) => field.name === name)?.values[row] ?? null,
              ),
            ),
          ...[...labels]
            .sort()
            .map((label) =>
              column(
                label,
                'string',
                (row, fields) =>
                  fields[0]?.labels?.[label] ?? bare.find(([name]) => name === label)?.[1][row] ?? null,
              ),
            ),
        ],
      },
    ];
  });
}

/** A frame of a time and a value for each series, and for each set of texts in the other fields. */
function many(frames: readonly Frame[]): Frame[] {
  return frames.flatMap((frame) => {
    const time = firstOf(frame, 'time');
    if (!time) return [];
    const order = byTime(time);
    const texts = frame.fields.filter(({ type }) => type === 'string');
    const sets = new Map<string, { labels: Record<string, string>; rows: number[] }>();
    for (const row of order.slice(0, lengthOf(frame))) {
      const labels = Object.fromEntries(texts.map(({ name, values }) => [name, cellText(values[row])]));
      const set = sets.get(JSON.stringify(labels)) ?? { labels, rows: [] };
      set.rows.push(row);
      sets.set(JSON.stringify(labels), set);
    }
    return frame.fields
      .filter(({ type }) => type === 'number' || type === 'boolean')
      .flatMap((field) =>
        [...sets.values()].map(({ labels, rows }): Frame => {
          const own = { ...labels, ...field.labels };
          const cells = (one: Field): Cell[] => rows.map((row) => one.values[row] ?? null);
          return {
            ...frame,
            fields: [
              { ...time, values: cells(time) },
              {
                ...field,
                values: cells(field),
                ...(Object.keys(own).length > 0 ? { labels: own } : {}),
              },
            ],
          };
        }),
      );
  });
}

/** `prepareTimeSeries`: all series side by side, each in a frame, or their labels in columns. */
export const prepareTimeSeries: Step = (frames, options) => {
  switch (textAt(options, 'format', 'wide')) {
    case 'many':
    case 'multi':
      return many(frames);
    case 'long':
      return long(frames);
    default:
      return joinByField(frames, {});
  }
};
