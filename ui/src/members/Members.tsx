import { useState, type ReactElement } from 'react';
import { setMember } from '../api/accounts';
import type { Protection, Wanted } from '../api/governance';
import type { Member, Role } from '../api/types';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { MultiChoiceField, TextField } from '../design/fields';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Propose } from '../governance/Propose';
import { ruleOf } from '../governance/rules';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { roleProposals } from './held';
import styles from './members.module.css';

function Edit(props: {
  /** Null to add somebody. */
  member: Member | null;
  tenant: string;
  roles: readonly Role[];
  /** What a change of roles needs; undefined where it needs nobody else. */
  rule: Protection | undefined;
  onClose: () => void;
}): ReactElement {
  const { member, tenant, roles, rule, onClose } = props;
  const [name, setName] = useState(member?.name ?? '');
  const [held, setHeld] = useState<readonly string[]>(member?.roles ?? ['viewer']);
  const [proposing, setProposing] = useState(false);
  const deed = useDeed();
  const named = member?.id ?? name.trim();
  const wanted = named === '' ? [] : roleProposals(named, tenant, member?.roles ?? [], held);
  const [first] = wanted;
  if (proposing && rule && first) return <Propose wanted={first} rule={rule} onClose={onClose} />;
  return (
    <Dialog
      open
      onClose={onClose}
      title={
        member ? `${visibleText(member.name).slice(0, 80)} in ${tenant}` : `Give somebody a role in ${tenant}`
      }
      alert
    >
      <DeedForm
        deed={deed}
        action={rule ? 'Propose this change…' : 'Save'}
        ready={rule ? wanted.length === 1 : name.trim() !== '' && held.length > 0}
        send={() => {
          if (rule) setProposing(true);
          else
            void deed
              .run(() => setMember(member?.id ?? name.trim(), held, tenant))
              .then((result) => result && onClose());
        }}
        onCancel={onClose}
      >
        {member ? null : (
          <TextField
            label="Name"
            hint="Of somebody who has an account; an operator of the server adds new people"
            autoComplete="off"
            data-autofocus
            value={name}
            onChange={setName}
          />
        )}
        <MultiChoiceField
          label="Roles"
          options={roles.map(({ name: value, summary }) => ({ value, note: summary }))}
          values={held}
          onChange={setHeld}
        />
        {rule ? <p className="dim">Roles are protected: propose one role after the other.</p> : null}
      </DeedForm>
    </Dialog>
  );
}

/** Who has a role in one tenant. */
export function Members(props: {
  members: readonly Member[];
  tenant: string;
  roles: readonly Role[];
  rules: readonly Protection[];
  /** Why roles cannot be changed; null where they can. */
  whyNot: string | null;
}): ReactElement {
  const { members, tenant, roles, rules, whyNot } = props;
  const rule = ruleOf(rules, 'roles', tenant);
  const [editing, setEditing] = useState<{ member: Member | null } | null>(null);
  const [proposing, setProposing] = useState<Wanted | null>(null);
  const [removing, setRemoving] = useState<Member | null>(null);
  const columns: readonly TableColumn<Member>[] = [
    {
      id: 'name',
      title: 'name',
      value: ({ name }) => name,
      cell: ({ name }) => <Value text={name.slice(0, 200)} />,
    },
    {
      id: 'roles',
      title: 'roles',
      chars: 30,
      value: (member) => member.roles.join(', '),
      cell: (member) => (
        <span className={styles.chips}>
          {member.roles.map((role) => (
            <span key={role} className="pill">
              {role}
            </span>
          ))}
        </span>
      ),
    },
    {
      id: 'state',
      title: 'state',
      chars: 12,
      value: ({ disabled }) => (disabled ? 'disabled' : 'active'),
      cell: ({ disabled }) => (
        <StatusChip status={disabled ? 'muted' : 'ok'}>{disabled ? 'disabled' : 'active'}</StatusChip>
      ),
    },
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (member) =>
        whyNot === null ? (
          <Menu
            label={`Actions of ${visibleText(member.name).slice(0, 80)}`}
            icon="more"
            compact
            entries={[
              { kind: 'action', label: 'Change roles…', run: () => setEditing({ member }) },
              ...(rule
                ? roleProposals(member.id, tenant, member.roles, []).map((wanted) => ({
                    kind: 'action' as const,
                    label: `Propose to take ${visibleText(wanted.change.role)}…`,
                    run: () => setProposing(wanted),
                  }))
                : [
                    {
                      kind: 'action' as const,
                      label: 'Remove from the tenant…',
                      danger: true,
                      run: () => setRemoving(member),
                    },
                  ]),
            ]}
          />
        ) : null,
    },
  ];
  const add = (
    <Button whyNot={whyNot} onClick={() => setEditing({ member: null })}>
      <Icon name="plus" /> Give a role
    </Button>
  );
  return (
    <>
      {whyNot === null ? null : <p className="dim">{whyNot}</p>}
      <DataTable
        label={`Members of ${tenant}`}
        tall
        columns={columns}
        rows={members}
        rowKey={({ id }) => id}
        sort={{ id: 'name', desc: false }}
        tools={add}
        empty={
          <EmptyState reason="none-yet" title={`Nobody has a role in ${tenant} alone`}>
            Operators of the whole server see it all the same.
          </EmptyState>
        }
      />
      {editing ? (
        <Edit {...{ member: editing.member, tenant, roles, rule }} onClose={() => setEditing(null)} />
      ) : null}
      {proposing && rule ? (
        <Propose wanted={proposing} rule={rule} onClose={() => setProposing(null)} />
      ) : null}
      {removing ? (
        <ConfirmDeed
          title={`Remove from ${tenant}?`}
          action="Remove"
          run={() => setMember(removing.id, [], tenant)}
          onClose={() => setRemoving(null)}
        >
          <Value text={removing.name.slice(0, 200)} /> loses all roles in this tenant at once. The account
          stays.
        </ConfirmDeed>
      ) : null}
    </>
  );
}
