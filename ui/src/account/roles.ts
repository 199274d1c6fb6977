// Which roles somebody has, and where from. Pure.

import type { Me } from '../api/types';

/** The roles of `me` that count in `tenant`, or in the one that is meant by null: its own, and those held everywhere. */
export function rolesIn(me: Me, tenant: string | null): Me['roles'] {
  const id = tenant ?? me.default_tenant;
  return me.roles.filter((one) => one.tenant === null || one.tenant === id);
}

/** Where somebody has a role from, in words. */
export function sourceOf({ source, detail }: Me['roles'][number]): string {
  return { ...SOURCES, provider: `by ${detail}`, issuer: `by ${detail}` }[source] ?? source;
}

const SOURCES: Readonly<Record<string, string>> = {
  user: 'given here',
  token: 'of the token',
  settings: 'of whoever has no credentials',
  local: 'of everybody who reaches this server',
};
