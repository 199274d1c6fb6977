import { useQuery } from '@tanstack/react-query';
import type { ReactElement, ReactNode } from 'react';
import { useAddress } from '../address/hooks';
import { makeTenantToken, members, roles, tenantTokens, users } from '../api/accounts';
import type { Asking } from '../api/client';
import { tenants } from '../api/tenants';
import type { Role } from '../api/types';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { Tabs, type Tab } from '../design/Tabs';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { useRules } from '../governance/useRules';
import { asksWho, impliedTenant, useMay, useSession } from '../session/session';
import { whyNot } from '../session/lacking';
import { Tokens } from '../tokens/Tokens';
import { FirstPerson } from './FirstPerson';
import { Members } from './Members';
import { People } from './People';
import { RolesTable } from './RolesTable';
import styles from './members.module.css';

const COMING_MS = 5000;

interface Asked<T> {
  data: { data: T } | undefined;
  error: Error | null;
  dataUpdatedAt: number;
}

/** What was asked, once it has come; before that, or if it failed, what says so. */
function Loaded<T>(props: {
  what: string;
  answer: Asked<T>;
  children: (found: T) => ReactNode;
}): ReactElement {
  const { what, answer, children } = props;
  return (
    <div className={styles.tab}>
      <Unreadable what={what} error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.data ? children(answer.data.data) : null}
      {!answer.data && !answer.error ? <Skeleton kind="table" label={what} rows={5} /> : null}
    </div>
  );
}

function useTables(shown: string, sees: { users: boolean; tokens: boolean; known: boolean }) {
  const of = { queryKey: [shown] };
  const asking = (signal: AbortSignal): Asking => ({ tenant: shown, signal });
  return {
    members: useQuery({
      queryKey: [...of.queryKey, 'members'],
      queryFn: ({ signal }) => members(asking(signal)),
      enabled: sees.known,
    }),
    roles: useQuery({ queryKey: [...of.queryKey, 'roles'], queryFn: ({ signal }) => roles(asking(signal)) }),
    users: useQuery({
      queryKey: [null, 'users'],
      queryFn: ({ signal }) => users(asking(signal)),
      enabled: sees.users,
      // Whoever was handed a link is seen to come in.
      refetchInterval: ({ state }) =>
        state.data?.data.some(({ has_password: hasPassword }) => !hasPassword) ? COMING_MS : false,
    }),
    tenants: useQuery({
      queryKey: [null, 'tenants'],
      queryFn: ({ signal }) => tenants(asking(signal)),
      enabled: sees.users,
    }),
    tokens: useQuery({
      queryKey: [...of.queryKey, 'tokens'],
      queryFn: ({ signal }) => tenantTokens(asking(signal)),
      enabled: sees.tokens,
    }),
  };
}

function MemberTabs({ shown }: { shown: string }): ReactElement {
  const { search, setOwn } = useAddress();
  const { me } = useSession();
  const may = useMay();
  const sees = {
    users: me?.everywhere.includes('users.manage') ?? false,
    tokens: may('tokens.manage'),
    known: may('members.view'),
  };
  const found = useTables(shown, sees);
  const rules = useRules(shown, may('governance.propose'));
  const all = found.roles.data?.data.roles ?? [];
  const givable = all.filter(({ tenant }: Role) => tenant === null || tenant === shown);
  const known = {
    roles: all,
    tenants: found.tenants.data?.data.map(({ id }) => id) ?? [shown],
    creates: me?.everywhere.includes('tenants.manage') ?? false,
    usual: shown,
  };
  const tabs: Tab[] = [];
  if (sees.users)
    tabs.push({
      id: 'everybody',
      label: 'Everybody',
      ...(found.users.data ? { count: found.users.data.data.length } : {}),
      content: (
        <Loaded what="The people" answer={found.users}>
          {(rows) => <People users={rows} known={known} ownId={me?.identity.id ?? ''} />}
        </Loaded>
      ),
    });
  tabs.push({
    id: 'members',
    label: `In ${shown.slice(0, 40)}`,
    ...(found.members.data ? { count: found.members.data.data.length } : {}),
    content: (
      <Loaded what="The members" answer={found.members}>
        {(rows) => (
          <Members
            members={rows}
            tenant={shown}
            roles={givable}
            rules={rules}
            whyNot={whyNot(may, 'members.manage', 'Roles are changed')}
          />
        )}
      </Loaded>
    ),
  });
  tabs.push({
    id: 'roles',
    label: 'Roles',
    content: (
      <Loaded what="The roles" answer={found.roles}>
        {(table) => (
          <RolesTable
            table={table}
            tenant={shown}
            rules={rules}
            whyNot={whyNot(may, 'roles.manage', 'Roles are made')}
          />
        )}
      </Loaded>
    ),
  });
  if (sees.tokens)
    tabs.push({
      id: 'tokens',
      label: 'API tokens',
      content: (
        <Loaded what="The tokens" answer={found.tokens}>
          {(rows) => (
            <Tokens
              label={`API tokens of ${shown}`}
              rows={rows}
              asking={{ tenant: shown }}
              make={(wanted) => makeTenantToken(wanted, { tenant: shown })}
              roles={givable.map(({ name, summary }) => ({ value: name, note: summary }))}
              permissions={Object.entries(found.roles.data?.data.permissions ?? {}).map(([value, note]) => ({
                value,
                note,
              }))}
              why="What sends data to this tenant, or reads it, needs one: such a token belongs to the tenant and to nobody."
            />
          )}
        </Loaded>
      ),
    });
  const view = tabs.find(({ id }) => id === search.view)?.id ?? tabs[0]?.id ?? 'members';
  return (
    <section className="panel card">
      <Tabs label="Members" tabs={tabs} value={view} onChange={(id) => setOwn({ view: id }, true)} />
    </section>
  );
}

export default function MembersPage(): ReactElement {
  const { me } = useSession();
  const { tenant } = useAddress();
  const shown = tenant ?? (me ? impliedTenant(me, []) : null) ?? 'default';
  return (
    <Page>
      <PageHead title="Members" about={asksWho(me) ? <Value text={shown} /> : null} />
      <Body>{me && !asksWho(me) ? <FirstPerson /> : <MemberTabs shown={shown} />}</Body>
    </Page>
  );
}
