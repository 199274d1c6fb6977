import { useQuery, useQueryClient } from '@tanstack/react-query';
import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { useTenant } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import {
  changePassword,
  makeOwnToken,
  ownSessions,
  ownTokens,
  revokeSession,
  roles,
  signOut,
} from '../api/accounts';
import type { Me, SessionEntry } from '../api/types';
import { Confirm } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { formatAgo, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { asksWho, enter, impliedTenant, useSession } from '../session/session';
import { useDeed } from '../session/useDeed';
import { Tokens } from '../tokens/Tokens';
import { LEAST_PASSWORD, PasswordField } from './PasswordField';
import { browserOf } from './signs';
import styles from './account.module.css';
import { rolesIn, sourceOf } from './roles';

/** Ends this session, or all of one's own, and leaves nothing of it in the tab. */
async function leave(everywhere: boolean): Promise<void> {
  await signOut(everywhere);
  try {
    sessionStorage.clear();
  } catch {
    // Where storage is forbidden there is nothing in it.
  }
  window.location.assign('/sign-in');
}

function About({ me }: { me: Me }): ReactElement {
  const tenant = useTenant() ?? impliedTenant(me, []);
  const held = rolesIn(me, tenant);
  return (
    <section className="panel card" aria-label="You">
      <h2>You</h2>
      <div className={styles.stack}>
        <dl className={styles.facts}>
          <dt>Name</dt>
          <dd>
            <Value text={me.identity.name} />
          </dd>
          <dt>Tenants</dt>
          <dd>
            {me.everywhere.length > 0
              ? 'all: you have a role on the whole server'
              : me.tenants.length === 0
                ? 'none yet: an admin of a tenant can give you a role'
                : me.tenants.map(({ id }) => id).join(', ')}
          </dd>
          {tenant === null ? null : (
            <>
              <dt>Your roles here</dt>
              <dd>
                <span className="dim">
                  {held.length === 0 ? 'none ' : null}in <Value text={tenant} />
                </span>
                <ul className={styles.roles}>
                  {held.map((one) => (
                    <li key={`${one.name} ${one.source}`}>
                      <Value text={one.name} />{' '}
                      <span className="dim">
                        <Value text={sourceOf(one)} />
                        {one.tenant === null ? ', in every tenant' : null}
                      </span>
                    </li>
                  ))}
                </ul>
              </dd>
            </>
          )}
        </dl>
      </div>
    </section>
  );
}

function Password(): ReactElement {
  const client = useQueryClient();
  const [current, setCurrent] = useState('');
  const [next, setNext] = useState('');
  const deed = useDeed();
  return (
    <section className="panel card" aria-label="Password">
      <h2>Password</h2>
      <div className={styles.stack}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void deed
              .run(() => changePassword(current, next))
              .then((result) => {
                if (!result) return;
                enter(client, result.done);
                setCurrent('');
                setNext('');
                toasts.show({ level: 'ok', text: 'The password is changed. All other sessions have ended.' });
              });
          }}
        >
          <PasswordField label="Current password" current value={current} onChange={setCurrent} />
          <PasswordField label="New password" value={next} onChange={setNext} />
          {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
          <div className="row">
            <button
              type="submit"
              className="button"
              disabled={deed.busy || current === '' || next.length < LEAST_PASSWORD}
            >
              {deed.busy ? 'One moment…' : 'Change the password'}
            </button>
          </div>
        </form>
        <p className="dim">It ends all your other sessions.</p>
      </div>
    </section>
  );
}

