// How what else happened is told: how far away in time, and where its links lead.

import { contextOf, type Search } from '../address/context';
import type { RelatedAlert } from '../api/types';
import { formatSeconds } from '../design/format';
import type { Status } from '../design/status';

/** Milliseconds of a time in nanoseconds. */
export function msOf(ns: string): number {
  return Number(BigInt(ns) / 1_000_000n);
}

/** How long before or after the subject something was. */
export function distance(ns: string, subjectNs: string): string {
  const apart = Number(BigInt(ns) - BigInt(subjectNs)) / 1e9;
  if (Math.abs(apart) < 0.001) return 'at once';
  const text = formatSeconds(Math.abs(apart), 2);
  return apart < 0 ? `${text} before` : `${text} after`;
}

/** A link of the server's as the router takes it; tenant and zone are those of the page it stands on. */
export function linkOf(link: string, search: Search): { to: string; params: Search } {
  const { pathname, searchParams } = new URL(link, 'http://pharos.invalid');
  const { tenant, zone } = contextOf(search);
  return {
    to: pathname,
    params: {
      ...Object.fromEntries(searchParams),
      ...(tenant === undefined ? {} : { tenant }),
      ...(zone === undefined ? {} : { zone }),
    },
  };
}

const STATES: Readonly<Record<string, Status>> = {
  pending: 'pending',
  firing: 'critical',
  resolved: 'ok',
};

/** How an alert is drawn. */
export function stateOf({ state, labels }: Pick<RelatedAlert, 'state' | 'labels'>): Status {
  if (state === 'firing' && (labels['severity'] === 'warning' || labels['severity'] === 'info'))
    return labels['severity'];
  return STATES[state] ?? 'unknown';
}
