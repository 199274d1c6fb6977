// Transformations that make columns of rows or labels, and write texts another way.

import { cellText, type Cell, type Field, type Frame } from '../frame';
import { at, numberAt, objects, textAt, texts } from '../json';
import { isSetting, settingsOf } from './configFrom';
import { isMeant, named, untitled, type NamedField, type Step } from './names';

/** `rowsToFields`: a field for each row, named by one field, with the value of another; further fields are its labels. */
export const rowsToFields: Step = (frames, options) => {
  const mappings = new Map(
    objects(at(options, 'mappings')).map((one) => [textAt(one, 'fieldName'), textAt(one, 'handlerKey')]),
  );
  const colors = new Map(
    objects(at(options, 'mappings')).map((one) => [
      textAt(one, 'fieldName'),
      textAt(one, 'handlerArguments.threshold.color', 'red'),
    ]),
  );
  return named(frames).map((frame): Frame => {
    const role = (field: NamedField): string => mappings.get(field.title) ?? mappings.get(field.name) ?? '';
    const name =
      frame.fields.find((field) => role(field) === 'field.name') ??
      frame.fields.find(({ type }) => type === 'string');
    const value =
      frame.fields.find((field) => role(field) === 'field.value') ??
      frame.fields.find(({ type }) => type === 'number');
    if (!name || !value) return { ...frame, fields: frame.fields.map(untitled) };
    const others = frame.fields.filter((field) => field !== name && field !== value);
    // What is named as a setting is one, as long as nobody says otherwise.
    const uses = others.map((field) => ({ field, key: role(field) || field.title.toLowerCase() }));
    const labels = others.filter(
      (field) =>
        role(field) === 'field.label' || (role(field) === '' && !isSetting(field.title.toLowerCase())),
    );
    const said = (place: number): Pick<Field, 'said'> => {
      const cells = uses.map(({ field, key }) => ({
        key,
        cells: [field.values[place] ?? null],
        color: colors.get(field.title) ?? 'red',
      }));
      const settings = settingsOf(cells);
      return Object.keys(settings).length === 0 ? {} : { said: settings };
    };
    const fields = name.values.map((cell, place): Field => ({
      name: cellText(cell),
      type: 'number',
      values: [value.values[place] ?? null],
      ...said(place),
      ...(labels.length === 0
        ? {}
        : { labels: Object.fromEntries(labels.map((one) => [one.title, cellText(one.values[place])])) }),
    }));
    return { ...(frame.refId === undefined ? {} : { refId: frame.refId }), fields };
  });
};

/** `joinByLabels`: rows for what agrees in the labels to join by, a column for each value of one label. */
export const joinByLabels: Step = (frames, options) => {
  const of = textAt(options, 'value');
  const labelled = frames.flatMap(({ fields }) =>
    fields.filter(({ type, labels }) => type !== 'time' && labels?.[of] !== undefined),
  );
  if (of === '' || labelled.length === 0) return frames;
  const wished = texts(at(options, 'join'));
  const every = new Set(
    frames.flatMap(({ fields }) => fields.flatMap((one) => Object.keys(one.labels ?? {}))),
  );
  const by = (wished.length > 0 ? wished : [...every]).filter((name) => name !== of);
  const columns = new Map(labelled.map((field) => [field.labels?.[of] ?? '', field.type]));
  const groups = new Map<string, { key: string[]; cells: Map<string, Cell[]> }>();
  for (const { labels, values } of labelled) {
    const column = labels?.[of] ?? '';
    const key = by.map((name) => labels?.[name] ?? '');
    const group = groups.get(JSON.stringify(key)) ?? { key, cells: new Map<string, Cell[]>() };
    group.cells.set(column, [...(group.cells.get(column) ?? []), ...values.filter((cell) => cell !== null)]);
    groups.set(JSON.stringify(key), group);
  }
  // A group has as many rows as its longest column, and one where there is none.
  const rows = [...groups.values()].flatMap(({ key, cells }) => {
    const length = Math.max(1, ...[...cells.values()].map((own) => own.length));
    return Array.from({ length }, (_, row) => ({ key, row, cells }));
  });
  return [
    {
      fields: [
        ...by.map((name, i): Field => ({
          name,
          type: 'string',
          values: rows.map(({ key }) => key[i] ?? ''),
        })),
        ...[...columns].map(([name, type]): Field => ({
          name,
          type,
          values: rows.map(({ cells, row }) => cells.get(name)?.[row] ?? null),
        })),
      ],
    },
  ];
};

function words(text: string): string[] {
  return text
    .replace(/([a-z\d])([A-Z])/gu, '$1 $2')
    .split(/[\s_-]+/u)
    .filter((word) => word !== '');
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}

const FORMATS: Readonly<Record<string, (text: string) => string>> = {
  'Upper Case': (text) => text.toUpperCase(),
  'Lower Case': (text) => text.toLowerCase(),
  'Sentence Case': (text) => text.charAt(0).toUpperCase() + text.slice(1),
  'Title Case': (text) => text.split(' ').map(capital).join(' '),
  'Pascal Case': (text) => words(text).map(capital).join(''),
  'Camel Case': (text) => {
    const joined = words(text).map(capital).join('');
    return joined.charAt(0).toLowerCase() + joined.slice(1);
  },
  'Snake Case': (text) => words(text).join('_').toLowerCase(),
  'Kebab Case': (text) => words(text).join('-').toLowerCase(),
  Trim: (text) => text.trim(),
};

/** `formatString`: the texts of one field in another case, or a part of them. */
export const formatString: Step = (frames, options) => {
  const meant = textAt(options, 'stringField');
  const format = textAt(options, 'outputFormat', 'Upper Case');
  const from = numberAt(options, 'substringStart') ?? 0;
  const to = numberAt(options, 'substringEnd');
  const write = format === 'Substring' ? (text: string) => text.slice(from, to) : FORMATS[format];
  if (!write) return frames;
  return named(frames).map((frame) => ({
    ...frame,
    fields: frame.fields.map((field) => ({
      ...untitled(field),
      values: isMeant(field, meant)
        ? field.values.map((cell) => (typeof cell === 'string' ? write(cell) : cell))
        : field.values,
    })),
  }));
};
