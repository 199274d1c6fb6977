// Transformations of columns: which there are, in what order, under what names, of what type.

import { cellText, numeric, type Cell, type Field, type FieldType, type Frame } from '../frame';
import { at, flagAt, list, numberAt, object, objects, oneAt, textAt, writeJson, type Json } from '../json';
import { chooser, isMeant, named, pattern, renamed, type NamedField, type Step } from './names';
import { merge } from './join';

/** Where fields stand that no order names. */
const LAST = Number.MAX_SAFE_INTEGER;

const BY_WORD = new Intl.Collator('en', { sensitivity: 'base', numeric: true });

/** How fields are put in order by what they and their labels are called; the first time stands before all. */
function automatic(
  fields: readonly NamedField[],
  orderBy: unknown,
): (a: NamedField, b: NamedField) => number {
  const time = fields.find(({ type }) => type === 'time');
  const ways = objects(orderBy).map((one) => {
    const label = textAt(one, 'type') === 'label' ? textAt(one, 'name') : null;
    const of = (field: NamedField): string => (label === null ? field.title : (field.labels?.[label] ?? ''));
    const sign = flagAt(one, 'desc') ? -1 : 1;
    return (a: NamedField, b: NamedField): number => BY_WORD.compare(of(a), of(b)) * sign;
  });
  return (a, b) => {
    const byTime = Number(b === time) - Number(a === time);
    if (byTime !== 0) return byTime;
    for (const way of ways) {
      const found = way(a, b);
      if (found !== 0) return found;
    }
    return 0;
  };
}

/** `organize`: leaves out, orders and renames. */
export const organize: Step = (frames, options) => {
  const without = object(at(options, 'excludeByName'));
  const only = object(at(options, 'includeByName'));
  const order = object(at(options, 'indexByName'));
  const names = object(at(options, 'renameByName'));
  const onlyThese = Object.values(only).some((one) => one === true);
  return named(frames).map((frame) => {
    const kept = frame.fields.filter(({ title, name }) => {
      if (onlyThese && only[title] !== true && only[name] !== true) return false;
      return without[title] !== true && without[name] !== true;
    });
    if (textAt(options, 'orderByMode') === 'auto') {
      kept.sort(automatic(kept, at(options, 'orderBy')));
    } else if (Object.keys(order).length > 0) {
      const places = new Map(
        kept.map((field) => [field, numberAt(order, field.title) ?? numberAt(order, field.name) ?? LAST]),
      );
      const place = (field: NamedField): number => places.get(field) ?? LAST;
      kept.sort((a, b) => place(a) - place(b));
    }
    return {
      ...frame,
      fields: kept.map((field) => {
        const { title, ...rest } = field;
        const name = textAt({ of: names[title] ?? names[field.name] ?? '' }, 'of');
        return name === '' ? rest : renamed(rest, name);
      }),
    };
  });
};

export const filterFieldsByName: Step = (frames, options) => {
  const byVariable = flagAt(options, 'byVariable');
  const include = chooser(at(options, 'include'), byVariable);
  const exclude = chooser(at(options, 'exclude'), byVariable);
  return named(frames)
    .map((frame) => ({
      ...frame,
      fields: frame.fields.filter(
        ({ title, name }) =>
          (include === null || include(title) || include(name)) &&
          !(exclude?.(title) === true || exclude?.(name) === true),
      ),
    }))
    .filter(({ fields }) => fields.length > 0);
};

export const filterByRefId: Step = (frames, options) => {
  const written = textAt(options, 'include');
  if (written === '') return frames;
  const fits = pattern(written.startsWith('/') ? written : `^(?:${written})$`);
  return frames.filter(({ refId }) => fits.test(refId ?? ''));
};

export const renameByRegex: Step = (frames, options) => {
  const written = textAt(options, 'regex');
  // Javascript's own words for groups, as Grafana takes them.
  const to = textAt(options, 'renamePattern');
  const from = pattern(written);
  return named(frames).map((frame) => ({
    ...frame,
    fields: frame.fields.map(({ title, ...field }) => {
      const next = title.replace(from, to);
      return next === title ? field : renamed(field, next);
    }),
  }));
};

