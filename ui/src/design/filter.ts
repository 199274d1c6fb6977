// Conditions on labels, as PromQL's matchers write them.

export const OPERATORS = ['=', '!=', '=~', '!~'] as const;

export type Operator = (typeof OPERATORS)[number];

export interface Filter {
  name: string;
  operator: Operator;
  value: string;
}

const CONDITION = /^\s*([^\s=!~"]+)\s*(=~|!~|!=|=)\s*(?:"((?:[^"\\]|\\.)*)"|(\S.*?))\s*$/su;

/** The condition that `text` writes, its value with or without quotes; null when it writes none. */
export function parseFilter(text: string): Filter | null {
  const found = CONDITION.exec(text);
  if (!found) return null;
  const [, name = '', operator = '=', quoted, bare = ''] = found;
  return { name, operator: operator as Operator, value: quoted?.replace(/\\(.)/gsu, '$1') ?? bare };
}

const LISTED = /([^\s=!~",]+)(=~|!~|!=|=)"((?:[^"\\]|\\.)*)"/gsu;

/** The conditions of a list as `writeFilters` writes it; what is none of it is passed over. */
export function parseFilters(text: string): Filter[] {
  return [...text.matchAll(LISTED)].map(([, name = '', operator = '=', quoted = '']) => ({
    name,
    operator: operator as Operator,
    value: quoted.replace(/\\(.)/gsu, '$1'),
  }));
}

/** Conditions as addresses carry them: `job="api",zone!="b"`. */
export function writeFilters(filters: readonly Filter[]): string {
  return filters.map(writeFilter).join(',');
}

/** A condition as it is typed: `job="api"`. */
export function writeFilter({ name, operator, value }: Filter): string {
  return `${name}${operator}"${value.replace(/["\\]/gu, '\\$&')}"`;
}

function matches(pattern: string, value: string): boolean {
  try {
    return new RegExp(`^(?:${pattern})$`, 'su').test(value);
  } catch {
    // Half-typed: it fits nothing yet.
    return false;
  }
}

/** Whether `labels` meet the condition; a label that is not there is an empty one, as in PromQL. */
export function meets(labels: Readonly<Record<string, string>>, { name, operator, value }: Filter): boolean {
  const own = labels[name] ?? '';
  switch (operator) {
    case '=':
      return own === value;
    case '!=':
      return own !== value;
    case '=~':
      return matches(value, own);
    case '!~':
      return !matches(value, own);
  }
}

/** The names of the labels of all of these, those that most have first. */
export function labelNames(all: Iterable<{ labels: Readonly<Record<string, string>> }>): string[] {
  const counts = new Map<string, number>();
  for (const { labels } of all)
    for (const name of Object.keys(labels)) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0])).map(([name]) => name);
}

/** Whether a text holds every word of `wanted`, in whatever case. */
export function holdsWords(wanted: string): (text: string) => boolean {
  const words = wanted.toLowerCase().split(/\s+/u).filter(Boolean);
  return (text) => {
    const low = text.toLowerCase();
    return words.every((word) => low.includes(word));
  };
}
