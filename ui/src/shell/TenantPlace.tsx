import { useQuery } from '@tanstack/react-query';
import { useEffect, useState, type ReactElement } from 'react';
import { useAddress, useTenant } from '../address/hooks';
import { tenants } from '../api/tenants';
import { useScheme } from '../design/scheme';
import { tenantColor } from '../design/tenants';
import { asksWho, impliedTenant, useSession } from '../session/session';
import styles from './shell.module.css';
import { knownTenants, rememberTenant } from './tenant';

const DEFAULT = 'default';

/** The tenant that is shown: the address names it, or it is the one that is meant without a name. */
function useShown(): string {
  const tenant = useTenant();
  const { me } = useSession();
  return tenant ?? (me ? impliedTenant(me, knownTenants()) : DEFAULT) ?? '–';
}

/** The tenant's own colour, wherever its name has no room. */
export function TenantMark(): ReactElement {
  const shown = useShown();
  return (
    <svg width={10} height={10} viewBox="0 0 10 10" role="img" aria-label={`Tenant ${shown}`}>
      <rect width={10} height={10} rx={3} fill={tenantColor(shown, useScheme())} />
    </svg>
  );
}

/** The tenants that may be chosen: those with a role of one's own, and all there are for who may see them all. */
function useNames(): readonly string[] {
  const { me } = useSession();
  const [known] = useState(knownTenants);
  const sees = me?.everywhere.includes('tenants.view') ?? false;
  const all = useQuery({
    queryKey: [null, 'tenants'],
    queryFn: ({ signal }) => tenants({ tenant: null, signal }),
    enabled: sees,
    staleTime: 60_000,
  });
  const own = me?.tenants.map(({ id }) => id) ?? [];
  const seen = all.data?.data.map(({ id }) => id);
  // Where nobody signs in, or who may see all cannot be told which there are, names that were once typed help.
  const typed = me && asksWho(me) && !sees ? [] : (seen ?? [DEFAULT, ...known]);
  return [...own, ...typed];
}

/**
 * Whose data the pages show, with a colour of its own; a choice as soon as there is more than one.
 *
 * A native select: it needs no script in the first chunk, and is the same on a telephone.
 */
export function TenantPlace(): ReactElement {
  const { tenant, change } = useAddress();
  const { me } = useSession();
  const shown = useShown();
  const names = [...new Set([shown, ...useNames()])].sort();
  useEffect(() => {
    if (tenant !== null) rememberTenant(tenant);
  }, [tenant]);
  if (names.length === 1)
    return (
      <div className={styles.tenant} title={shown}>
        <TenantMark />
        <span className={styles.text}>{shown}</span>
      </div>
    );
  const meant = me ? me.default_tenant : DEFAULT;
  return (
    <label className={styles.tenant} title={`Tenant ${shown}`}>
      <TenantMark />
      <select
        aria-label="Tenant"
        value={shown}
        onChange={({ target }) => {
          if (target.value !== meant) rememberTenant(target.value);
          change({ tenant: target.value === meant ? null : target.value, host: null });
        }}
      >
        {names.map((name) => (
          <option key={name}>{name}</option>
        ))}
      </select>
    </label>
  );
}
