// What every page has in common and the address carries from one to the next: whose data, which time, in which
// zone, asked how often, of which host. Pure: pages and links read and write it through here alone.

import { parseDuration } from '../time/durations';
import type { TimeRange } from '../time/range';

/** Search parameters as they stand in the address: flat text. */
export type Search = Readonly<Record<string, string | undefined>>;

/** The parameters that every link carries. */
export const CONTEXT_KEYS = ['tenant', 'from', 'to', 'zone', 'refresh', 'host'] as const;

/** What a page shows while the address says nothing else. */
export interface ContextDefaults {
  range: TimeRange;
  /** 0 for none. */
  refreshMs: number;
}

export interface Context {
  /** Whose data; null for the tenant of requests that name none. */
  tenant: string | null;
  range: TimeRange;
  /** The address names the range; without that a page may choose what it shows. */
  ranged: boolean;
  /** The zone that the address names; null to show times as the reader prefers. */
  zone: 'utc' | 'local' | null;
  /** 0 for paused. */
  refreshMs: number;
  /** The name of the host that pages about hosts show; null for all. */
  host: string | null;
}

const LEAST_REFRESH_MS = 1_000;
const PAUSED = 'off';

/** The search parameters of an address: text under a name, and nothing else. */
export function readSearch(raw: Readonly<Record<string, unknown>>): Search {
  const found: Record<string, string> = {};
  for (const [key, value] of Object.entries(raw)) if (typeof value === 'string') found[key] = value;
  return found;
}

function readRefresh(text: string | undefined, otherwiseMs: number): number {
  if (text === PAUSED) return 0;
  const ms = parseDuration(text ?? '');
  return ms !== null && ms >= LEAST_REFRESH_MS ? ms : otherwiseMs;
}

/** The context that `search` describes; what is missing or nonsense becomes the page's default. */
export function readContext(search: Search, defaults: ContextDefaults): Context {
  const { from, to, zone } = search;
  return {
    // Not read more closely: of a name that is none the server, or the client, says so.
    tenant: search.tenant || null,
    range: { from: from || defaults.range.from, to: to || (from ? 'now' : defaults.range.to) },
    ranged: Boolean(from || to),
    zone: zone === 'utc' || zone === 'local' ? zone : null,
    refreshMs: readRefresh(search.refresh, defaults.refreshMs),
    host: search.host || null,
  };
}

/** The parameters that say `change`; a choice is written even where it is some page's default, for it is carried. */
export function writeContext(change: Partial<Omit<Context, 'ranged'>>): Search {
  const { tenant, range, zone, refreshMs, host } = change;
  return {
    ...(tenant === undefined ? {} : { tenant: tenant ?? undefined }),
    ...(range === undefined ? {} : { from: range.from, to: range.to }),
    ...(zone === undefined ? {} : { zone: zone ?? undefined }),
    ...(refreshMs === undefined ? {} : { refresh: refreshMs > 0 ? `${refreshMs / 1000}s` : PAUSED }),
    ...(host === undefined ? {} : { host: host ?? undefined }),
  };
}

/** The part of `search` that every link carries. */
export function contextOf(search: Search): Search {
  const found: Record<string, string> = {};
  for (const key of CONTEXT_KEYS) if (search[key] !== undefined) found[key] = search[key];
  return found;
}

/** The part of `search` that is the page's own: its queries, its filters, its views. */
export function ownOf(search: Search): Search {
  const carried: readonly string[] = CONTEXT_KEYS;
  return Object.fromEntries(Object.entries(search).filter(([key]) => !carried.includes(key)));
}
