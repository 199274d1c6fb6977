// The rules there are, the troubled first, and which of them fit the filters.

import type { AlertView } from '../api/alerts';
import type { Rule, RunningGroup } from '../api/rules';
import { severityOf } from '../alerts/alerts';
import { holdsWords, meets, type Filter } from '../design/filter';
import type { Status } from '../design/status';

/** A rule, and the group that it is evaluated in. */
export interface RuleRow {
  key: string;
  rule: Rule;
  group: string;
  /** What stands for its file in addresses; of a group that is kept here, its namespace. */
  namespace: string;
  file: string;
  intervalS: number;
}

export type Standing = 'firing' | 'failing' | 'no data' | 'pending' | 'new' | 'inactive' | 'recording';

const ORDER: readonly Standing[] = [
  'firing',
  'failing',
  'no data',
  'pending',
  'new',
  'inactive',
  'recording',
];

export const VIEWS = ['all', 'firing', 'pending', 'failing', 'inactive'] as const;

export type View = (typeof VIEWS)[number];

/** What stands for a rule file, or a namespace, in an address. */
export function namespaceOf(file: string): string {
  return file.slice(file.lastIndexOf('/') + 1);
}

/** The name of a group in an address. */
export function groupKey(namespace: string, group: string): string {
  return `${namespace}/${group}`;
}

/** How it stands with a rule: one that cannot be evaluated is failing, whatever it said before. */
export function standingOf(rule: Rule): Standing {
  if (rule.health === 'err') return 'failing';
  if (rule.state === 'firing') return 'firing';
  if (rule.unknown === 'failed') return 'failing';
  if (rule.unknown !== undefined) return 'no data';
  if (rule.state === 'pending') return 'pending';
  if (rule.health === 'unknown') return 'new';
  return rule.type === 'recording' ? 'recording' : 'inactive';
}

export function statusOf(rule: Rule): Status {
  switch (standingOf(rule)) {
    case 'firing':
      return severityOf(rule.labels);
    case 'failing':
      return 'critical';
    case 'no data':
      return 'no-data';
    case 'pending':
      return 'pending';
    case 'new':
      return 'unknown';
    case 'inactive':
    case 'recording':
      return 'ok';
  }
}

export function isIn(rule: Rule, view: View): boolean {
  const standing = standingOf(rule);
  switch (view) {
    case 'all':
      return true;
    case 'failing':
      return standing === 'failing' || standing === 'no data';
    case 'inactive':
      return standing === 'inactive' || standing === 'recording' || standing === 'new';
    default:
      return standing === view;
  }
}

/** All rules, those that call for something first, else in the order of their groups. */
export function rowsOf(groups: readonly RunningGroup[]): RuleRow[] {
  const rows = groups.flatMap(({ name, file, interval, rules }) =>
    rules.map((rule, i) => ({
      key: `${groupKey(namespaceOf(file), name)}/${i}`,
      rule,
      group: name,
      namespace: namespaceOf(file),
      file,
      intervalS: interval,
    })),
  );
  const rank = (row: RuleRow): number => ORDER.indexOf(standingOf(row.rule));
  return rows.sort((a, b) => rank(a) - rank(b));
}

export function countViews(rows: readonly RuleRow[]): Readonly<Record<View, number>> {
  const counts = { all: 0, firing: 0, pending: 0, failing: 0, inactive: 0 };
  for (const { rule } of rows) for (const view of VIEWS) if (isIn(rule, view)) counts[view] += 1;
  return counts;
}

function textOf({ rule, group, file }: RuleRow): string {
  const pairs = Object.entries(rule.labels).map(([name, value]) => `${name}=${value}`);
  const said = Object.values(rule.annotations ?? {});
  return [rule.name, group, file, rule.query, rule.lastError ?? '', ...pairs, ...said].join(' ');
}

export function filterRows(
  rows: readonly RuleRow[],
  wanted: { view: View; words: string; filters: readonly Filter[] },
): RuleRow[] {
  const holds = holdsWords(wanted.words);
  return rows.filter(
    (row) =>
      isIn(row.rule, wanted.view) &&
      wanted.filters.every((one) => meets(row.rule.labels, one)) &&
      (wanted.words === '' || holds(textOf(row))),
  );
}

/** The alerts of a rule. Rules of one group may share a name: their plain labels tell them apart. */
export function alertsOf({ rule, group, file }: RuleRow, all: readonly AlertView[]): AlertView[] {
  const plain = Object.entries(rule.labels).filter(([, value]) => !value.includes('{{'));
  return all.filter(
    (alert) =>
      alert.rule !== null &&
      alert.rule.name === rule.name &&
      alert.rule.group === group &&
      alert.rule.file === file &&
      plain.every(([name, value]) => alert.labels[name] === value),
  );
}
