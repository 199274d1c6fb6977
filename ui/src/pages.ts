// The register of pages: router, side bar, palette, titles and the keys after `g` are all made of it.

import type { ComponentType } from 'react';
import { PATHS, type PageId, type PagePath } from './address/places';
import type { IconName } from './design/Icon';
import type { Badge, PaletteSource } from './page/offers';
import type { Permission } from './session/session';
import { useTargetsBadge } from './targets/useTargets';

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
  silences: 'i',
  onCall: 'o',
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
  /** A hook: what deserves a look on that page, wherever the reader is. */
  useBadge?: () => Badge | null;
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
    component: () => import('./home/HomePage'),
  },
  {
    id: 'explore',
    path: PATHS.explore,
    name: 'Explore',
    icon: 'explore',
    group: 'Find',
    key: KEYS.explore,
    permission: 'metrics.view',
    component: () => import('./explore/ExplorePage'),
    palette: () => import('./explore/palette'),
  },
  {
    id: 'targets',
    path: PATHS.targets,
    name: 'Targets',
    icon: 'targets',
    group: 'Set up',
    key: KEYS.targets,
    permission: 'metrics.view',
    component: () => import('./targets/TargetsPage'),
    useBadge: useTargetsBadge,
  },
  {
    id: 'cardinality',
    path: PATHS.cardinality,
    name: 'Cardinality',
    icon: 'cardinality',
    group: 'Set up',
    key: KEYS.cardinality,
    permission: 'metrics.view',
    component: () => import('./cardinality/CardinalityPage'),
  },
  {
    id: 'members',
    path: PATHS.members,
    name: 'Members',
    icon: 'people',
    group: 'Set up',
    key: KEYS.members,
    permission: 'members.view',
    component: () => import('./members/MembersPage'),
  },
  {
    id: 'tenants',
    path: PATHS.tenants,
    name: 'Tenants',
    icon: 'tenants',
    group: 'Set up',
    key: KEYS.tenants,
    permission: 'tenants.view',
    component: () => import('./tenants/TenantsPage'),
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
    component: () => import('./proposals/ProposalsPage'),
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
    component: () => import('./audit/AuditPage'),
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
    component: () => import('./account/ProfilePage'),
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
    component: () => import('./gallery/GalleryPage'),
  },
];

/** The pages that a reader is shown, in the order of the side bar. */
export function shownPages(
  may: (permission: Permission) => boolean,
  signedIn: boolean,
): readonly PageEntry[] {
  return PAGES.filter((page) => !page.hidden && (signedIn || !page.signedIn) && may(page.permission));
}
