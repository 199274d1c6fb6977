// The audit log, and proposals to change protected policies.

import { ask, change, type Answer, type Asking } from './client';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

export interface AuditEntry {
  readonly number: number;
  readonly time_ms: number;
  readonly who: string;
  readonly name: string;
  /** Empty for the whole server. */
  readonly tenant: string;
  readonly action: string;
  readonly object: string;
  readonly before: Readonly<Record<string, Json>> | null;
  readonly after: Readonly<Record<string, Json>> | null;
  readonly reason: string;
  readonly request_id: string;
  readonly previous: string;
  readonly hash: string;
}

/** What is looked for; what is left out is not asked about. */
export interface AuditSearch {
  who?: string | undefined;
  action?: string | undefined;
  object?: string | undefined;
  since?: number | undefined;
  until?: number | undefined;
}

/** The newest first; the next page is `before` the number of the last. */
export function auditEntries(
  wanted: AuditSearch & { before?: number | undefined; limit?: number },
  asking: Asking,
): Promise<Answer<readonly AuditEntry[]>> {
  return ask('/api/audit', { ...wanted }, asking);
}

export interface Chain {
  /** How many entries there are, up to the newest. */
  readonly entries: number;
  readonly hash: string;
  /** What is wrong with the chain; empty when every entry follows from the one before. */
  readonly fault: string;
}

export function auditChain(asking: Asking): Promise<Answer<Chain>> {
  return ask('/api/audit/chain', {}, asking);
}

/** Where the signed file of what a search finds is. */
export function exportPath(wanted: AuditSearch, format: 'jsonl' | 'csv'): string {
  const form = new URLSearchParams({ format });
  for (const [name, value] of Object.entries(wanted)) if (value !== undefined) form.set(name, String(value));
  return `/api/audit/export?${form.toString()}`;
}

export interface Vote {
  readonly who: string;
  readonly name: string;
  readonly approves: boolean;
  readonly reason: string;
  readonly at_ms: number;
}

export type ProposalStatus =
  'open' | 'applied' | 'rejected' | 'withdrawn' | 'expired' | 'outdated' | 'failed';

export interface Proposal {
  readonly id: string;
  readonly action: string;
  readonly policy: string;
  readonly tenant_id: string | null;
  readonly change: Readonly<Record<string, Json>>;
  readonly before: Json;
  readonly who: string;
  readonly name: string;
  readonly reason: string;
  readonly created_ms: number;
  readonly expires_ms: number;
  readonly status: ProposalStatus;
  readonly decided_ms: number | null;
  readonly outcome: string;
  readonly votes: readonly Vote[];
  /** How many must approve; null where nothing is known of that any more. */
  readonly quorum: number | null;
}

export function proposals(asking: Asking): Promise<Answer<readonly Proposal[]>> {
  return ask('/api/proposals', {}, asking);
}

export function decide(
  id: string,
  verdict: 'approve' | 'reject' | 'withdraw',
  reason: string,
  asking: Asking,
): Promise<Proposal> {
  return change('POST', `/api/proposals/${encodeURIComponent(id)}/${verdict}`, { reason }, asking);
}
