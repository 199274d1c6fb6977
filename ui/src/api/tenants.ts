// Tenants, their limits, what they use.

import { ask, change, type Answer, type Asking } from './client';

export type Condition = 'open' | 'suspended' | 'deleting' | 'deleted';

export interface Tenant {
  readonly id: string;
  /** What people call it; the id where nobody said otherwise. */
  readonly name: string;
  readonly condition: Condition;
  readonly active_series: number;
  /** RFC 3339. */
  readonly created: string;
}

/** Counts, and durations such as `15d`; 0 is no limit. */
export type LimitValue = number | string;

export interface LimitsOfTenant {
  /** As they hold. */
  readonly limits: Readonly<Record<string, LimitValue>>;
  /** Those of them that are the tenant's own. */
  readonly own: Readonly<Record<string, LimitValue>>;
  /** What holds where the tenant has none of its own. */
  readonly defaults: Readonly<Record<string, LimitValue>>;
}

export type Amounts = Readonly<Record<string, number>>;

export interface UsageOfTenant {
  readonly active_series: number;
  readonly totals: Amounts;
  readonly hours: readonly (Readonly<Record<string, number | string>> & { readonly hour: string })[];
  /** By the id of a token, or of whatever else sent or asked; empty for who presented nothing. */
  readonly tokens?: Readonly<Record<string, Amounts>>;
  readonly metrics?: readonly {
    readonly metric: string;
    readonly samples: number;
    readonly series: number;
  }[];
}

const NOWHERE: Asking = { tenant: null };

function pathOf(id: string, rest = ''): string {
  return `/api/tenants/${encodeURIComponent(id)}${rest}`;
}

/** All that who asks may see; those that are deleted are not among them. */
export function tenants({ signal }: Asking): Promise<Answer<readonly Tenant[]>> {
  return ask('/api/tenants', {}, { tenant: null, signal });
}

export function createTenant(id: string, name: string): Promise<Tenant> {
  return change('POST', '/api/tenants', name === '' ? { id } : { id, name }, NOWHERE);
}

export function renameTenant(id: string, name: string): Promise<Tenant> {
  return change('PATCH', pathOf(id), { name }, NOWHERE);
}

export function setSuspended(id: string, suspended: boolean): Promise<Tenant> {
  return change('POST', pathOf(id, suspended ? '/suspend' : '/resume'), null, NOWHERE);
}

export function deleteTenant(id: string): Promise<Tenant> {
  return change('DELETE', pathOf(id), null, NOWHERE);
}

export function limitsOf(id: string, { signal }: Asking): Promise<Answer<LimitsOfTenant>> {
  return ask(pathOf(id, '/limits'), {}, { tenant: null, signal });
}

/** Null has a limit be as for everybody. */
export function changeLimits(
  id: string,
  changes: Readonly<Record<string, LimitValue | null>>,
): Promise<LimitsOfTenant> {
  return change('PATCH', pathOf(id, '/limits'), changes, NOWHERE);
}

export function usageOf(
  id: string,
  wanted: { start: number; end: number; by: 'token' | 'metric' },
  { signal }: Asking,
): Promise<Answer<UsageOfTenant>> {
  return ask('/api/usage', { tenant: id, ...wanted }, { tenant: null, signal });
}
