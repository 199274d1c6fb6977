// Roles as the forms have them: which role, and where.

import type { HeldRole } from '../api/accounts';
import type { Place, Wanted } from '../api/governance';
import type { User } from '../api/types';

/** Stands for the whole server where a tenant could stand; no tenant is called so. */
export const EVERYWHERE = '|everywhere';

export interface HeldRow {
  role: string | null;
  /** A tenant, or `EVERYWHERE`. */
  where: string | null;
}

export function rowsOf(user: Pick<User, 'everywhere' | 'tenants'>): readonly HeldRow[] {
  return [
    ...user.everywhere.map((role) => ({ role, where: EVERYWHERE })),
    ...Object.entries(user.tenants).flatMap(([where, roles]) => roles.map((role) => ({ role, where }))),
  ];
}

/** The rows that are whole, each once, as a request has them. */
export function heldOf(rows: readonly HeldRow[]): readonly HeldRole[] {
  const seen = new Set<string>();
  return rows.flatMap(({ role, where }) => {
    const key = JSON.stringify([role, where]);
    if (role === null || where === null || seen.has(key)) return [];
    seen.add(key);
    return [where === EVERYWHERE ? { role, everywhere: true } : { role, tenant: where }];
  });
}

/** By tenant (`EVERYWHERE` for the whole), the roles that somebody shall have there, where that is another set. */
export function changedPlaces(
  before: readonly HeldRow[],
  after: readonly HeldRow[],
): ReadonlyMap<string, readonly string[]> {
  const byPlace = (rows: readonly HeldRow[]): Map<string, string[]> => {
    const found = new Map<string, string[]>();
    for (const { role, tenant } of heldOf(rows)) {
      const place = tenant ?? EVERYWHERE;
      found.set(place, [...(found.get(place) ?? []), role].sort());
    }
    return found;
  };
  const [was, is] = [byPlace(before), byPlace(after)];
  const changed = new Map<string, readonly string[]>();
  for (const place of new Set([...was.keys(), ...is.keys()])) {
    const roles = is.get(place) ?? [];
    if (roles.join() !== (was.get(place) ?? []).join()) changed.set(place, roles);
  }
  return changed;
}

/** The tenants of these rows that there are not yet. */
export function newTenants(rows: readonly HeldRow[], known: readonly string[]): readonly string[] {
  const named = rows.flatMap(({ where }) => (where === null || where === EVERYWHERE ? [] : [where]));
  return [...new Set(named)].filter((id) => !known.includes(id));
}

/**
 * What makes the roles `is` of the roles `was`, as proposals: one for each role. Of the same person and place, one
 * after the other is proposed: each is outdated by the one before it.
 */
export function roleProposals(
  userId: string,
  place: Place,
  was: readonly string[],
  is: readonly string[],
): readonly (Wanted & { change: { user_id: string; role: string } })[] {
  const wanted = (action: string, role: string) => ({
    action,
    policy: 'roles',
    place,
    change: { user_id: userId, role },
  });
  return [
    ...is.filter((role) => !was.includes(role)).map((role) => wanted('roles.grant', role)),
    ...was.filter((role) => !is.includes(role)).map((role) => wanted('roles.withdraw', role)),
  ];
}
