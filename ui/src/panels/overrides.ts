// A panel's configuration laid on the fields that its queries answered: the defaults, and the overrides that match.

import { readConfig, readPattern, type FieldConfig } from './config';
import { typeOf, type Field, type Frame } from './frame';
import { at, numberAt, object, objects, oneAt, textAt, texts, type Json, type JsonObject } from './json';
import { baseNames, fillName, namesOf, seenNames } from './names';
import { reduce } from './reduce';
import { isDate } from './units/table';

/** A field that knows how it is shown and what it is called. */
export interface ShownField extends Field {
  config: FieldConfig;
  /** What the reader sees as its name. */
  title: string;
}

export interface ShownFrame extends Frame {
  fields: readonly ShownField[];
  nested?: readonly ShownFrame[];
}

interface Candidate {
  field: Field;
  frame: Frame;
  /** All that it may be called by. */
  names: readonly string[];
  /** What the reader sees, as far as overrides before have set it: that alone is what a pattern is of. */
  seen: readonly string[];
}

type Matcher = (candidate: Candidate) => boolean;

const COMPARE: Readonly<Record<string, (a: number, b: number) => boolean>> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '>': (a, b) => a > b,
  '<': (a, b) => a < b,
  '>=': (a, b) => a >= b,
  '<=': (a, b) => a <= b,
};

function byValue(options: unknown): Matcher {
  const compare = COMPARE[textAt(options, 'op', '>=')];
  const limit = numberAt(options, 'value') ?? 0;
  return ({ field }) => {
    const value = reduce(field, textAt(options, 'reducer', 'lastNotNull'));
    return (
      compare !== undefined && field.type === 'number' && typeof value === 'number' && compare(value, limit)
    );
  };
}

function byNames(options: unknown): Matcher {
  const wanted = new Set(texts(at(options, 'names')));
  const without = oneAt(options, 'mode', ['include', 'exclude']) === 'exclude';
  return ({ field, names }) => field.type !== 'time' && names.some((name) => wanted.has(name)) !== without;
}

function byPattern(text: string): Matcher {
  const pattern = readPattern(text);
  return ({ seen }) => pattern !== null && seen.some((name) => pattern.test(name));
}

/** Whether a field is meant, as a matcher of Grafana's says; one that nobody knows means none. */
export function readMatcher(value: unknown): Matcher {
  const id = textAt(value, 'id');
  const options = at(value, 'options');
  const text = typeof options === 'string' ? options : '';
  switch (id) {
    case 'byName':
      return ({ names }) => names.includes(text);
    case 'byNames':
      return byNames(options);
    case 'byRegexp':
    case 'byRegex':
      return byPattern(text);
    case 'byRegexpOrNames':
      return (one) => byNames(options)(one) || byPattern(textAt(options, 'pattern'))(one);
    case 'byType':
      return ({ field }) => field.type === text;
    case 'byTypes':
      return ({ field }) => texts(options).includes(field.type);
    case 'numeric':
      return ({ field }) => field.type === 'number';
    case 'time':
      return ({ field }) => field.type === 'time';
    case 'first':
      return ({ field, frame }) => frame.fields[0] === field;
    case 'firstTimeField':
      return ({ field, frame }) => frame.fields.find(({ type }) => type === 'time') === field;
    case 'byFrameRefID':
      return ({ frame }) => frame.refId === text;
    case 'byValue':
      return byValue(options);
    case 'anyMatch':
      return (one) => objects(options).some((inner) => readMatcher(inner)(one));
    case 'allMatch':
      return (one) => objects(options).every((inner) => readMatcher(inner)(one));
    case 'invertMatch':
      return (one) => !readMatcher(options)(one);
    case 'alwaysMatch':
      return () => true;
    default:
      return () => false;
  }
}

type Draft = Record<string, Json>;

/** `into` with `value` at `path`; what lies on the way is copied, never changed. */
function put(into: JsonObject, path: readonly string[], value: Json): Draft {
  const [key = '', ...rest] = path;
  const inner = rest.length === 0 ? value : put(object(into[key]), rest, value);
  return { ...into, [key]: inner };
}

/** `field` as matchers look at it once `draft` is what has been said about it. */
function candidateOf(field: Field, frame: Frame, base: string, draft: JsonObject): Candidate {
  const template = textAt(draft, 'displayName');
  const names = namesOf(field, base);
  if (template === '') return { field, frame, names, seen: seenNames(field, base) };
  const title = fillName(template, field, base);
  return { field, frame, names: [title, ...names], seen: [title] };
}

interface Override {
  matches: Matcher;
  properties: readonly { path: readonly string[]; value: Json }[];
}

function readOverrides(fieldConfig: JsonObject): Override[] {
  return objects(fieldConfig.overrides).map((override) => ({
    matches: readMatcher(override.matcher),
    properties: objects(override.properties).flatMap((property) => {
      const id = textAt(property, 'id');
      return id === '' ? [] : [{ path: id.split('.'), value: property.value ?? null }];
    }),
  }));
}

/** The defaults that overrides begin with, and what they say by themselves. */
function begun(defaults: JsonObject): { defaults: JsonObject; config: FieldConfig } {
  return { defaults, config: readConfig(defaults) };
}

/** `frames` with every field's configuration and title, as the panel's `fieldConfig` says. */
export function configure(frames: readonly Frame[], fieldConfig: unknown): ShownFrame[] {
  const all = object(fieldConfig);
  const defaults = object(all.defaults);
  const overrides = readOverrides(all);
  const titled = begun(defaults);
  const untitled = begun({ ...defaults, displayName: null });
  const bases = baseNames(frames);
  let place = 0;
  return frames.map(({ nested, ...frame }) => ({
    ...frame,
    ...(nested ? { nested: nested.map((one) => configure([one], fieldConfig)[0] ?? { fields: [] }) } : {}),
    fields: frame.fields.map((field): ShownField => {
      const base = bases[place] ?? field.name;
      place += 1;
      // A name for all values is none for the time beside them.
      const plain = field.type === 'time' ? untitled : titled;
      const first = field.said ? begun({ ...plain.defaults, ...field.said }) : plain;
      let draft: JsonObject = first.defaults;
      let candidate = candidateOf(field, frame, base, draft);
      for (const { matches, properties } of overrides) {
        if (!matches(candidate)) continue;
        for (const { path, value } of properties) draft = put(draft, path, value);
        candidate = candidateOf(field, frame, base, draft);
      }
      const config = draft === first.defaults ? first.config : readConfig(draft);
      // A unit and words for values are none for a time, whatever else an override says of it.
      const own =
        field.type === 'time' && !isDate(config.unit)
          ? {
              ...config,
              unit: 'dateTimeAsSystem',
              mappings: draft.mappings === first.defaults.mappings ? [] : config.mappings,
            }
          : config;
      return {
        ...field,
        config: own,
        title: own.displayName === undefined ? base : fillName(own.displayName, field, base),
      };
    }),
  }));
}

/** `values` as a field that nothing is said about. */
export function plainField(name: string, values: Field['values'], labels?: Field['labels']): Field {
  return { name, type: typeOf(values), values, ...(labels ? { labels } : {}) };
}
