// Where each page is, and what its context is where the address does not say: what links know of pages.
// On its own, so that a page may link to another without knowing it.

import type { ContextDefaults } from './context';

type Account = 'members' | 'tenants' | 'proposals' | 'audit' | 'profile';

export type PageId = 'home' | 'explore' | 'targets' | 'cardinality' | Account | 'gallery';

export const PATHS = {
  home: '/',
  explore: '/explore',
  targets: '/targets',
  cardinality: '/cardinality',
  members: '/members',
  tenants: '/tenants',
  proposals: '/proposals',
  audit: '/audit',
  profile: '/account',
  gallery: '/design',
} as const satisfies Record<PageId, string>;

/** Where one signs in, and where a link that works once leads: pages outside of the frame. */
export const SIGN_IN = '/sign-in';
export const WELCOME = '/welcome';

export type PagePath = (typeof PATHS)[PageId];

const LAST_HOUR = { from: 'now-1h', to: 'now' };
const STILL = { range: LAST_HOUR, refreshMs: 0 };

export const DEFAULTS: Readonly<Record<PageId, ContextDefaults>> = {
  home: { range: { from: 'now-15m', to: 'now' }, refreshMs: 5_000 },
  explore: { range: LAST_HOUR, refreshMs: 0 },
  targets: { range: LAST_HOUR, refreshMs: 5_000 },
  cardinality: { range: LAST_HOUR, refreshMs: 30_000 },
  members: STILL,
  tenants: { range: { from: 'now-24h', to: 'now' }, refreshMs: 0 },
  proposals: STILL,
  audit: { range: { from: 'now-7d', to: 'now' }, refreshMs: 0 },
  profile: STILL,
  gallery: { range: LAST_HOUR, refreshMs: 0 },
};

/** The page at a path of the address; undefined where there is none. */
export function pageAt(path: string): PageId | undefined {
  return (Object.keys(PATHS) as PageId[]).find((page) => PATHS[page] === path);
}
