// Where a click on a label's value leads: to the same dashboard, narrowed where it has a variable or a filter for that;
// otherwise to what there is with it. Pure.

import { contextOf, type Search } from '../address/context';
import { PATHS } from '../address/places';
import type { AdHocFilter, Variable } from '../api/dashboards';
import { condition } from '../logs/query';
import type { MadeLink } from '../panels/links';
import { readCustom, readValues, withFilters, writeCustom, writeFilters, writeValue } from './state';

const LABEL = /^[a-zA-Z_]\w*$/u;
const CHOSEN: readonly string[] = ['query', 'custom', 'textbox'];

export interface NarrowAbout {
  variables: readonly Variable[];
  search: Search;
  /** Of the dashboard. */
  path: string;
}

function addressOf(path: string, search: Search): string {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(search)) if (value !== undefined) form.set(key, value);
  return `${path}?${form.toString()}`;
}

/** The parameters that narrow the dashboard to `value`; null where it has nothing that does. */
function narrowing(name: string, value: string, { variables, search }: NarrowAbout): Search | null {
  const own = variables.find((one) => one.name === name && CHOSEN.includes(one.type) && one.hide !== 'all');
  if (own) {
    const typed = own.type !== 'textbox' && !own.options.some((option) => option.value === value);
    const custom = typed || readCustom(search).includes(name) ? writeCustom(search, name, typed) : {};
    return { ...writeValue(name, [value]), ...custom };
  }
  const filters = variables.find(({ type, hide }) => type === 'adhoc' && hide !== 'all');
  if (!filters) return null;
  const now = withFilters(readValues(search), [filters.name])[filters.name] ?? filters.filters ?? [];
  const others = (now as unknown as readonly AdHocFilter[]).filter(({ key }) => key !== name);
  return writeFilters(filters.name, [...others, { key: name, operator: '=', value }]);
}

/** A link for the label `name` of `value`; null for what is no label. `lines` is for those of logs. */
export function labelLink(name: string, value: string, about: NarrowAbout, lines = false): MadeLink | null {
  if (!LABEL.test(name) || value === '') return null;
  const { search, path } = about;
  const made = { newTab: false, own: true };
  const narrowed = narrowing(name, value, about);
  const said = `${name}="${value}"`;
  if (narrowed !== null)
    return { ...made, title: `Only ${said}`, href: addressOf(path, { ...search, ...narrowed }) };
  const context = contextOf(search);
  if (lines)
    return {
      ...made,
      title: `Lines with ${said}`,
      href: addressOf(PATHS.logs, { ...context, q: condition(name, value, true) }),
    };
  const expr = `count by (__name__) ({${name}=${JSON.stringify(value)}})`;
  return {
    ...made,
    title: `Metrics with ${said}`,
    href: addressOf(PATHS.explore, { ...context, q0: expr, v0: 'table' }),
  };
}
