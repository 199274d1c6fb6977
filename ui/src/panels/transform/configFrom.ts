// `configFromData`: what one query answers says how the fields of the others are shown.

import { cellText, numeric, type Cell, type Field } from '../frame';
import { objects, textAt, at, type Json, type JsonObject } from '../json';
import { namesOf, seenNames } from '../names';
import { readMatcher } from '../overrides';
import { reduce } from '../reduce';
import { named, unnamed, untitled, type NamedField, type NamedFrame, type Step } from './names';

export interface Use {
  key: string;
  /** The cells that the calculation leaves: all of them where it is of all. */
  cells: readonly Cell[];
  color: string;
}

const OF_ALL = ['mappings.value', 'mappings.color', 'mappings.text'];

const SETTINGS = ['min', 'max', 'unit', 'decimals', 'displayname', 'color', 'threshold1', ...OF_ALL];

/** Whether a field of this name, in small letters, says how others are shown. */
export function isSetting(key: string): boolean {
  return SETTINGS.includes(key);
}

function cellsOf(field: Field, id: string): readonly Cell[] {
  if (id === 'allValues') return field.values;
  if (id === 'uniqueValues') return [...new Set(field.values)];
  return [reduce(field, id)];
}

function usesOf(frame: NamedFrame, mappings: readonly JsonObject[]): Use[] {
  return frame.fields.map((field): Use => {
    const mapping = mappings.find((one) => textAt(one, 'fieldName') === field.title);
    // What nobody has said anything of is used where its name is that of a setting.
    const key = mapping ? textAt(mapping, 'handlerKey') : field.title.toLowerCase();
    const id = textAt(mapping, 'reducerId') || (OF_ALL.includes(key) ? 'allValues' : 'lastNotNull');
    return {
      key,
      cells: OF_ALL.includes(key) && id !== 'allValues' && id !== 'uniqueValues' ? [] : cellsOf(field, id),
      color: textAt(mapping, 'handlerArguments.threshold.color', 'red'),
    };
  });
}

function plainSetting(key: string, cell: Cell): Json | undefined {
  const value = numeric(cell);
  switch (key) {
    case 'min':
    case 'max':
      return value ?? undefined;
    case 'decimals':
      return value !== null && Number.isInteger(value) && value >= 0 && value <= 15 ? value : undefined;
    case 'unit':
    case 'displayname':
    case 'displayName':
      return cellText(cell);
    case 'color':
      return { mode: 'fixed', fixedColor: cellText(cell) };
    default:
      return undefined;
  }
}

function mappingsOf(uses: readonly Use[]): Json[] {
  const cells = (key: string): readonly Cell[] => uses.find((use) => use.key === key)?.cells ?? [];
  const [values, colors, names] = [cells('mappings.value'), cells('mappings.color'), cells('mappings.text')];
  const options = Object.fromEntries(
    values.flatMap((value, index) => {
      if (value === null) return [];
      const [color, text] = [cellText(colors[index]), cellText(names[index])];
      return [[cellText(value), { index, ...(color ? { color } : {}), ...(text ? { text } : {}) }]];
    }),
  );
  return values.length === 0 ? [] : [{ type: 'value', options }];
}

/** The configuration that `uses` say, as a panel's defaults have it. */
export function settingsOf(uses: readonly Use[]): JsonObject {
  const said: Record<string, Json> = {};
  for (const { key, cells } of uses) {
    const [cell = null] = cells;
    const setting = cell === null ? undefined : plainSetting(key, cell);
    if (setting !== undefined) said[key === 'displayname' ? 'displayName' : key] = setting;
  }
  const steps = uses.flatMap(({ key, cells, color }) => {
    const value = key === 'threshold1' ? numeric(cells[0]) : null;
    return value === null ? [] : [{ value, color }];
  });
  // Below the first threshold nothing was said to be wrong.
  if (steps.length > 0)
    said.thresholds = { mode: 'absolute', steps: [{ value: null, color: 'green' }, ...steps] };
  const mappings = mappingsOf(uses);
  if (mappings.length > 0) said.mappings = mappings;
  return said;
}

export const configFromData: Step = (frames, options) => {
  const all = named(frames);
  const from = all.find(({ refId }) => refId === textAt(options, 'configRefId', 'config'));
  if (!from) return frames;
  const settings = settingsOf(usesOf(from, objects(at(options, 'mappings'))));
  const applyTo = at(options, 'applyTo');
  const meant = readMatcher(textAt(applyTo, 'id') === '' ? { id: 'numeric' } : applyTo);
  const said = (field: NamedField, frame: NamedFrame): Field => {
    const bare = untitled(field);
    const names = namesOf(bare, field.title);
    if (!meant({ field: bare, frame: unnamed(frame), names, seen: seenNames(bare, field.title) }))
      return bare;
    return { ...bare, said: { ...bare.said, ...settings } };
  };
  return all
    .filter((frame) => frame !== from || all.length === 1)
    .map((frame) => ({ ...frame, fields: frame.fields.map((field) => said(field, frame)) }));
};
