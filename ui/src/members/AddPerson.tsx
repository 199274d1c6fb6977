import { useState, type ReactElement } from 'react';
import { addUser, type NewUser } from '../api/accounts';
import type { Role } from '../api/types';
import { Dialog } from '../design/Confirm';
import { TextField } from '../design/fields';
import { visibleText } from '../design/value';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { SecretOnce } from '../tokens/SecretOnce';
import { heldOf, type HeldRow } from './held';
import { RoleRows } from './RoleRows';
import { useNewTenants } from './useNewTenants';

/** The link as it is handed over. */
export function wholeLink(path: string): string {
  return `${window.location.origin}${path}`;
}

/** Adds somebody with roles, and shows the link that is handed to them. Mounted when it opens. */
export function AddPerson(props: {
  onClose: () => void;
  /** The names of those who are there. */
  taken: readonly string[];
  roles: readonly Role[];
  tenants: readonly string[];
  creates: boolean;
  usual: string;
}): ReactElement {
  const { onClose, taken, roles, tenants, creates, usual } = props;
  const first: readonly HeldRow[] = [{ role: 'viewer', where: usual }];
  const [name, setName] = useState('');
  const [rows, setRows] = useState(first);
  const [added, setAdded] = useState<NewUser | null>(null);
  const deed = useDeed();
  const makeTenants = useNewTenants(tenants);
  const isTaken = taken.includes(name.trim());
  const again = (): void => {
    setName('');
    // The next one is often of the same team; what they may do is said anew.
    setRows([{ role: 'viewer', where: rows[0]?.where ?? usual }]);
    setAdded(null);
  };
  const held = heldOf(rows);
  if (added)
    return (
      <Dialog open onClose={onClose} title={`${visibleText(added.user.name).slice(0, 80)} is added`} alert>
        <div className="form">
          {added.path === null ? null : (
            <SecretOnce label="One-time link" text={wholeLink(added.path)}>
              Hand it over: whoever opens it chooses the password of this person. It works once, within three
              days, and is not shown again; another one can be made any time.
            </SecretOnce>
          )}
          <div className="form-actions">
            <button type="button" className="button" onClick={onClose}>
              Done
            </button>
            <button type="button" className="button primary" onClick={again}>
              Add another person
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog open onClose={onClose} title="Add a person" alert>
      <DeedForm
        deed={deed}
        action={deed.busy ? 'One moment…' : 'Add, and make a link'}
        ready={name.trim() !== '' && !isTaken}
        send={() =>
          deed
            .run(async () => {
              await makeTenants(rows);
              return addUser({ name: name.trim(), roles: held });
            })
            .then((result) => result && setAdded(result.done))
        }
        onCancel={onClose}
      >
        <TextField
          label="Name"
          hint="What they sign in with, and what others see"
          error={isTaken ? `${visibleText(name.trim())} is there already: choose another name` : undefined}
          autoComplete="off"
          data-autofocus
          maxLength={200}
          value={name}
          onChange={setName}
        />
        <RoleRows
          rows={rows}
          onChange={setRows}
          roles={roles}
          tenants={tenants}
          creates={creates}
          usual={usual}
        />
      </DeedForm>
    </Dialog>
  );
}
