// Which tenants this browser has looked at.

import { readStoredList, writeStored } from '../design/stored';

const KEY = 'pharos-tenants';
const MOST = 20;

/** Tenants that were looked at in this browser, newest first. */
export function knownTenants(): string[] {
  return readStoredList(KEY);
}

export function rememberTenant(tenant: string): void {
  const kept = knownTenants();
  if (kept[0] === tenant) return;
  writeStored(KEY, JSON.stringify([tenant, ...kept.filter((one) => one !== tenant)].slice(0, MOST)));
}
