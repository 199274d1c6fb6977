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
  /** Seconds since the epoch. */
  start?: number | undefined;
  end?: number | undefined;
  /** All entries, not those of the tenant alone. */
  everywhere?: 'true' | undefined;
}

export interface AuditPart {
  /** The newest first. */
  readonly entries: readonly AuditEntry[];
  /** What the next part is asked `before`; null when there is none. */
  readonly before: number | null;
}

export function auditEntries(
  wanted: AuditSearch & { before?: number | undefined; limit?: number },
  asking: Asking,
): Promise<Answer<AuditPart>> {
  return ask('/api/audit', { ...wanted }, asking);
}

export interface Chain {
  /** How many entries there are. */
  readonly entries: number;
  readonly hash: string;
}

/** Follows the whole log; rejects with the first entry that is not what was written. */
export function verifyChain(asking: Asking): Promise<Answer<Chain>> {
  return ask('/api/audit/verify', {}, asking);
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
  /** The name of whom the change is about; null where it is about nobody, or they are no more. */
  readonly subject: string | null;
  /** Permissions that it gives or takes and that nobody has who made or approves it. */
  readonly lacking: readonly string[];
}

export interface ProposalsPart {
  /** The newest first. */
  readonly proposals: readonly Proposal[];
  /** What the next part is asked `before`; null when there is none. */
  readonly before: string | null;
}

/** What changes of a policy need. */
export interface Protection {
  readonly policy: string;
  /** Null for all tenants, and for the whole server. */
  readonly tenant_id: string | null;
  readonly approvals: number;
  /** Of those who may approve; 0 where a number alone counts. */
  readonly percent: number;
  /** How long a proposal is open. */
  readonly lasts_ms: number;
  /** Votes need a reason. */
  readonly reasons: boolean;
}

/** A policy's place: a tenant, or null for all tenants and the whole server. */
export type Place = string | null;

/** Those of the tenant, or of all. */
export function proposals(
  everywhere: boolean,
  part: { before?: string | undefined; limit: number },
  asking: Asking,
): Promise<Answer<ProposalsPart>> {
  return ask('/api/proposals', { ...part, ...(everywhere ? { everywhere: 'true' } : {}) }, asking);
}

export function proposal(id: string, asking: Asking): Promise<Answer<Proposal>> {
  return ask(`/api/proposals/${encodeURIComponent(id)}`, {}, asking);
}

export function protections(asking: Asking): Promise<Answer<readonly Protection[]>> {
  return ask('/api/protections', {}, asking);
}

/** Protects a policy that is not protected; of one that is, the rule is changed by a proposal alone. */
export function protect(
  policy: string,
  place: Place,
  rule: Pick<Protection, 'approvals' | 'percent' | 'lasts_ms' | 'reasons'>,
  tenant: string | null,
): Promise<readonly Protection[]> {
  const path = `/api/protections/${encodeURIComponent(policy)}`;
  return change('PUT', path, { ...rule, everywhere: place === null }, { tenant: place ?? tenant });
}

/** A change of a protected policy, as it is proposed. */
export interface Wanted {
  /** Such as `limits.set`. */
  readonly action: string;
  readonly policy: string;
  readonly place: Place;
  readonly change: Readonly<Record<string, Json>>;
}

export function propose(
  { action, place, change: wanted }: Wanted,
  reason: string,
  tenant: string | null,
): Promise<Proposal> {
  const body = { action, change: wanted, reason, everywhere: place === null };
  return change('POST', '/api/proposals', body, { tenant: place ?? tenant });
}

export function decide(
  id: string,
  verdict: 'approve' | 'reject' | 'withdraw',
  reason: string,
  asking: Asking,
): Promise<Proposal> {
  return change('POST', `/api/proposals/${encodeURIComponent(id)}/${verdict}`, { reason }, asking);
}
