import type { ReactElement } from 'react';
import type { Role } from '../api/types';
import { Choice, type Option } from '../design/Choice';
import { Icon } from '../design/Icon';
import { IconButton } from '../design/IconButton';
import { EVERYWHERE, type HeldRow } from './held';
import styles from './members.module.css';

/** Which roles somebody has, and where: a line for each. */
export function RoleRows(props: {
  rows: readonly HeldRow[];
  onChange: (rows: readonly HeldRow[]) => void;
  roles: readonly Role[];
  tenants: readonly string[];
  /** A tenant that is not there yet may be named. */
  creates: boolean;
  /** The tenant of a further line. */
  usual: string;
}): ReactElement {
  const { rows, onChange, roles, tenants, creates, usual } = props;
  const set = (at: number, change: Partial<HeldRow>): void =>
    onChange(rows.map((row, i) => (i === at ? { ...row, ...change } : row)));
  const rolesFor = (where: string | null): readonly Option[] =>
    roles
      .filter(({ tenant }) => tenant === null || tenant === where)
      .map(({ name, summary }) => ({ value: name, note: summary }));
  const places: readonly Option[] = [
    ...tenants.map((value) => ({ value })),
    { value: EVERYWHERE, label: 'the whole server', note: 'every tenant, also those to come' },
  ];
  return (
    <fieldset className={styles.rows}>
      <legend>Roles</legend>
      {/* Above: a list that is open would hide it just when it is wanted. */}
      {creates ? <p className="dim">A tenant that is not there yet is created: type its name.</p> : null}
      {rows.map(({ role, where }, i) => (
        <div key={i} className={styles.held}>
          <Choice
            label={`Role ${i + 1}`}
            placeholder="role"
            options={rolesFor(where)}
            value={role}
            onChange={(next) => set(i, { role: next })}
          />
          <span className="dim">in</span>
          <Choice
            label={`Where role ${i + 1} holds`}
            placeholder={creates ? 'tenant, or a new one' : 'tenant'}
            options={
              where === null || where === EVERYWHERE || tenants.includes(where)
                ? places
                : [...places, { value: where, note: 'new' }]
            }
            value={where}
            free={creates}
            freely="create"
            onChange={(next) => set(i, { where: next })}
          />
          <IconButton
            icon="close"
            label={`Remove role ${i + 1}`}
            onClick={() => onChange(rows.filter((_, at) => at !== i))}
          />
        </div>
      ))}
      <div>
        <button
          type="button"
          className="button quiet"
          onClick={() => onChange([...rows, { role: 'viewer', where: usual }])}
        >
          <Icon name="plus" /> {rows.length === 0 ? 'A role' : 'Another role'}
        </button>
      </div>
    </fieldset>
  );
}
