// Colours of tenants. On their own, because the first load needs no other scale; measured with the others.

import type { Scheme } from './colors';

/** Colours of tenants: a tenant keeps its own, whichever others there are. */
export const TENANT_COLORS: Readonly<Record<Scheme, readonly string[]>> = {
  dark: '#a2d4ff #75efe2 #aea3ff #d755ba #dde45f #d6b286 #a761e9 #3c8400'.split(' '),
  light: '#2f6de8 #0a4d45 #5412a1 #bf41ab #4c4a02 #976b46 #651f6d #789c00'.split(' '),
};

/** The colour of the tenant called `name`. */
export function tenantColor(name: string, scheme: Scheme): string {
  let hash = 0;
  for (let i = 0; i < name.length; i += 1) hash = (Math.imul(hash, 31) + name.charCodeAt(i)) >>> 0;
  const colors = TENANT_COLORS[scheme];
  return colors[hash % colors.length] ?? '';
}
