// What of a dashboard stands in the address: values of variables, the panel that is alone, what is open. Pure.

import type { Search } from '../address/context';
import type { AdHocFilter, Variable } from '../api/dashboards';
import type { Json } from '../panels/json';

export const ALL = '$__all';
const VARIABLE = 'var-';
/** Several values of one name stand in one parameter: the address has each name once. */
const BETWEEN = ',';
const FILTER = '|';

export interface View {
  /** The key of the panel that is shown alone. */
  alone: string | null;
  /** The number of the panel that is edited. */
  edited: number | null;
  editing: boolean;
  /** The part of the settings that is open. */
  settings: string | null;
  kiosk: boolean;
  tab: string | null;
  version: number | null;
  /** Rows that the reader opened or closed. */
  collapsed: Readonly<Record<string, boolean>>;
}

/** The view that an address names. */
export function readView(search: Search): View {
  const collapsed: Record<string, boolean> = {};
  for (const key of (search.closed ?? '').split(BETWEEN)) if (key !== '') collapsed[key] = true;
  for (const key of (search.open ?? '').split(BETWEEN)) if (key !== '') collapsed[key] = false;
  const number = (text: string | undefined): number | null =>
    text !== undefined && /^\d+$/u.test(text) ? Number(text) : null;
  return {
    alone: search.panel ?? null,
    edited: number(search.editPanel),
    editing: [search.edit, search.editPanel, search.settings].some((one) => one !== undefined),
    settings: search.settings ?? null,
    kiosk: search.kiosk !== undefined,
    tab: search.tab ?? null,
    version: number(search.version),
    collapsed,
  };
}

/** The parameters that `view` has changed to. */
export function writeView(view: Partial<View>): Search {
  const made: Record<string, string | undefined> = {};
  if ('alone' in view) made.panel = view.alone ?? undefined;
  if ('edited' in view) made.editPanel = view.edited == null ? undefined : String(view.edited);
  if ('editing' in view) made.edit = view.editing ? '1' : undefined;
  if ('settings' in view) made.settings = view.settings ?? undefined;
  if ('kiosk' in view) made.kiosk = view.kiosk ? '1' : undefined;
  if ('tab' in view) made.tab = view.tab ?? undefined;
  if ('version' in view) made.version = view.version == null ? undefined : String(view.version);
  if (view.collapsed) {
    const keys = (closed: boolean): string | undefined =>
      Object.entries(view.collapsed ?? {})
        .flatMap(([key, now]) => (now === closed ? [key] : []))
        .join(BETWEEN) || undefined;
    made.closed = keys(true);
    made.open = keys(false);
  }
  return made;
}

/** Texts joined so that they can be taken apart whatever they hold. */
function join(texts: readonly string[], between: string): string {
  return texts.map((text) => text.replaceAll('\\', '\\\\').replaceAll(between, `\\${between}`)).join(between);
}

function split(text: string, between: string): string[] {
  const parts: string[] = [];
  let now = '';
  for (let i = 0; i < text.length; i += 1) {
    const character = text.charAt(i);
    if (character === '\\' && i + 1 < text.length) {
      i += 1;
      now += text.charAt(i);
    } else if (character === between) {
      parts.push(now);
      now = '';
    } else now += character;
  }
  return [...parts, now];
}

function isFilter(text: string): boolean {
  return split(text, FILTER).length === 3;
}

/** The values of variables that an address names, as the server takes them. */
export function readValues(search: Search): Readonly<Record<string, Json>> {
  const found: Record<string, Json> = {};
  for (const [key, text] of Object.entries(search)) {
    if (!key.startsWith(VARIABLE) || text === undefined) continue;
    const parts = split(text, BETWEEN);
    // `All` as Grafana's links have it.
    found[key.slice(VARIABLE.length)] = parts.length === 1 && parts[0] === 'All' ? [ALL] : parts;
  }
  return found;
}

/** The filters among `values`, for variables that are filters: `key|=|value`. */
export function withFilters(
  values: Readonly<Record<string, Json>>,
  names: readonly string[],
): Readonly<Record<string, Json>> {
  const made: Record<string, Json> = { ...values };
  for (const name of names) {
    const texts = made[name];
    if (!Array.isArray(texts)) continue;
    made[name] = (texts as string[]).filter(isFilter).map((text) => {
      const [key = '', operator = '=', value = ''] = split(text, FILTER);
      return { key, operator, value };
    });
  }
  return made;
}

/** The variables whose values were typed and are no options. */
export function readCustom(search: Search): readonly string[] {
  return (search.custom ?? '').split(BETWEEN).filter((name) => name !== '');
}

/** The parameter that tells whether the values of one variable were typed, beside what it tells of others. */
export function writeCustom(search: Search, name: string, typed: boolean): Search {
  const others = readCustom(search).filter((one) => one !== name);
  return { custom: (typed ? [...others, name] : others).join(BETWEEN) || undefined };
}

/** The parameter of one variable. */
export function writeValue(name: string, values: readonly string[]): Search {
  return { [VARIABLE + name]: join(values, BETWEEN) };
}

export function writeFilters(name: string, filters: readonly AdHocFilter[]): Search {
  const texts = filters.map(({ key, operator, value }) => join([key, operator, value], FILTER));
  return { [VARIABLE + name]: filters.length === 0 ? undefined : join(texts, BETWEEN) };
}

/** The values of all variables as parameters, for a link that keeps them. */
export function valuesQuery(variables: readonly Variable[]): string {
  const form = new URLSearchParams();
  for (const { name, value, skip_url_sync: skipped, type } of variables)
    if (!skipped && type !== 'constant' && type !== 'adhoc') form.set(VARIABLE + name, join(value, BETWEEN));
  return form.toString();
}

const PLACE = /\$(\w+)|\$\{(\w+)(?::(\w+))?[^}]*\}|\[\[(\w+)(?::\w+)?\]\]/gu;

function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&');
}

/** `query` with the values of variables in it, for a page that has none: several as a pattern. */
export function filled(
  query: string,
  variables: readonly Variable[],
  intervalMs: number,
  rangeMs: number,
): string {
  const seconds = Math.max(1, Math.round(intervalMs / 1000));
  const own: Readonly<Record<string, string>> = {
    __interval: `${seconds}s`,
    __interval_ms: String(intervalMs),
    __rate_interval: `${Math.max(seconds * 4, 60)}s`,
    __range: `${Math.round(rangeMs / 1000)}s`,
    __range_s: String(Math.round(rangeMs / 1000)),
    __range_ms: String(rangeMs),
  };
  const fill = (text: string): string =>
    text.replace(
      PLACE,
      (
        whole,
        bare: string | undefined,
        braced: string | undefined,
        format: string | undefined,
        bracketed: string | undefined,
      ) => {
        const name = bare ?? braced ?? bracketed ?? '';
        const known = own[name];
        if (known !== undefined) return known;
        const variable = variables.find((one) => one.name === name);
        if (!variable || variable.type === 'adhoc') return whole;
        const values = variable.value.filter((value) => value !== ALL);
        if (variable.value.includes(ALL)) {
          const all = variable.options.map(({ value }) => value).filter((value) => value !== ALL);
          return all.length > 0 && all.length <= 60 ? `(${all.map(pattern).join('|')})` : '.*';
        }
        if (values.length === 1) return values[0] ?? '';
        if (format === 'csv') return values.join(',');
        return `(${values.map(pattern).join('|')})`;
      },
    );
  // The value of one may name another.
  return fill(fill(query));
}
