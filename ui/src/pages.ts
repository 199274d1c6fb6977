// The register of pages: router, side bar, palette, titles and the keys after `g` are all made of it.

import type { ComponentType } from 'react';
import { PATHS, type PageId, type PagePath } from './address/places';
import type { IconName } from './design/Icon';
import { far } from './later';
import type { Permission } from './session/session';

/**
 * The key after `g` of every page, those to come included: a page is shown once it exists, but its letter is chosen
 * now, so that none collides later. Where the first letter was gone: machines, jobs, budget, and k as in "ok".
 */
export const KEYS = {
  home: 'h',
  dashboards: 'd',
  services: 's',
  hosts: 'm',
  status: '0',
  explore: 'e',
  logs: 'l',
  traces: 't',
  alerts: 'a',
  alert: 'z',
  silences: 'i',
  onCall: 'o',
  rules: 'f',
  receivers: 'v',
  responses: 'g',
  runs: 'r',
  workflows: ';',
  health: 'k',
  slo: 'b',
  anomalies: '-',
  versions: 'y',
  targets: 'j',
  cardinality: 'c',
  tenants: 'n',
  members: 'p',
  proposals: 'q',
  audit: 'u',
  profile: 'w',
  gallery: 'x',
  start: '.',
  reports: '=',
} as const;

export const GROUPS = ['Watch', 'Find', 'Respond', 'Run', 'Set up'] as const;

export type Group = (typeof GROUPS)[number];

export interface PageEntry {
  id: PageId;
  path: PagePath;
  name: string;
  icon: IconName;
  group: Group;
  /** The letter after `g`. */
  key: string;
  /** What a reader must be allowed to, to be shown it. */
  permission: Permission;
  /** It has a sense only where people sign in. */
  signedIn?: true;
  /** Reached by its address alone. */
  hidden?: true;
  component: () => Promise<{ default: ComponentType }>;
  /** What deserves a look on that page, wherever the reader is; not in the first load. */
  badge?: () => Promise<{ default: ComponentType }>;
}

type More = Pick<PageEntry, 'signedIn' | 'hidden' | 'badge'>;

/** An entry, whose path, key and component are those of its id. */
function page(
  id: PageId,
  name: string,
  icon: IconName,
  group: Group,
  permission: Permission,
  more: More = {},
): PageEntry {
  return { id, path: PATHS[id], name, icon, group, key: KEYS[id], permission, component: far(id), ...more };
}

export const PAGES: readonly PageEntry[] = [
  page('home', 'Home', 'home', 'Watch', 'metrics.view'),
  page('dashboards', 'Dashboards', 'dashboards', 'Watch', 'dashboards.view'),
  page('services', 'Services', 'workflows', 'Watch', 'metrics.view'),
  page('hosts', 'Hosts', 'monitor', 'Watch', 'metrics.view'),
  page('health', 'Health', 'check', 'Watch', 'alerts.view'),
  page('reports', 'Reports', 'clock', 'Watch', 'dashboards.view'),
  page('explore', 'Explore', 'explore', 'Find', 'metrics.view'),
  page('logs', 'Logs', 'logs', 'Find', 'logs.view'),
  page('traces', 'Traces', 'traces', 'Find', 'traces.view'),
  page('alerts', 'Alerts', 'alerts', 'Respond', 'alerts.view', { badge: far('alertsBadge') }),
  page('alert', 'Alert', 'alerts', 'Respond', 'alerts.view', { hidden: true }),
  page('silences', 'Silences', 'silences', 'Respond', 'alerts.view'),
  page('onCall', 'On call', 'person', 'Respond', 'alerts.view'),
  page('rules', 'Rules', 'table', 'Respond', 'alerts.view'),
  page('receivers', 'Receivers', 'copy', 'Respond', 'alerts.view', { badge: far('receiversBadge') }),
  page('responses', 'Responses', 'refresh', 'Respond', 'alerts.view'),
  page('slo', 'SLOs', 'check', 'Run', 'metrics.view'),
  page('anomalies', 'Anomalies', 'explore', 'Run', 'metrics.view'),
  page('start', 'Send data', 'plus', 'Set up', 'metrics.view'),
  page('runs', 'Runs', 'runs', 'Run', 'flows.read'),
  page('workflows', 'Workflows', 'workflows', 'Run', 'flows.read'),
  page('versions', 'Versions', 'copy', 'Run', 'alerts.view'),
  page('targets', 'Targets', 'targets', 'Set up', 'metrics.view', { badge: far('targetsBadge') }),
  page('status', 'Status', 'check', 'Set up', 'metrics.view'),
  page('cardinality', 'Cardinality', 'cardinality', 'Set up', 'metrics.view'),
  page('members', 'Members', 'people', 'Set up', 'members.view'),
  page('tenants', 'Tenants', 'tenants', 'Set up', 'tenants.view'),
  page('proposals', 'Proposals', 'check', 'Set up', 'governance.propose', { signedIn: true }),
  page('audit', 'Audit log', 'clock', 'Set up', 'audit.view', { signedIn: true }),
  page('profile', 'Your account', 'person', 'Set up', 'account.use', { hidden: true }),
  page('gallery', 'Components', 'table', 'Set up', 'account.use', { hidden: true }),
];

/** The pages that a reader is shown, in the order of the side bar. */
export function shownPages(
  may: (permission: Permission) => boolean,
  signedIn: boolean,
): readonly PageEntry[] {
  return PAGES.filter((page) => !page.hidden && (signedIn || !page.signedIn) && may(page.permission));
}
