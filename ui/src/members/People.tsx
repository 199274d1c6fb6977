import { useState, type ReactElement } from 'react';
import { changeUser, deleteUser, linkUser, setMember, setServerRoles, signOutUser } from '../api/accounts';
import type { Role, User } from '../api/types';
import { Dialog } from '../design/Confirm';
import { formatInstant } from '../design/format';
import { usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import { Note } from '../design/parts';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { toasts } from '../design/toasts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Propose } from '../governance/Propose';
import { ruleOf } from '../governance/rules';
import { useRules } from '../governance/useRules';
import { useMay } from '../session/session';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { SecretOnce } from '../tokens/SecretOnce';
import { AddPerson, wholeLink } from './AddPerson';
import { changedPlaces, EVERYWHERE, roleProposals, rowsOf } from './held';
import { RoleRows } from './RoleRows';
import { useNewTenants } from './useNewTenants';
import styles from './members.module.css';

export interface Known {
  roles: readonly Role[];
  tenants: readonly string[];
  /** Who asks may create tenants. */
  creates: boolean;
  /** The tenant of the page. */
  usual: string;
}

/** Roles as chips: the role, and where. */
export function Held({ user }: { user: Pick<User, 'everywhere' | 'tenants'> }): ReactElement {
  const rows = rowsOf(user);
  if (rows.length === 0) return <span className="dim">no role: sees nothing</span>;
  return (
    <span className={styles.chips}>
      {rows.map(({ role, where }) => (
        <span key={`${where ?? ''} ${role ?? ''}`} className="pill">
          {role}
          <span className="dim">{where === EVERYWHERE ? 'everywhere' : <Value text={where ?? ''} />}</span>
        </span>
      ))}
    </span>
  );
}

function ChangeRoles({
  user,
  known,
  onClose,
}: {
  user: User;
  known: Known;
  onClose: () => void;
}): ReactElement {
  const before = rowsOf(user);
  const [rows, setRows] = useState(before);
  const [proposing, setProposing] = useState(false);
  const may = useMay();
  const deed = useDeed();
  const makeTenants = useNewTenants(known.tenants);
  const changed = changedPlaces(before, rows);
  const [place, names] = [...changed][0] ?? [known.usual, []];
  const where = place === EVERYWHERE ? null : place;
  const rule = ruleOf(useRules(where, may('governance.propose')), 'roles', where);
  const was = (where === null ? user.everywhere : user.tenants[where]) ?? [];
  const wanted = changed.size === 1 ? roleProposals(user.id, where, was, names) : [];
  const [first] = wanted;
  if (proposing && rule && first) return <Propose wanted={first} rule={rule} onClose={onClose} />;
  return (
    <Dialog open onClose={onClose} title={`Roles of ${visibleText(user.name).slice(0, 80)}`} alert>
      <DeedForm
        deed={deed}
        action={rule ? 'Propose this change…' : 'Save'}
        ready={rule ? wanted.length === 1 : changed.size > 0}
        send={() => {
          if (rule) setProposing(true);
          else
            void deed
              .run(async () => {
                await makeTenants(rows);
                for (const [place, names] of changed)
                  await (place === EVERYWHERE
                    ? setServerRoles(user.id, names)
                    : setMember(user.id, names, place));
              })
              .then((result) => result && onClose());
        }}
        onCancel={onClose}
      >
        <RoleRows rows={rows} onChange={setRows} {...known} />
        {rule ? <p className="dim">Roles are protected: propose one role after the other.</p> : null}
      </DeedForm>
    </Dialog>
  );
}

type Asked =
  | { kind: 'add' }
  | { kind: 'roles' | 'disable' | 'delete'; user: User }
  | { kind: 'link'; user: User; path: string };

/** Everybody who can sign in, with all their roles. */
export function People(props: { users: readonly User[]; known: Known; ownId: string }): ReactElement {
  const { users, known, ownId } = props;
  const { utc } = usePageClock();
  const [asked, setAsked] = useState<Asked | null>(null);
  const deed = useDeed();
  const close = (): void => setAsked(null);
  const ofOneself = ({ id }: User): string | null => (id === ownId ? 'This is you' : null);
  const columns: readonly TableColumn<User>[] = [
    {
      id: 'name',
      title: 'name',
      value: ({ name }) => name,
      cell: ({ id, name }) => (
        <span className={styles.name}>
          <Value text={name.slice(0, 200)} />
          {id === ownId ? <span className="pill">you</span> : null}
        </span>
      ),
    },
    {
      id: 'roles',
      title: 'roles',
      chars: 44,
      value: (user) =>
        rowsOf(user)
          .map(({ role, where }) => `${role ?? ''} ${where ?? ''}`)
          .join(', '),
      cell: (user) => <Held user={user} />,
    },
    {
      id: 'state',
      title: 'state',
      chars: 15,
      value: (user) =>
        user.disabled_ms !== null ? 'disabled' : user.has_password ? 'active' : 'no password',
      cell: (user) =>
        user.disabled_ms !== null ? (
          <StatusChip status="muted">disabled</StatusChip>
        ) : user.has_password ? (
          <StatusChip status="ok">active</StatusChip>
        ) : (
          <StatusChip status="pending">link not used</StatusChip>
        ),
    },
    {
      id: 'created',
      title: 'added',
      titled: true,
      chars: 12,
      value: ({ created_ms: ms }) => ms,
      cell: ({ created_ms: ms }) => formatInstant(ms, utc).slice(0, 10),
    },
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (user) => (
        <Menu
          label={`Actions of ${visibleText(user.name).slice(0, 80)}`}
          icon="more"
          compact
          entries={[
            { kind: 'action', label: 'Change roles…', run: () => setAsked({ kind: 'roles', user }) },
            {
              kind: 'action',
              label: user.has_password ? 'New password by link…' : 'New one-time link…',
              run: () =>
                void deed
                  .run(() => linkUser(user.id))
                  .then((result) => result && setAsked({ kind: 'link', user, path: result.done.path })),
            },
            {
              kind: 'action',
              label: 'Sign out everywhere',
              whyNot: ofOneself(user),
              run: () =>
                void deed
                  .run(() => signOutUser(user.id))
                  .then(
                    (result) => result && toasts.show({ level: 'ok', text: `${user.name} is signed out.` }),
                  ),
            },
            { kind: 'line' },
            user.disabled_ms === null
              ? {
                  kind: 'action',
                  label: 'Disable…',
                  danger: true,
                  whyNot: ofOneself(user),
                  run: () => setAsked({ kind: 'disable', user }),
                }
              : {
                  kind: 'action',
                  label: 'Enable',
                  run: () => void deed.run(() => changeUser(user.id, { disabled: false })),
                },
            {
              kind: 'action',
              label: 'Delete…',
              danger: true,
              whyNot: ofOneself(user),
              run: () => setAsked({ kind: 'delete', user }),
            },
          ]}
        />
      ),
    },
  ];
  const add = (
    <button type="button" className="button primary" onClick={() => setAsked({ kind: 'add' })}>
      <Icon name="plus" /> Add a person
    </button>
  );
  return (
    <>
      {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
      {users.length === 1 ? (
        <Note level="info">
          You are the only one so far. Add the others: each gets a role, and a link to come in by.
        </Note>
      ) : null}
      <DataTable
        label="Everybody"
        tall
        columns={columns}
        rows={users}
        rowKey={({ id }) => id}
        sort={{ id: 'name', desc: false }}
        tools={add}
      />
      {asked?.kind === 'add' ? (
        <AddPerson onClose={close} taken={users.map(({ name }) => name)} {...known} />
      ) : null}
      {asked?.kind === 'roles' ? <ChangeRoles user={asked.user} known={known} onClose={close} /> : null}
      {asked?.kind === 'link' ? (
        <Dialog open onClose={close} title={`A link for ${visibleText(asked.user.name).slice(0, 80)}`} alert>
          <div className="form">
            <SecretOnce label="One-time link" text={wholeLink(asked.path)}>
              Whoever opens it chooses a new password. It works once, within three days; earlier links no
              longer do.
            </SecretOnce>
            <div className="form-actions">
              <button type="button" className="button" onClick={close}>
                Done
              </button>
            </div>
          </div>
        </Dialog>
      ) : null}
      {asked?.kind === 'disable' ? (
        <ConfirmDeed
          title="Disable this person?"
          action="Disable"
          run={() => changeUser(asked.user.id, { disabled: true })}
          onClose={close}
        >
          <Value text={asked.user.name.slice(0, 200)} /> can no longer sign in, and all their sessions and
          tokens end at once. Roles are kept, and hold again if they are enabled.
        </ConfirmDeed>
      ) : null}
      {asked?.kind === 'delete' ? (
        <ConfirmDeed
          title="Delete this person for good?"
          action="Delete"
          said={`${visibleText(asked.user.name).slice(0, 80)} is deleted, and nothing of them is left.`}
          run={() => deleteUser(asked.user.id)}
          onClose={close}
        >
          <Value text={asked.user.name.slice(0, 200)} /> is taken away with all roles, sessions, tokens and
          links, for good. The audit log keeps what they did, and this name. To keep somebody out for a while,
          disable them instead.
        </ConfirmDeed>
      ) : null}
    </>
  );
}
