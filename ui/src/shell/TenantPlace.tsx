import { useEffect, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import styles from './shell.module.css';
import { knownTenants, rememberTenant, tenantHue } from './tenant';

const DEFAULT = 'default';

/**
 * Whose data the pages show, with a colour of its own; absent while only the default tenant is in play.
 *
 * A native select: it needs no script in the first chunk, and is the same on a telephone.
 */
export function TenantPlace(): ReactElement | null {
  const { tenant, change } = useAddress();
  const [known] = useState(knownTenants);
  useEffect(() => {
    if (tenant !== null) rememberTenant(tenant);
  }, [tenant]);
  const shown = tenant ?? DEFAULT;
  const names = [...new Set([DEFAULT, shown, ...known])];
  if (tenant === null && names.length === 1) return null;
  return (
    <label className={styles.tenant} title={`Tenant ${shown}`}>
      <svg width={10} height={10} viewBox="0 0 10 10" aria-hidden="true">
        <rect width={10} height={10} rx={3} fill={`hsl(${tenantHue(shown)} 65% 55%)`} />
      </svg>
      <select
        aria-label="Tenant"
        value={shown}
        onChange={(event) =>
          change({ tenant: event.target.value === DEFAULT ? null : event.target.value, host: null })
        }
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