function Sessions(): ReactElement {
  const now = useNow(10_000);
  const { utc } = usePageClock();
  const [ending, setEnding] = useState(false);
  const deed = useDeed();
  const answer = useQuery({
    queryKey: [null, 'sessions'],
    queryFn: ({ signal }) => ownSessions({ tenant: null, signal }),
  });
  const columns: readonly TableColumn<SessionEntry>[] = [
    {
      id: 'agent',
      title: 'browser',
      value: (one) => browserOf(one.user_agent),
      cell: (one) => (
        <span className={styles.name} title={one.user_agent.slice(0, 300)}>
          <Value text={browserOf(one.user_agent)} />
          {one.is_current ? <span className="pill good">this one</span> : null}
        </span>
      ),
    },
    { id: 'address', title: 'from', value: ({ address }) => address },
    {
      id: 'seen',
      title: 'last seen',
      chars: 10,
      value: ({ seen_ms: ms }) => ms,
      cell: ({ seen_ms: ms }) => <span title={formatInstant(ms, utc)}>{formatAgo(ms, now)}</span>,
    },
    {
      id: 'created',
      title: 'signed in',
      chars: 17,
      value: ({ created_ms: ms }) => ms,
      cell: ({ created_ms: ms }) => formatInstant(Math.floor(ms / 60_000) * 60_000, utc).slice(0, 16),
    },
    {
      id: 'end',
      title: ' ',
      chars: 9,
      value: () => null,
      cell: (one) =>
        one.is_current ? null : (
          <button
            type="button"
            className="button quiet"
            disabled={deed.busy}
            onClick={() => void deed.run(() => revokeSession(one.id))}
          >
            End
          </button>
        ),
    },
  ];
  return (
    <section className={clsx('panel card', styles.wide)} aria-label="Sessions">
      <h2>Sessions</h2>
      <Unreadable what="Your sessions" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      {answer.isPending ? <Skeleton kind="table" label="Your sessions" rows={2} /> : null}
      {answer.data ? (
        <DataTable
          label="Sessions"
          tall
          columns={columns}
          rows={answer.data.data}
          rowKey={({ id }) => id}
          tools={
            <button type="button" className="button" onClick={() => setEnding(true)}>
              Sign out everywhere…
            </button>
          }
        />
      ) : null}
      <Confirm
        open={ending}
        title="Sign out everywhere?"
        action="Sign out everywhere"
        danger
        onCancel={() => setEnding(false)}
        onConfirm={() => {
          setEnding(false);
          void deed.run(() => leave(true));
        }}
      >
        All your sessions end, this one too. API tokens go on.
      </Confirm>
    </section>
  );
}

function OwnTokens({ me }: { me: Me }): ReactElement {
  const answer = useQuery({
    queryKey: [null, 'own-tokens'],
    queryFn: ({ signal }) => ownTokens({ tenant: null, signal }),
  });
  const tenant = impliedTenant(me, []);
  const table = useQuery({
    queryKey: [tenant, 'roles'],
    queryFn: ({ signal }) => roles({ tenant, signal }),
    enabled: tenant !== null,
  });
  const own = new Set([...me.everywhere, ...me.tenants.flatMap(({ permissions }) => permissions)]);
  const said = table.data?.data.permissions ?? {};
  return (
    <section className={clsx('panel card', styles.wide)} aria-label="API tokens">
      <h2>API tokens</h2>
      <Unreadable what="Your tokens" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="Your tokens" rows={2} /> : null}
      {answer.data ? (
        <Tokens
          label="API tokens"
          rows={answer.data.data}
          asking={{ tenant: null }}
          make={makeOwnToken}
          roles={null}
          tenants={me.tenants.map(({ id }) => id)}
          permissions={[...own].sort().map((value) => ({ value, note: said[value] ?? '' }))}
          why="A token lets a program do what you may, or less of it, without your password."
        />
      ) : null}
    </section>
  );
}

export default function ProfilePage(): ReactElement {
  const { me } = useSession();
  const deed = useDeed();
  return (
    <Page>
      <PageHead
        title="Your account"
        about={me && asksWho(me) ? <Value text={me.identity.name} /> : null}
        actions={
          me && asksWho(me) ? (
            <button
              type="button"
              className="button"
              disabled={deed.busy}
              onClick={() => void deed.run(() => leave(false))}
            >
              Sign out
            </button>
          ) : null
        }
      />
      <Body>
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
        {me && me.identity.kind === 'user' ? (
          <div className={styles.sections}>
            <About me={me} />
            <Password />
            <Sessions />
            <OwnTokens me={me} />
          </div>
        ) : (
          <EmptyState
            reason="none-yet"
            title="This server asks nobody who they are"
            actions={
              <PageLink page="members" className="button">
                Members
              </PageLink>
            }
          >
            Accounts begin with the first person that is added under Members.
          </EmptyState>
        )}
      </Body>
    </Page>
  );
}
