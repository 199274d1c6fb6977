// What alerts there are, the worst first: their severity, their groups, which fit the filters.

import type { AlertState, AlertView } from '../api/alerts';
import type { Labels } from '../api/types';
import { holdsWords, meets, type Filter } from '../design/filter';
import type { Status } from '../design/status';

export const ALERT_NAME = 'alertname';
export const SEVERITY = 'severity';

/** An alert's labels beside its name. */
export function otherLabels(labels: Labels): string {
  return Object.entries(labels)
    .filter(([name]) => name !== ALERT_NAME)
    .map(([name, value]) => `${name}="${value}"`)
    .join(', ');
}

/** An alert's labels as people are told them: its name, and the others in braces after it. Empty without any. */
export function shownLabels(labels: Labels): string {
  const rest = otherLabels(labels);
  return `${labels[ALERT_NAME] ?? ''}${rest === '' ? '' : `{${rest}}`}`;
}

const SEVERITIES: Readonly<Record<string, Status>> = {
  critical: 'critical',
  page: 'critical',
  emergency: 'critical',
  fatal: 'critical',
  error: 'critical',
  high: 'critical',
  warning: 'warning',
  warn: 'warning',
  medium: 'warning',
  ticket: 'warning',
  info: 'info',
  information: 'info',
  low: 'info',
  none: 'info',
};

/** How bad an alert is, by what people write into `severity`; one that says nothing known is a warning. */
export function severityOf(labels: Labels): Status {
  return SEVERITIES[(labels[SEVERITY] ?? '').toLowerCase()] ?? 'warning';
}

const RANK: Readonly<Record<string, number>> = { critical: 0, warning: 1, info: 2 };

/** The state of an alert as it is drawn; one that fires looks as bad as it is. */
export function statusOf({ state, labels }: Pick<AlertView, 'state' | 'labels'>): Status {
  switch (state) {
    case 'firing':
      return severityOf(labels);
    case 'pending':
      return 'pending';
    case 'acknowledged':
      return 'acknowledged';
    case 'unknown':
      return 'unknown';
    case 'resolved':
      return 'ok';
    case 'silenced':
    case 'inhibited':
    case 'muted':
      return 'muted';
  }
}

/** Which alerts a reader wants: those that nobody sees to, those on their way, those held back, or all. */
export const VIEWS = ['burning', 'pending', 'acknowledged', 'held', 'all'] as const;

export type View = (typeof VIEWS)[number];

const IN_VIEW: Readonly<Record<AlertState, View | null>> = {
  firing: 'burning',
  unknown: 'burning',
  pending: 'pending',
  acknowledged: 'acknowledged',
  silenced: 'held',
  inhibited: 'held',
  muted: 'held',
  resolved: null,
};

export function isIn(alert: AlertView, view: View): boolean {
  return view === 'all' || IN_VIEW[alert.state] === view;
}

/** How many alerts each view has. */
export function countViews(all: readonly AlertView[]): Readonly<Record<View, number>> {
  const counts = { burning: 0, pending: 0, acknowledged: 0, held: 0, all: all.length };
  for (const { state } of all) {
    const view = IN_VIEW[state];
    if (view !== null && view !== 'all') counts[view] += 1;
  }
  return counts;
}

const ORDER: readonly AlertState[] = [
  'firing',
  'unknown',
  'pending',
  'acknowledged',
  'silenced',
  'inhibited',
  'muted',
  'resolved',
];

/** The worst first: by state, severity, and of equals the newest. */
export function compareAlerts(a: AlertView, b: AlertView): number {
  return (
    ORDER.indexOf(a.state) - ORDER.indexOf(b.state) ||
    (RANK[severityOf(a.labels)] ?? 1) - (RANK[severityOf(b.labels)] ?? 1) ||
    Date.parse(b.since) - Date.parse(a.since) ||
    a.fingerprint.localeCompare(b.fingerprint)
  );
}

export interface AlertFilter {
  view: View;
  words: string;
  filters: readonly Filter[];
  /** The label that alerts are grouped by, and the group that is wanted alone. */
  group: { label: string; value: string } | null;
}

/** What is said of an alert in one line: its summary, or what comes next to one. */
export function summaryOf({ annotations }: Pick<AlertView, 'annotations'>): string {
  return annotations['summary'] ?? annotations['message'] ?? annotations['description'] ?? '';
}

function textOf(alert: AlertView): string {
  const pairs = Object.entries(alert.labels).map(([name, value]) => `${name}=${value}`);
  return [...pairs, ...Object.values(alert.annotations), alert.state].join(' ');
}

export function filterAlerts(all: readonly AlertView[], wanted: AlertFilter): AlertView[] {
  const holds = holdsWords(wanted.words);
  const { group } = wanted;
  return all
    .filter(
      (alert) =>
        isIn(alert, wanted.view) &&
        (group === null || (alert.labels[group.label] ?? '') === group.value) &&
        wanted.filters.every((one) => meets(alert.labels, one)) &&
        (wanted.words === '' || holds(textOf(alert))),
    )
    .sort(compareAlerts);
}

export interface AlertGroup {
  value: string;
  count: number;
  /** The worst of what burns in it; null when nothing does. */
  worst: Status | null;
}

/** How many alerts there are of each value of a label; groups with the worst alerts first. */
export function groupAlerts(all: readonly AlertView[], label: string): AlertGroup[] {
  const groups = new Map<string, AlertGroup>();
  for (const alert of all) {
    const value = alert.labels[label] ?? '';
    const group = groups.get(value) ?? { value, count: 0, worst: null };
    group.count += 1;
    if (IN_VIEW[alert.state] === 'burning') {
      const severity = severityOf(alert.labels);
      if (group.worst === null || (RANK[severity] ?? 1) < (RANK[group.worst] ?? 1)) group.worst = severity;
    }
    groups.set(value, group);
  }
  const rank = ({ worst }: AlertGroup): number => (worst === null ? 9 : (RANK[worst] ?? 1));
  return [...groups.values()].sort(
    (a, b) => rank(a) - rank(b) || b.count - a.count || a.value.localeCompare(b.value),
  );
}

/** The labels that all of some alerts have with the same value: what a silence of them begins with. */
export function commonLabels(some: readonly AlertView[]): Labels {
  const [first, ...rest] = some;
  if (first === undefined) return {};
  return Object.fromEntries(
    Object.entries(first.labels).filter(([name, value]) =>
      rest.every(({ labels }) => labels[name] === value),
    ),
  );
}
