import { useRef } from 'react';
import { createTenant } from '../api/tenants';
import { newTenants, type HeldRow } from './held';

/**
 * Makes the tenants that rows name and that there are not yet. What was made before the rest of an attempt failed is
 * not made again by the next one.
 */
export function useNewTenants(known: readonly string[]): (rows: readonly HeldRow[]) => Promise<void> {
  const made = useRef<ReadonlySet<string>>(new Set());
  return async (rows) => {
    for (const id of newTenants(rows, [...known, ...made.current])) {
      await createTenant(id, '');
      made.current = new Set([...made.current, id]);
    }
  };
}
