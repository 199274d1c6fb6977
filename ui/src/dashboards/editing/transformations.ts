// The transformations that have fields here, and what each begins with. Pure.

import type { Frame } from '../../panels/frame';
import { flagAt, numberAt, object, textAt, type Json, type JsonObject } from '../../panels/json';
import { named } from '../../panels/transform/names';
import { transform } from '../../panels/transform/transform';

/** Their names, and the options that a new one has. */
export const STEPS: Readonly<Record<string, readonly [name: string, options: JsonObject]>> = {
  organize: [
    'Organize fields: hide, order, rename',
    { excludeByName: {}, includeByName: {}, indexByName: {}, renameByName: {} },
  ],
  renameByRegex: ['Rename by a pattern', { regex: '(.*)', renamePattern: '$1' }],
  reduce: ['Reduce', { reducers: ['lastNotNull'], mode: 'seriesToRows' }],
  filterFieldsByName: ['Filter fields by name', { include: { names: [] } }],
  filterByValue: ['Filter rows by value', { filters: [], match: 'any', type: 'include' }],
  filterByRefId: ['Filter by query', { include: 'A' }],
  merge: ['Merge', {}],
  joinByField: ['Join by a field', { byField: 'Time', mode: 'outer' }],
  calculateField: ['Calculate a field', { mode: 'reduceRow', reduce: { reducer: 'sum' } }],
  sortBy: ['Sort', { sort: [{ field: '' }] }],
  groupBy: ['Group', { fields: {} }],
  limit: ['Limit', { limitField: 10 }],
  labelsToFields: ['Labels to fields', { mode: 'columns' }],
  concatenate: ['Concatenate', { frameNameMode: 'field', frameNameLabel: 'frame' }],
  seriesToRows: ['Series to rows', {}],
  transpose: ['Transpose', {}],
  histogram: ['Histogram', {}],
  heatmap: ['Heat map', {}],
  smoothing: ['Smoothing', { resolution: 100 }],
  groupToNestedTable: ['Group to nested tables', { showSubframeHeaders: true, fields: {} }],
  configFromData: ['Config from query results', { configRefId: 'config', mappings: [] }],
};

/** The name of a transformation. */
export function stepName(id: string): string {
  return STEPS[id]?.[0] ?? id;
}

/** The fields that transformation number `place` is given. */
export function fieldsBefore(
  frames: readonly Frame[],
  transformations: readonly JsonObject[],
  place: number,
): readonly string[] {
  const given = transform(frames, transformations.slice(0, place)).frames;
  return [...new Set(named(given).flatMap(({ fields }) => fields.map(({ title }) => title)))];
}

/** A field as `organize` has it. */
export interface Organized {
  name: string;
  shown: boolean;
  rename: string;
}

/** `names` in the order in which `organize` puts them, with what it calls them; fields that came since are last. */
export function readOrganize(options: unknown, names: readonly string[]): readonly Organized[] {
  const all = object(options);
  const [order, without, only] = [
    object(all.indexByName),
    object(all.excludeByName),
    object(all.includeByName),
  ];
  const some = Object.values(only).includes(true);
  return names
    .map((name, i) => ({ name, place: numberAt({ at: order[name] ?? '' }, 'at') ?? names.length + i }))
    .sort((a, b) => a.place - b.place)
    .map(({ name }) => ({
      name,
      shown: without[name] !== true && (!some || only[name] === true),
      rename: textAt({ to: object(all.renameByName)[name] ?? '' }, 'to'),
    }));
}

/** The options of `organize` for `fields`; what it says of others stays. */
export function writeOrganize(options: unknown, fields: readonly Organized[]): JsonObject {
  const all = object(options);
  const meant = new Set(fields.map(({ name }) => name));
  const some = Object.values(object(all.includeByName)).includes(true);
  const put = (path: string, said: readonly (readonly [string, Json])[]): JsonObject => ({
    ...Object.fromEntries(Object.entries(object(all[path])).filter(([name]) => !meant.has(name))),
    ...Object.fromEntries(said),
  });
  return {
    ...all,
    excludeByName: put(
      'excludeByName',
      fields.filter(({ shown }) => !shown).map(({ name }) => [name, true]),
    ),
    includeByName: put('includeByName', some ? fields.map(({ name, shown }) => [name, shown]) : []),
    indexByName: put(
      'indexByName',
      fields.map(({ name }, i) => [name, i]),
    ),
    renameByName: put(
      'renameByName',
      fields.filter(({ rename }) => rename !== '').map(({ name, rename }) => [name, rename]),
    ),
  };
}

/** Whether a transformation is applied. */
export function isApplied(transformation: JsonObject): boolean {
  return !flagAt(transformation, 'disabled');
}
