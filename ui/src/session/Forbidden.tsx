import { useQuery } from '@tanstack/react-query';
import type { ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { roles } from '../api/accounts';
import { EmptyState } from '../design/EmptyState';
import { Value } from '../design/Value';
import { Page, PageHead } from '../page/Page';
import type { PageEntry } from '../pages';
import { giversOf } from './lacking';
import { impliedTenant, useSession } from './session';

/** That a page is not for who asks: which permission is missing, which roles have it, who can give it. */
export default function Forbidden({ page }: { page: PageEntry }): ReactElement {
  const { me } = useSession();
  const { tenant, change } = useAddress();
  const name = me?.identity.name ?? '';
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
          <button
            key={id}
            type="button"
            className="button"
            onClick={() => change({ tenant: id, host: null })}
          >
            Go to tenant <Value text={id} />
          </button>
        ))}
      >
        {reached ? (
          <>
            It needs the permission <code>{page.permission}</code>
            {having && having.length > 0 ? (
              <>, which the roles {having.map(({ name }) => name).join(', ')} have</>
            ) : null}
            ; {giversOf(page.permission)}. You are signed in as <Value text={name} />.
          </>
        ) : (
          <>
            An admin of the tenant, or an operator of the server, can give you a role. You are signed in as{' '}
            <Value text={name} />.
          </>
        )}
      </EmptyState>
    </Page>
  );
}
