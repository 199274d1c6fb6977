// The register of pages: router, side bar, palette, titles and the keys after `g` are all made of it.

import type { ComponentType } from 'react';
import { PATHS, type PageId, type PagePath } from './address/places';
import type { IconName } from './design/Icon';
import { far } from './later';
import type { PaletteSource } from './page/offers';
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
  health: 'k',
  slo: 'b',
  canary: 'y',
  targets: 'j',
  cardinality: 'c',
  tenants: 'n',
  members: 'p',
  proposals: 'q',
  audit: 'u',
  profile: 'w',
  settings: ',',
  gallery: 'x',
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
  palette?: () => Promise<{ default: PaletteSource }>;
  /** What deserves a look on that page, wherever the reader is; not in the first load. */
  badge?: () => Promise<{ default: ComponentType }>;
}

export const PAGES: readonly PageEntry[] = [
  {
    id: 'home',
    path: PATHS.home,
    name: 'Home',
    icon: 'home',
    group: 'Watch',
    key: KEYS.home,
    permission: 'metrics.view',
    component: far('home'),
  },
  {
    id: 'explore',
    path: PATHS.explore,
    name: 'Explore',
    icon: 'explore',
    group: 'Find',
    key: KEYS.explore,
    permission: 'metrics.view',
    component: far('explore'),
    palette: far('explorePalette'),
  },
  {
    id: 'logs',
    path: PATHS.logs,
    name: 'Logs',
    icon: 'logs',
    group: 'Find',
    key: KEYS.logs,
    permission: 'logs.view',
    component: far('logs'),
  },
  {
    id: 'traces',
    path: PATHS.traces,
    name: 'Traces',
    icon: 'traces',
    group: 'Find',
    key: KEYS.traces,
    permission: 'traces.view',
    component: far('traces'),
  },
  {
    id: 'alerts',
    path: PATHS.alerts,
    name: 'Alerts',
    icon: 'alerts',
    group: 'Respond',
    key: KEYS.alerts,
    permission: 'alerts.view',
    component: far('alerts'),
    badge: far('alertsBadge'),
  },
  {
    id: 'alert',
    path: PATHS.alert,
    name: 'Alert',
    icon: 'alerts',
    group: 'Respond',
    key: KEYS.alert,
    permission: 'alerts.view',
    hidden: true,
    component: far('alert'),
  },
  {
    id: 'silences',
    path: PATHS.silences,
    name: 'Silences',
    icon: 'silences',
    group: 'Respond',
    key: KEYS.silences,
    permission: 'alerts.view',
    component: far('silences'),
  },
  {
    id: 'onCall',
    path: PATHS.onCall,
    name: 'On call',
    icon: 'person',
    group: 'Respond',
    key: KEYS.onCall,
    permission: 'alerts.view',
    component: far('onCall'),
  },
  {
    id: 'rules',
    path: PATHS.rules,
    name: 'Rules',
    icon: 'table',
    group: 'Respond',
    key: KEYS.rules,
    permission: 'alerts.view',
    component: far('rules'),
  },
  {
    id: 'receivers',
    path: PATHS.receivers,
    name: 'Receivers',
    icon: 'copy',
    group: 'Respond',
    key: KEYS.receivers,
    permission: 'alerts.view',
    component: far('receivers'),
  },
  {
    id: 'responses',
    path: PATHS.responses,
    name: 'Responses',
    icon: 'refresh',
    group: 'Respond',
    key: KEYS.responses,
    permission: 'alerts.view',
    component: far('responses'),
  },
  {
    id: 'targets',
    path: PATHS.targets,
    name: 'Targets',
    icon: 'targets',
    group: 'Set up',
    key: KEYS.targets,
    permission: 'metrics.view',
    component: far('targets'),
    badge: far('targetsBadge'),
  },
  {
    id: 'cardinality',
    path: PATHS.cardinality,
    name: 'Cardinality',
    icon: 'cardinality',
    group: 'Set up',
    key: KEYS.cardinality,
    permission: 'metrics.view',
    component: far('cardinality'),
  },
  {
    id: 'members',
    path: PATHS.members,
    name: 'Members',
    icon: 'people',
    group: 'Set up',
    key: KEYS.members,
    permission: 'members.view',
    component: far('members'),
  },
  {
    id: 'tenants',
    path: PATHS.tenants,
    name: 'Tenants',
    icon: 'tenants',
    group: 'Set up',
    key: KEYS.tenants,
    permission: 'tenants.view',
    component: far('tenants'),
  },
  {
    id: 'proposals',
    path: PATHS.proposals,
    name: 'Proposals',
    icon: 'check',
    group: 'Set up',
    key: KEYS.proposals,
    permission: 'governance.propose',
    signedIn: true,
    component: far('proposals'),
  },
  {
    id: 'audit',
    path: PATHS.audit,
    name: 'Audit log',
    icon: 'clock',
    group: 'Set up',
    key: KEYS.audit,
    permission: 'audit.view',
    signedIn: true,
    component: far('audit'),
  },
  {
    id: 'profile',
    path: PATHS.profile,
    name: 'Your account',
    icon: 'person',
    group: 'Set up',
    key: KEYS.profile,
    permission: 'account.use',
    hidden: true,
    component: far('profile'),
  },
  {
    id: 'gallery',
    path: PATHS.gallery,
    name: 'Components',
    icon: 'table',
    group: 'Set up',
    key: KEYS.gallery,
    permission: 'account.use',
    hidden: true,
    component: far('gallery'),
  },
];

/** The pages that a reader is shown, in the order of the side bar. */
export function shownPages(
  may: (permission: Permission) => boolean,
  signedIn: boolean,
): readonly PageEntry[] {
  return PAGES.filter((page) => !page.hidden && (signedIn || !page.signedIn) && may(page.permission));
}