function converted(cell: Cell, type: FieldType, asText: (cell: Cell) => string): Cell {
  switch (type) {
    case 'number':
      return numeric(typeof cell === 'string' ? cell.replaceAll(',', '') : cell);
    case 'time': {
      if (typeof cell === 'number') return cell;
      const text = cellText(cell);
      const ms = /^\d{12,14}$/u.test(text) ? Number(text) : Date.parse(text);
      return Number.isNaN(ms) ? null : ms;
    }
    case 'boolean':
      return cell === null
        ? null
        : cell !== 0 && cell !== '0' && cell !== false && cellText(cell).toLowerCase() !== 'false';
    case 'string':
      return cell === null ? null : asText(cell);
    case 'other':
      return cell;
  }
}

function readList(text: string): readonly Json[] | null {
  if (!text.startsWith('[')) return null;
  try {
    return JSON.parse(text) as readonly Json[];
  } catch {
    return null;
  }
}

/** How a conversion writes the cells of `field`: times by its format, lists with what it puts between their entries. */
function writing(field: Field, options: unknown): (cell: Cell) => string {
  const format = textAt(options, 'dateFormat');
  const between = textAt(options, 'joinWith');
  const utc = textAt(options, 'timezone') === 'utc';
  if (field.type === 'time' && format !== '')
    return (cell) => (typeof cell === 'number' ? formatted(cell, format, utc) : cellText(cell));
  if (between === '') return cellText;
  return (cell) => {
    const text = cellText(cell);
    const entries = readList(text)?.map((one) => (typeof one === 'string' ? one : writeJson(one)));
    return entries?.join(between) ?? text;
  };
}

const TYPES: readonly [FieldType, ...FieldType[]] = ['string', 'number', 'time', 'boolean', 'other'];

export const convertFieldType: Step = (frames, options) => {
  const wanted = objects(at(options, 'conversions'));
  return named(frames).map((frame) => ({
    ...frame,
    fields: frame.fields.map(({ title, ...field }) => {
      const found = wanted.find((one) => isMeant({ ...field, title }, textAt(one, 'targetField')));
      if (!found) return field;
      const type = oneAt(found, 'destinationType', TYPES);
      const asText = writing(field, found);
      return { ...field, type, values: field.values.map((cell) => converted(cell, type, asText)) };
    }),
  }));
};

/** `labelsToFields`: each label a column of texts, or a row of the label and its value. */
export const labelsToFields: Step = (frames, options) => {
  const keep = list(at(options, 'keepLabels'));
  const taken = (name: string): boolean => keep.length === 0 || keep.includes(name);
  if (oneAt(options, 'mode', ['columns', 'rows']) === 'rows')
    return frames.map((frame): Frame => {
      const labels = Object.entries(
        Object.assign({}, ...frame.fields.map((one) => one.labels ?? {})) as Record<string, string>,
      ).filter(([name]) => taken(name));
      return {
        ...frame,
        fields: [
          { name: 'label', type: 'string', values: labels.map(([name]) => name) },
          { name: 'value', type: 'string', values: labels.map(([, value]) => value) },
        ],
      };
    });
  const valueLabel = textAt(options, 'valueLabel');
  const wide = frames.flatMap((frame) => {
    const values = frame.fields.filter(({ labels }) => labels && Object.keys(labels).length > 0);
    const rest = frame.fields.filter((field) => !values.includes(field));
    if (values.length === 0) return [frame];
    return values.map((field): Frame => {
      const labels = Object.entries(field.labels ?? {}).filter(
        ([name]) => taken(name) && name !== valueLabel && name !== '__name__',
      );
      const columns = labels.map(([name, value]): Field => ({
        name,
        type: 'string',
        values: field.values.map(() => value),
      }));
      const { labels: gone, asked, ...bare } = field;
      const name =
        gone?.[valueLabel] ??
        gone?.__name__ ??
        (asked !== undefined && labels.length === 0 ? asked : field.name);
      return { ...frame, fields: [...rest, ...columns, { ...bare, name }] };
    });
  });
  return merge(wide, {});
};

