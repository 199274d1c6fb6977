import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { roles } from '../api/accounts';
import { EmptyState } from '../design/EmptyState';
import { Value } from '../design/Value';
import { Page, PageHead } from '../page/Page';
import type { PageEntry } from '../pages';
import { impliedTenant, useSession, type Permission } from './session';

/** What only a role that is held everywhere can give. */
const OF_THE_WHOLE: readonly Permission[] = ['tenants.manage', 'roles.manage', 'users.manage'];

/** Who can give a permission, in words. */
export function givers(permission: Permission): string {
  return OF_THE_WHOLE.includes(permission)
    ? 'an operator of the server can give it'
    : 'an admin of the tenant, or an operator of the server, can give it';
}

/** That a page is not for who asks: which permission is missing, which roles have it, who can give it. */
export default function Forbidden({ page }: { page: PageEntry }): ReactElement {
  const { me } = useSession();
  const { tenant, change } = useAddress();
  const shown = tenant ?? (me ? impliedTenant(me, []) : null);
  const reached = me?.everywhere.length !== 0 || me.tenants.some(({ id }) => id === shown);
  const answer = useQuery({
    queryKey: [tenant, 'roles'],
    queryFn: ({ signal }) => roles({ tenant, signal }),
    enabled: reached,
  });
  const having = answer.data?.data.roles.filter(({ permissions }) => permissions.includes(page.permission));
  const others = me?.tenants.filter(
    ({ id, permissions }) => id !== shown && permissions.includes(page.permission),
  );
  return (
    <Page>
      <PageHead title={page.name} />
      <EmptyState
        reason="forbidden"
        title={
          shown === null
            ? 'You have no role in any tenant yet'
            : reached
              ? `You may not see this page in the tenant ${shown.slice(0, 80)}`
              : `You have no role in the tenant ${shown.slice(0, 80)}`
        }
        actions={others?.slice(0, 5).map(({ id }) => (
          <button key={id} type="button" className="button" onClick={() => change({ tenant: id, host: null })}>
            Go to tenant <Value text={id} />
          </button>
        ))}
      >
        {reached ? (
          <>
            It needs the permission <code>{page.permission}</code>
            {having && having.length > 0 ? (
              <>
                , which the roles {having.map(({ name }) => name).join(', ')} have
              </>
            ) : null}
            ; {givers(page.permission)}. You are signed in as <Value text={me?.identity.name ?? ''} />.
          </>
        ) : (
          <>
            An admin of the tenant, or an operator of the server, can give you a role. You are signed in as{' '}
            <Value text={me?.identity.name ?? ''} />.
          </>
        )}
      </EmptyState>
    </Page>
  );
}
