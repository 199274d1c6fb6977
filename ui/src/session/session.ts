// Who asks, and what they may do: asked of the server once, and again when it no longer knows.

import { noop, useQuery, useQueryClient, type QueryClient } from '@tanstack/react-query';
import { useCallback, useEffect } from 'react';
import { useTenant } from '../address/hooks';
import { ApiError, ask, onUnauthenticated, setCsrfToken } from '../api/client';
import type { Me } from '../api/types';

/** The permissions that pages ask about, by the names of the server's one table of them. */
export type Permission =
  | 'account.use'
  | 'metrics.view'
  | 'metrics.export'
  | 'dashboards.view'
  | 'dashboards.edit'
  | 'logs.view'
  | 'logs.export'
  | 'traces.view'
  | 'traces.export'
  | 'flows.read'
  | 'flows.start'
  | 'flows.pause'
  | 'flows.resume'
  | 'flows.retry'
  | 'flows.abort'
  | 'alerts.view'
  | 'alerts.acknowledge'
  | 'alerts.silence'
  | 'alerts.escalate'
  | 'alerts.configure'
  | 'tenants.view'
  | 'tenants.manage'
  | 'limits.view'
  | 'limits.change'
  | 'members.view'
  | 'members.manage'
  | 'tokens.manage'
  | 'roles.manage'
  | 'users.manage'
  | 'governance.propose'
  | 'governance.approve'
  | 'audit.view'
  | 'audit.export'
  | 'server.operate';

/** `me` is null for who is not known, `before` is who last was since the page was loaded. */
export interface Session {
  me: Me | null;
  before: Me | null;
}

/**
 * How it stands: not known yet, known, to sign in first, signed out in the midst of things, or not to be found out,
 * in which case pages are shown and the server says what it refuses.
 */
export type Standing = 'asking' | 'in' | 'out' | 'ended' | 'unknown';

const KEY = ['me'] as const;
const AGAIN_MS = 30_000;
const SOON_MS = 5_000;

async function askMe(signal: AbortSignal): Promise<Me | null> {
  try {
    return (await ask<Me>('/api/me', {}, { tenant: null, signal })).data;
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) return null;
    throw error;
  }
}

function keep(client: QueryClient, me: Me | null): Session {
  const was = client.getQueryData<Session>(KEY);
  setCsrfToken(me?.csrf_token ?? null);
  return { me, before: me ?? was?.before ?? null };
}

export function standingOf(session: Session | undefined, failed: boolean): Standing {
  if (session === undefined) return failed ? 'unknown' : 'asking';
  if (session.me) return 'in';
  return session.before ? 'ended' : 'out';
}

function question(client: QueryClient) {
  return {
    queryKey: KEY,
    queryFn: async ({ signal }: { signal: AbortSignal }) => keep(client, await askMe(signal)),
  };
}

/** Asks who asks while the pages are on their way: the first one that is drawn knows it, and asks for what it shows. */
export function askSession(client: QueryClient): void {
  client.query(question(client)).catch(noop);
}

/** The session, kept fresh while the page is seen. */
export function useSession(): Session & { standing: Standing } {
  const client = useQueryClient();
  const { data, errorUpdateCount } = useQuery({
    ...question(client),
    refetchInterval: ({ state }) => {
      if (state.data === undefined) return state.errorUpdateCount > 0 ? SOON_MS : false;
      // Where nobody signs in there is nothing to lose.
      return state.data.me?.openness === 'closed' ? AGAIN_MS : false;
    },
    refetchOnWindowFocus: 'always',
    // Every part of a page that is shown because it could not be found out would ask again, and for that moment
    // nothing would be shown.
    retryOnMount: false,
  });
  // Who is signed out in the midst of things sees the page as it was: what is typed in it must not go.
  const me = data?.me ?? data?.before ?? null;
  return { me, before: data?.before ?? null, standing: standingOf(data, errorUpdateCount > 0) };
}

/** Has the session asked for anew whenever an answer says that nobody is known to ask. Once, around all pages. */
export function useSessionWatch(): void {
  const client = useQueryClient();
  useEffect(
    () =>
      onUnauthenticated(() => {
        // The answer to the question itself is heard here too, and must not ask it again.
        if (client.getQueryData<Session>(KEY)?.me)
          void client.refetchQueries({ queryKey: KEY }, { cancelRefetch: false });
      }),
    [client],
  );
}

/** Goes on as who has just signed in: on the page as it stands, or from its beginning where another one was before. */
export function enter(client: QueryClient, me: Me): void {
  const before = client.getQueryData<Session>(KEY)?.before;
  if (before && before.identity.id !== me.identity.id) {
    window.location.reload();
    return;
  }
  client.setQueryData<Session>(KEY, keep(client, me));
  void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
}

/** What `me` may do in `tenant`, or in the one that is meant by null. */
export function permissionsIn(me: Me, tenant: string | null): readonly string[] {
  const id = tenant ?? me.default_tenant;
  return me.tenants.find((one) => one.id === id)?.permissions ?? me.everywhere;
}

/** Whether there are users at all, and so anything to sign in to. */
export function asksWho(me: Me | null): boolean {
  return me?.openness === 'closed';
}

/** Which tenant the pages show where the address names none; null where there is none to see. */
export function impliedTenant(me: Me, known: readonly string[]): string | null {
  const own = me.tenants.map(({ id }) => id);
  return me.default_tenant ?? known.find((one) => own.includes(one)) ?? own[0] ?? null;
}

/** Says whether something may be done in the tenant of the page; what is not known may be tried. */
export function useMay(): (permission: Permission) => boolean {
  const { me } = useSession();
  const tenant = useTenant();
  return useCallback(
    (permission) => me === null || permissionsIn(me, tenant).includes(permission),
    [me, tenant],
  );
}