/** `concatenate`: all columns beside each other. */
export const concatenate: Step = (frames, options) => {
  if (frames.length < 2) return frames;
  const mode = oneAt(options, 'frameNameMode', ['field', 'label', 'drop']);
  const label = textAt(options, 'frameNameLabel', 'frame');
  const many = frames.filter(({ name }) => name).length > 1;
  return [
    {
      fields: frames.flatMap((frame) =>
        frame.fields.map((field) => {
          const name = frame.name ?? '';
          if (!many || name === '' || mode === 'drop') return field;
          if (mode === 'label') return { ...field, labels: { ...field.labels, [label]: name } };
          return { ...field, name: `${name} · ${field.name}` };
        }),
      ),
    },
  ];
};

/** `transpose`: rows become columns, the first column their names. */
export const transpose: Step = (frames, options) =>
  named(frames).map((frame): Frame => {
    const [head, ...rest] = frame.fields;
    if (!head) return frame;
    return {
      ...frame,
      fields: [
        {
          name: textAt(options, 'firstFieldName', 'Field'),
          type: 'string',
          values: rest.map(({ title }) => title),
        },
        ...head.values.map((name, row): Field => {
          const values = rest.map((field) => field.values[row] ?? null);
          const whole = rest.every(({ type }) => type === rest[0]?.type);
          return { name: cellText(name), type: whole ? (rest[0]?.type ?? 'string') : 'string', values };
        }),
      ],
    };
  });

const PARTS = /YYYY|MMMM|MMM|MM|DD|HH|hh|mm|ss|SSS|A/gu;

/** `ms` by a format such as `YYYY-MM-DD HH:mm`. */
function formatted(ms: number, format: string, utc: boolean): string {
  const date = new Date(ms);
  if (Number.isNaN(date.getTime())) return '';
  const part = (options: Intl.DateTimeFormatOptions): string =>
    date.toLocaleString('en-US', { ...options, hourCycle: 'h23', ...(utc ? { timeZone: 'UTC' } : {}) });
  const hours = Number(part({ hour: '2-digit' }));
  const ways: Readonly<Record<string, () => string>> = {
    YYYY: () => part({ year: 'numeric' }),
    MMMM: () => part({ month: 'long' }),
    MMM: () => part({ month: 'short' }),
    MM: () => part({ month: '2-digit' }),
    DD: () => part({ day: '2-digit' }),
    HH: () => String(hours).padStart(2, '0'),
    hh: () => String(hours % 12 || 12).padStart(2, '0'),
    mm: () => part({ minute: '2-digit' }).padStart(2, '0'),
    ss: () => part({ second: '2-digit' }).padStart(2, '0'),
    SSS: () => String(date.getUTCMilliseconds()).padStart(3, '0'),
    A: () => (hours < 12 ? 'AM' : 'PM'),
  };
  return format.replace(PARTS, (token) => ways[token]?.() ?? token);
}

export const formatTime: Step = (frames, options) => {
  const wanted = textAt(options, 'timeField');
  const format = textAt(options, 'outputFormat') || 'YYYY-MM-DD HH:mm:ss';
  const utc = textAt(options, 'timezone') === 'utc' || flagAt(options, 'useTimezone');
  return named(frames).map((frame) => ({
    ...frame,
    fields: frame.fields.map(({ title, ...field }): Field => {
      if (!isMeant({ ...field, title }, wanted)) return field;
      return {
        ...field,
        type: 'string',
        values: field.values.map((cell) => {
          const ms = numeric(cell);
          return ms === null ? null : formatted(ms, format, utc);
        }),
      };
    }),
  }));
};
