// Where each page is, and what its context is where the address does not say: what links know of pages.
// On its own, so that a page may link to another without knowing it.

import type { ContextDefaults } from './context';

type Run = 'runs' | 'workflows';

type Account = 'members' | 'tenants' | 'proposals' | 'audit' | 'profile';

type Respond = 'alerts' | 'alert' | 'silences' | 'onCall' | 'rules' | 'receivers' | 'responses';

export type PageId =
  | 'home'
  | 'dashboards'
  | 'services'
  | 'hosts'
  | 'status'
  | 'explore'
  | 'logs'
  | 'traces'
  | Respond
  | 'start'
  | 'reports'
  | Run
  | 'health'
  | 'slo'
  | 'anomalies'
  | 'versions'
  | 'targets'
  | 'cardinality'
  | Account
  | 'gallery';

export const PATHS = {
  home: '/',
  dashboards: '/dashboards',
  services: '/services',
  hosts: '/hosts',
  status: '/server',
  explore: '/explore',
  logs: '/logs',
  traces: '/traces',
  alerts: '/alerts',
  alert: '/alert',
  silences: '/silences',
  onCall: '/on-call',
  rules: '/rules',
  receivers: '/receivers',
  responses: '/responses',
  start: '/start',
  reports: '/reports',
  runs: '/runs',
  workflows: '/workflows',
  health: '/health',
  slo: '/slos',
  anomalies: '/anomalies',
  versions: '/versions',
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
const LAST_DAY = { from: 'now-24h', to: 'now' };
const STILL = { range: LAST_HOUR, refreshMs: 0 };
const WATCHED = { range: LAST_HOUR, refreshMs: 15_000 };
const LIVE = { range: LAST_HOUR, refreshMs: 5_000 };
const SLOW = { range: LAST_HOUR, refreshMs: 30_000 };
const LAST_WEEK = { from: 'now-7d', to: 'now' };
const WEEK_WATCHED = { range: LAST_WEEK, refreshMs: 15_000 };

/** Of pages that have defaults of their own; of the others `STILL`. */
const OWN: Readonly<Partial<Record<PageId, ContextDefaults>>> = {
  home: { range: { from: 'now-15m', to: 'now' }, refreshMs: 5_000 },
  services: WATCHED,
  hosts: WATCHED,
  status: WATCHED,
  alerts: LIVE,
  alert: LIVE,
  silences: WATCHED,
  onCall: WATCHED,
  rules: WATCHED,
  receivers: LIVE,
  responses: LIVE,
  runs: { range: LAST_DAY, refreshMs: 15_000 },
  workflows: WEEK_WATCHED,
  health: LIVE,
  slo: SLOW,
  anomalies: WEEK_WATCHED,
  versions: LIVE,
  targets: LIVE,
  cardinality: SLOW,
  tenants: { range: LAST_DAY, refreshMs: 0 },
  audit: { range: LAST_WEEK, refreshMs: 0 },
};

/** What a page shows while the address says nothing else. */
export function defaultsOf(page: PageId): ContextDefaults {
  return OWN[page] ?? STILL;
}

/** Where one dashboard is: a part of the page of dashboards. What stands behind its uid is for people to read. */
export const DASHBOARD = '/d/$uid/$slug';

/** Where what changed at the time of a spike is put together. */
export const EXPLAIN = '/explain';

/** Where one service is, and one host: parts of the pages of all of them. */
export const SERVICE = '/services/$service';
export const HOST = '/hosts/$host';

/** Where one trace is: a part of the page of traces. */
export const TRACE = '/traces/$traceId';

/** Where one run and one workflow are: parts of the pages of all. A slash in a name is `%2F`; as it is, it is understood. */
export const RUN = '/runs/$name';
export const WORKFLOW = '/workflows/$name';

/** The page at a path of the address; undefined where there is none. */
export function pageAt(path: string): PageId | undefined {
  for (const page of ['traces', 'services', 'hosts', 'runs', 'workflows'] as const)
    if (path.startsWith(`${PATHS[page]}/`)) return page;
  if (/^\/(d\/|shared$|dashboards\/)/u.test(path)) return 'dashboards';
  return (Object.keys(PATHS) as PageId[]).find((page) => PATHS[page] === path);
}
