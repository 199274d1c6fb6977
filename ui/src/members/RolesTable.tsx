import clsx from 'clsx';
import { useState, type ReactElement } from 'react';
import { changeRole, dropRole, makeRole } from '../api/accounts';
import type { Protection } from '../api/governance';
import type { Role, Roles } from '../api/types';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { CheckField, TextField } from '../design/fields';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import { Propose } from '../governance/Propose';
import { ruleOf } from '../governance/rules';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { groupsOf } from './permissions';
import styles from './members.module.css';

function Edit(props: {
  /** Null for one to be. */
  role: Role | null;
  all: Roles['permissions'];
  tenant: string | null;
  /** What a change of roles needs; undefined where it needs nobody else. */
  rule: Protection | undefined;
  onClose: () => void;
}): ReactElement {
  const { role, all, tenant, rule, onClose } = props;
  const [name, setName] = useState(role?.name ?? '');
  const [summary, setSummary] = useState(role?.summary ?? '');
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(role?.permissions));
  const [proposing, setProposing] = useState(false);
  const deed = useDeed();
  const toggle = (permission: string, on: boolean): void => {
    const next = new Set(chosen);
    if (on) next.add(permission);
    else next.delete(permission);
    setChosen(next);
  };
  if (proposing && rule) {
    const change = {
      name: role?.name ?? name.trim(),
      permissions: [...chosen].sort(),
      description: summary.trim(),
    };
    const wanted = { action: 'roles.define', policy: 'roles', place: role?.tenant ?? null, change };
    return <Propose wanted={wanted} rule={rule} onClose={onClose} />;
  }
  return (
    <Dialog open onClose={onClose} title={role ? `The role ${role.name}` : 'A role of your own'} alert>
      <DeedForm
        deed={deed}
        action={rule ? 'Propose this change…' : 'Save'}
        ready={chosen.size > 0 && (role !== null || name.trim() !== '')}
        send={() => {
          if (rule) {
            setProposing(true);
            return;
          }
          const wanted = { summary: summary.trim(), permissions: [...chosen].sort() };
          void deed
            .run(() =>
              role?.id
                ? changeRole(role.id, wanted, { tenant })
                : makeRole({ name: name.trim(), everywhere: true, ...wanted }, { tenant }),
            )
            .then((result) => result && onClose());
        }}
        onCancel={onClose}
      >
        {role ? null : (
          <TextField
            label="Name"
            hint="Small letters, digits, - and _"
            mono
            data-autofocus
            maxLength={63}
            value={name}
            onChange={setName}
          />
        )}
        <TextField label="What it is for" maxLength={200} value={summary} onChange={setSummary} />
        <div className={styles.permissions}>
          {groupsOf(Object.keys(all)).map(([noun, permissions]) => (
            <fieldset key={noun}>
              <legend>{noun}</legend>
              {permissions.map((permission) => (
                <span key={permission} title={all[permission]}>
                  <CheckField
                    label={permission.slice(noun.length + 1)}
                    checked={chosen.has(permission)}
                    onChange={(on) => toggle(permission, on)}
                  />
                </span>
              ))}
            </fieldset>
          ))}
        </div>
        {role ? <p className="dim">It changes at once for everybody who has the role.</p> : null}
      </DeedForm>
    </Dialog>
  );
}

/** All roles, and what each allows: one table of all permissions. */
export function RolesTable(props: {
  table: Roles;
  tenant: string | null;
  rules: readonly Protection[];
  whyNot: string | null;
}): ReactElement {
  const { table, tenant, rules, whyNot } = props;
  const ruleFor = (role: Role | null): Protection | undefined => ruleOf(rules, 'roles', role?.tenant ?? null);
  const [editing, setEditing] = useState<{ role: Role | null } | null>(null);
  const [dropping, setDropping] = useState<Role | null>(null);
  const guard = dropping ? ruleFor(dropping) : undefined;
  return (
    <>
      <div className="row wrap">
        <Button whyNot={whyNot} onClick={() => setEditing({ role: null })}>
          <Icon name="plus" /> New role
        </Button>
        <span className="dim">{whyNot ?? 'Roles that Pharos ships stay as they are; others are yours.'}</span>
      </div>
      <div className={styles.scroll} tabIndex={0} role="region" aria-label="Roles and permissions">
        <table className={styles.matrix}>
          <thead>
            <tr>
              <th scope="col">permission</th>
              {table.roles.map((role) => (
                <th key={`${role.tenant ?? ''} ${role.name}`} scope="col" title={role.summary}>
                  <span className={styles.role}>
                    {role.name}
                    {role.id !== null && whyNot === null ? (
                      <Menu
                        label={`Actions of the role ${role.name}`}
                        icon="more"
                        compact
                        entries={[
                          { kind: 'action', label: 'Change…', run: () => setEditing({ role }) },
                          { kind: 'action', label: 'Delete…', danger: true, run: () => setDropping(role) },
                        ]}
                      />
                    ) : null}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {groupsOf(Object.keys(table.permissions)).flatMap(([, permissions]) =>
              permissions.map((permission, i) => (
                <tr key={permission} className={clsx(i === 0 && styles.begins)}>
                  <th scope="row" title={table.permissions[permission]}>
                    <code>{permission}</code>
                    <span className="dim">{table.permissions[permission]}</span>
                  </th>
                  {table.roles.map((role) => (
                    <td key={`${role.tenant ?? ''} ${role.name}`}>
                      {role.permissions.includes(permission) ? (
                        <>
                          <Icon name="check" size={15} />
                          <span className="visually-hidden">yes</span>
                        </>
                      ) : (
                        <span className="visually-hidden">no</span>
                      )}
                    </td>
                  ))}
                </tr>
              )),
            )}
          </tbody>
        </table>
      </div>
      {editing ? (
        <Edit
          role={editing.role}
          all={table.permissions}
          tenant={tenant}
          rule={ruleFor(editing.role)}
          onClose={() => setEditing(null)}
        />
      ) : null}
      {dropping && guard ? (
        <Propose
          wanted={{
            action: 'roles.delete',
            policy: 'roles',
            place: dropping.tenant,
            change: { name: dropping.name },
          }}
          rule={guard}
          onClose={() => setDropping(null)}
        />
      ) : null}
      {dropping?.id && !guard ? (
        <ConfirmDeed
          title="Delete the role?"
          action="Delete"
          run={() => dropRole(dropping.id ?? '', { tenant })}
          onClose={() => setDropping(null)}
        >
          The role <b>{dropping.name}</b> is gone for good. It must be taken from everybody who has it first.
        </ConfirmDeed>
      ) : null}
    </>
  );
}
