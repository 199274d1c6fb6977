// The register of pages: router, side bar, palette, titles and the keys after `g` are all made of it.

import type { ComponentType } from 'react';
import type { ContextDefaults, Search } from './address/context';
import type { Asking } from './api/client';
import type { IconName } from './design/Icon';
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

export type PageId = 'home' | 'explore' | 'targets' | 'cardinality' | 'gallery';

/** Where each page is; on its own, so that links know the addresses without knowing the pages. */
export const PATHS = {
  home: '/',
  explore: '/explore',
  targets: '/targets',
  cardinality: '/cardinality',
  gallery: '/design',
} as const satisfies Record<PageId, string>;

export type PagePath = (typeof PATHS)[PageId];

/** What a reader must be allowed to, to be shown a page. The server asks for no rights yet: see `GRANTED`. */
export type Permission = 'read' | 'administer';

export const GRANTED: ReadonlySet<Permission> = new Set(['read', 'administer']);

/** Something that the palette finds on a page: where it leads to, and under which heading it stands. */
export interface Found {
  group: string;
  label: string;
  search: Search;
}

/** What a page adds to the palette. */
export interface PaletteSource {
  /** What must be asked of the server before anything is found. */
  load: (asking: Asking) => Promise<readonly string[]>;
  /** The best fits for what was typed, in lower case; `loaded` is undefined until it has come. */
  find: (typed: string, loaded: readonly string[] | undefined) => readonly Found[];
}

/** A count beside the page's name. */
export interface Badge {
  count: number;
  level: 'bad' | 'warn';
  /** What is counted, in words. */
  label: string;
}

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
  defaults: ContextDefaults;
  component: () => Promise<{ default: ComponentType }>;
  palette?: () => Promise<{ default: PaletteSource }>;
  /** A hook: what deserves a look on that page, wherever the reader is. */
  useBadge?: () => Badge | null;
}

const LAST_HOUR = { from: 'now-1h', to: 'now' };

export const PAGES: readonly PageEntry[] = [
  {
    id: 'home',
    path: PATHS.home,
    name: 'Home',
    icon: 'home',
    group: 'Watch',
    key: KEYS.home,
    permission: 'read',
    defaults: { range: { from: 'now-15m', to: 'now' }, refreshMs: 5_000 },
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
    defaults: { range: LAST_HOUR, refreshMs: 0 },
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
    defaults: { range: LAST_HOUR, refreshMs: 5_000 },
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
    defaults: { range: LAST_HOUR, refreshMs: 30_000 },
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
    defaults: { range: LAST_HOUR, refreshMs: 0 },
    component: () => import('./gallery/GalleryPage'),
  },
];

/** The pages that a reader with these permissions is shown, in the order of the side bar. */
export function shownPages(granted: ReadonlySet<Permission>): readonly PageEntry[] {
  return PAGES.filter((page) => !page.hidden && granted.has(page.permission));
}

/** The page at a path of the address; undefined where there is none. */
export function pageAt(path: string): PageEntry | undefined {
  return PAGES.find((page) => page.path === path);
}
