// The register of pages: router, side bar, palette, titles and the keys after `g` are all made of it.

import type { ComponentType } from 'react';
import { PATHS, type PageId, type PagePath } from './address/places';
import type { IconName } from './design/Icon';
import type { Badge, PaletteSource } from './page/offers';
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
  settings: ',',
  gallery: 'x',
} as const;

export const GROUPS = ['Watch', 'Find', 'Respond', 'Run', 'Set up'] as const;

export type Group = (typeof GROUPS)[number];

/** What a reader must be allowed to, to be shown a page. The server asks for no rights yet: see `GRANTED`. */
export type Permission = 'read' | 'administer';

export const GRANTED: ReadonlySet<Permission> = new Set(['read', 'administer']);

export interface PageEntry {
  id: PageId;
  path: PagePath;
  name: string;
  icon: IconName;
  group: Group;
  /** The letter after `g`. */
  key: string;
  permission: Permission;
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
    permission: 'read',
    component: () => import('./home/HomePage'),
  },
  {
    id: 'explore',
    path: PATHS.explore,
    name: 'Explore',
    icon: 'explore',
    group: 'Find',
    key: KEYS.explore,
    permission: 'read',
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
    permission: 'read',
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
    permission: 'administer',
    component: () => import('./cardinality/CardinalityPage'),
  },
  {
    id: 'gallery',
    path: PATHS.gallery,
    name: 'Components',
    icon: 'table',
    group: 'Set up',
    key: KEYS.gallery,
    permission: 'read',
    hidden: true,
    component: () => import('./gallery/GalleryPage'),
  },
];

/** The pages that a reader with these permissions is shown, in the order of the side bar. */
export function shownPages(granted: ReadonlySet<Permission>): readonly PageEntry[] {
  return PAGES.filter((page) => !page.hidden && granted.has(page.permission));
}
