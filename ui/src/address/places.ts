// Where each page is, and what its context is where the address does not say: what links know of pages.
// On its own, so that a page may link to another without knowing it.

import type { ContextDefaults } from './context';

export type PageId = 'home' | 'explore' | 'targets' | 'cardinality' | 'gallery';

export const PATHS = {
  home: '/',
  explore: '/explore',
  targets: '/targets',
  cardinality: '/cardinality',
  gallery: '/design',
} as const satisfies Record<PageId, string>;

export type PagePath = (typeof PATHS)[PageId];

const LAST_HOUR = { from: 'now-1h', to: 'now' };

export const DEFAULTS: Readonly<Record<PageId, ContextDefaults>> = {
  home: { range: { from: 'now-15m', to: 'now' }, refreshMs: 5_000 },
  explore: { range: LAST_HOUR, refreshMs: 0 },
  targets: { range: LAST_HOUR, refreshMs: 5_000 },
  cardinality: { range: LAST_HOUR, refreshMs: 30_000 },
  gallery: { range: LAST_HOUR, refreshMs: 0 },
};

/** The page at a path of the address; undefined where there is none. */
export function pageAt(path: string): PageId | undefined {
  return (Object.keys(PATHS) as PageId[]).find((page) => PATHS[page] === path);
}
