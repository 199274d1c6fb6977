import { useEffect, useState, type ReactElement } from 'react';
import { useAddress, useTenant } from '../address/hooks';
import { useScheme } from '../design/scheme';
import { tenantColor } from '../design/tenants';
import styles from './shell.module.css';
import { knownTenants, rememberTenant } from './tenant';

const DEFAULT = 'default';

/** The tenant's own colour, wherever its name has no room. */
export function TenantMark(): ReactElement {
  const shown = useTenant() ?? DEFAULT;
  return (
    <svg width={10} height={10} viewBox="0 0 10 10" role="img" aria-label={`Tenant ${shown}`}>
      <title>{`Tenant ${shown}`}</title>
      <rect width={10} height={10} rx={3} fill={tenantColor(shown, useScheme())} />
    </svg>
  );
}

/**
 * Whose data the pages show, with a colour of its own; a choice as soon as more than the default tenant is in play.
 *
 * A native select: it needs no script in the first chunk, and is the same on a telephone.
 */
export function TenantPlace(): ReactElement {
  const { tenant, change } = useAddress();
  const [known] = useState(knownTenants);
  useEffect(() => {
    if (tenant !== null) rememberTenant(tenant);
  }, [tenant]);
  const shown = tenant ?? DEFAULT;
  const names = [...new Set([DEFAULT, shown, ...known])];
  if (names.length === 1)
    return (
      <div className={styles.tenant}>
        <TenantMark />
        <span className={styles.text}>{shown}</span>
      </div>
    );
  return (
    <label className={styles.tenant} title={`Tenant ${shown}`}>
      <TenantMark />
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
