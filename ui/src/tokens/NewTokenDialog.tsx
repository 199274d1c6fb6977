import { useState, type ReactElement } from 'react';
import type { NewToken, WantedToken } from '../api/accounts';
import type { Option } from '../design/Choice';
import { Dialog } from '../design/Confirm';
import { ChoiceField, MultiChoiceField, TextField } from '../design/fields';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { SecretOnce } from './SecretOnce';
import { LASTS } from './state';

/** Asks for a token, and shows its text once. */
export function NewTokenDialog(props: {
  open: boolean;
  onClose: () => void;
  make: (wanted: WantedToken) => Promise<NewToken>;
  /** Of a tenant's token, which has roles; null for one's own, which may what its owner may. */
  roles: readonly Option[] | null;
  /** The tenants that one's own token may be confined to. */
  tenants?: readonly string[];
  /** What it may be confined to. */
  permissions: readonly Option[];
}): ReactElement {
  const { open, onClose, make, roles, tenants = [], permissions } = props;
  const [name, setName] = useState('');
  const [tenant, setTenant] = useState<string | null>(null);
  const [role, setRole] = useState<string | null>(
    roles?.find(({ value }) => value === 'writer')?.value ?? null,
  );
  const [lasts, setLasts] = useState<string | null>('90d');
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const [made, setMade] = useState<NewToken | null>(null);
  const deed = useDeed();
  const close = (): void => {
    setName('');
    setChosen([]);
    setMade(null);
    deed.clear();
    onClose();
  };
  const send = (): void => {
    const seconds = LASTS.find(({ value }) => value === lasts)?.seconds ?? null;
    const wanted = {
      name: name.trim(),
      tenant,
      roles: role === null ? [] : [role],
      permissions: chosen.length === 0 ? null : chosen,
      lasts_s: seconds,
    };
    void deed.run(() => make(wanted)).then((result) => result && setMade(result.done));
  };
  if (made)
    return (
      <Dialog open={open} onClose={close} title="The token, this once" alert>
        <div className="form">
          <SecretOnce label={`Token ${made.token.name}`} text={made.text}>
            It is shown now and never again. Send it in the header <code>Authorization: Bearer …</code>
          </SecretOnce>
          <div className="form-actions">
            <button type="button" className="button" onClick={close}>
              I have it
            </button>
          </div>
        </div>
      </Dialog>
    );
  return (
    <Dialog open={open} onClose={close} title="New API token" alert>
      <DeedForm
        deed={deed}
        action={deed.busy ? 'One moment…' : 'Create'}
        ready={name.trim() !== '' && (roles === null || role !== null)}
        send={send}
        onCancel={close}
      >
        <TextField
          label="What it is for"
          placeholder="laptop, CI, remote write of the shop"
          maxLength={100}
          data-autofocus
          value={name}
          onChange={setName}
        />
        {roles ? (
          <ChoiceField
            label="Role"
            options={roles}
            value={role}
            onChange={setRole}
            hint="writer is for what sends, viewer for what reads"
          />
        ) : tenants.length > 1 ? (
          <ChoiceField
            label="Tenant"
            placeholder="wherever you may"
            clearable
            options={tenants.map((value) => ({ value }))}
            value={tenant}
            onChange={setTenant}
          />
        ) : null}
        <ChoiceField label="It lasts" options={LASTS} value={lasts} onChange={setLasts} />
        <MultiChoiceField
          label="It may"
          placeholder={roles ? 'all that its role allows' : 'all that you may'}
          options={permissions}
          values={chosen}
          onChange={setChosen}
          hint="The fewer, the less is lost with it"
        />
      </DeedForm>
    </Dialog>
  );
}
