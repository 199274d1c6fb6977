// What a dashboard defines beside its panels, as it stands in its JSON: settings, variables, annotations, links. What an
// editor does not know stays in it. Pure.

import type { DashboardModel, Definitions, Variable } from '../../api/dashboards';
import { at, object, objects, textAt, type Json, type JsonObject } from '../../panels/json';
import type { Change } from '../draft';
import { METRICS } from '../newPanel';
import { putAt } from './put';

export type ListName = keyof Definitions;

/** What `changes` set of the settings, since the document was replaced if it was. */
function since(changes: readonly Change[]): JsonObject {
  return changes
    .slice(changes.findLastIndex(({ op }) => op === 'replace') + 1)
    .filter(({ op }) => op === 'set')
    .reduce<JsonObject>((all, one) => ({ ...all, ...object(one.settings) }), {});
}

/** A list of the dashboard as it will be saved; `definitions` is what the server read last. */
export function listOf(
  definitions: Definitions,
  changes: readonly Change[],
  name: ListName,
): readonly JsonObject[] {
  const set = since(changes)[name];
  return set === undefined ? definitions[name] : objects(set);
}

/** A list as a change. */
export function setList(name: ListName, list: readonly JsonObject[]): Change {
  return { op: 'set', settings: { [name]: list } };
}

export type Settings = Pick<
  DashboardModel,
  'title' | 'description' | 'tags' | 'time' | 'refresh' | 'timezone' | 'tooltip'
>;

/** The settings as they will be saved; the model follows a moment later. */
export function settingsOf(model: DashboardModel, changes: readonly Change[]): Settings {
  return { ...model, ...(since(changes) as Partial<Settings>) };
}

const NAME = /^\w+$/u;

/** What is wrong with the name of a variable; null for a good one. */
export function nameFault(name: string, others: readonly string[]): string | null {
  if (!NAME.test(name)) return 'Letters, digits and _ only: queries call it $name';
  if (name.startsWith('__')) return 'Names that begin with __ are taken';
  return others.includes(name) ? 'Another variable has this name' : null;
}

/** `stem`, with a number where that is taken. */
export function freeName(stem: string, taken: readonly string[]): string {
  if (!taken.includes(stem)) return stem;
  let number = 2;
  while (taken.includes(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}

/** What a variable of each type begins with. */
const BEGINNINGS: Readonly<Record<string, JsonObject>> = {
  query: {
    datasource: METRICS,
    query: 'label_values(up, job)',
    definition: '',
    refresh: 1,
    sort: 1,
    regex: '',
  },
  custom: { query: 'one, two, three', options: [] },
  constant: { query: '', hide: 2 },
  textbox: { query: '' },
  interval: { query: '1m,5m,10m,30m,1h', auto: false, auto_count: 30, auto_min: '10s' },
  datasource: { query: 'prometheus', refresh: 1, regex: '' },
  adhoc: { datasource: METRICS, filters: [] },
};

/** A new variable. */
export function newVariable(type: string, taken: readonly string[]): JsonObject {
  return {
    name: freeName(type === 'adhoc' ? 'filters' : type, taken),
    type,
    label: '',
    hide: 0,
    skipUrlSync: false,
    ...BEGINNINGS[type],
  };
}

/** `variable` as one of another type: what it is called and how it is shown stay. */
export function ofType(variable: JsonObject, type: string): JsonObject {
  const kept = ['name', 'label', 'description', 'hide', 'skipUrlSync', 'multi', 'includeAll', 'allValue'];
  return {
    ...Object.fromEntries(Object.entries(variable).filter(([name]) => kept.includes(name))),
    type,
    ...BEGINNINGS[type],
    ...(variable.hide === undefined ? {} : { hide: variable.hide }),
  };
}

/** The text of a variable's query; null for what only the editor of its data source could write. */
export function queryText(variable: JsonObject): string | null {
  const { query } = variable;
  if (typeof query === 'string') return query;
  if (query === undefined || query === null) return textAt(variable, 'definition');
  const inner = at(query, 'query');
  return typeof inner === 'string' ? inner : null;
}

/** `variable` with another query. */
export function withQuery(variable: JsonObject, text: string): JsonObject {
  const asked: JsonObject =
    typeof variable.query === 'object' && variable.query !== null
      ? { ...variable, query: putAt(variable.query, 'query', text) }
      : { ...variable, query: text };
  switch (textAt(variable, 'type')) {
    case 'query':
      return { ...asked, definition: text };
    case 'custom':
    case 'interval':
      // They are made of the query when the dashboard opens.
      return { ...asked, options: [] };
    case 'textbox':
    case 'constant':
      return { ...asked, current: { text, value: text }, options: [{ selected: true, text, value: text }] };
    default:
      return asked;
  }
}

/** `variables`, each beginning with what it is set to now. */
export function withCurrent(
  variables: readonly JsonObject[],
  now: readonly Pick<Variable, 'name' | 'value' | 'text' | 'multi' | 'type'>[],
): JsonObject[] {
  return variables.map((variable) => {
    const found = now.find(({ name }) => name === variable.name);
    if (!found || ['adhoc', 'constant', 'system'].includes(found.type)) return variable;
    const one = (texts: readonly string[]): Json => (found.multi ? [...texts] : (texts[0] ?? ''));
    return {
      ...variable,
      current: { ...object(variable.current), text: one(found.text), value: one(found.value) },
    };
  });
}
