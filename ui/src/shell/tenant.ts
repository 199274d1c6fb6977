// Which tenants this browser has looked at, and how each is told apart at a glance.

import { readStoredList, writeStored } from '../design/stored';

const KEY = 'pharos-tenants';
const MOST = 20;

/** Hues that keep away from the red, amber and green of a status. */
const HUES = [210, 265, 185, 305, 235, 330, 165, 285] as const;

/** The hue, in degrees, of a tenant's mark: the same in every browser. */
export function tenantHue(tenant: string): number {
  let hash = 2_166_136_261;
  for (const char of tenant) hash = Math.imul(hash ^ (char.codePointAt(0) ?? 0), 16_777_619) >>> 0;
  return HUES[hash % HUES.length] ?? HUES[0];
}

/** Tenants that were looked at in this browser, newest first. */
export function knownTenants(): string[] {
  return readStoredList(KEY);
}

export function rememberTenant(tenant: string): void {
  const kept = knownTenants();
  if (kept[0] === tenant) return;
  writeStored(KEY, JSON.stringify([tenant, ...kept.filter((one) => one !== tenant)].slice(0, MOST)));
}
