import { useState, type ReactElement } from 'react';
import { revokeToken, rotateToken, type NewToken, type WantedToken } from '../api/accounts';
import type { Asking } from '../api/client';
import type { Token } from '../api/types';
import type { Option } from '../design/Choice';
import { Dialog } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { ChoiceField } from '../design/fields';
import { formatAgo, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Icon } from '../design/Icon';
import { Menu } from '../design/Menu';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { NewTokenDialog } from './NewTokenDialog';
import { SecretOnce } from './SecretOnce';
import { GRACES, tokenState, type TokenState } from './state';

const STATUS: Readonly<Record<TokenState, Status>> = {
  active: 'ok',
  expiring: 'warning',
  expired: 'no-data',
  revoked: 'muted',
};

function Rotate({
  token,
  asking,
  onClose,
}: {
  token: Token;
  asking: Asking;
  onClose: () => void;
}): ReactElement {
  const [grace, setGrace] = useState<string | null>('day');
  const [made, setMade] = useState<NewToken | null>(null);
  const deed = useDeed();
  return (
    <Dialog open onClose={onClose} title={`Rotate ${visibleText(token.name)}`} alert>
      {made ? (
        <div className="form">
          <SecretOnce label={`Token ${made.token.name}`} text={made.text}>
            It is shown now and never again. Put it where the old one was.
          </SecretOnce>
          <div className="form-actions">
            <button type="button" className="button" onClick={onClose}>
              I have it
            </button>
          </div>
        </div>
      ) : (
        <DeedForm
          deed={deed}
          action="Rotate"
          send={() => {
            const seconds = GRACES.find(({ value }) => value === grace)?.seconds ?? 0;
            void deed
              .run(() => rotateToken(token.id, seconds, asking))
              .then((result) => result && setMade(result.done));
          }}
          onCancel={onClose}
        >
          <p>A new token takes its place, with the same name and rights.</p>
          <ChoiceField label="The old one goes on" options={GRACES} value={grace} onChange={setGrace} />
        </DeedForm>
      )}
    </Dialog>
  );
}

/** Tokens, and all that can be done with them. */
export function Tokens(props: {
  label: string;
  rows: readonly Token[];
  asking: Asking;
  make: (wanted: WantedToken) => Promise<NewToken>;
  roles: readonly Option[] | null;
  tenants?: readonly string[];
  permissions: readonly Option[];
  /** What tokens are for, where there is none. */
  why: string;
}): ReactElement {
  const { label, rows, asking, make, roles, tenants, permissions, why } = props;
  const now = useNow(10_000);
  const { utc } = usePageClock();
  const [creating, setCreating] = useState(false);
  const [rotating, setRotating] = useState<Token | null>(null);
  const [revoking, setRevoking] = useState<Token | null>(null);
  const when = (ms: number | null, never: string): ReactElement =>
    ms === null ? (
      <span className="dim">{never}</span>
    ) : (
      <span title={formatInstant(ms, utc)}>
        {ms > now ? formatInstant(ms, utc).slice(0, 10) : formatAgo(ms, now)}
      </span>
    );
  const columns: readonly TableColumn<Token>[] = [
    {
      id: 'state',
      title: 'state',
      chars: 11,
      value: (token) => tokenState(token, now),
      cell: (token) => {
        const state = tokenState(token, now);
        return <StatusChip status={STATUS[state]}>{state}</StatusChip>;
      },
    },
    { id: 'name', title: 'name', value: ({ name }) => name, cell: ({ name }) => <Value text={name} /> },
    { id: 'prefix', title: 'begins with', value: ({ prefix }) => `${prefix}…` },
    {
      id: 'may',
      title: roles ? 'role' : 'where',
      value: (token) => (roles ? token.roles.join(', ') : (token.tenant ?? 'wherever you may')),
    },
    {
      id: 'permissions',
      title: 'may',
      titled: true,
      value: ({ permissions: own }) => own?.join(', ') ?? (roles ? 'all of its role' : 'all that you may'),
    },
    {
      id: 'used',
      title: 'last use',
      titled: true,
      chars: 10,
      value: (one) => one.used_ms,
      cell: (one) => when(one.used_ms, 'never'),
    },
    {
      id: 'expires',
      title: 'expires',
      titled: true,
      chars: 11,
      value: (one) => one.expires_ms,
      cell: (one) => when(one.expires_ms, 'never'),
    },
    {
      id: 'created',
      title: 'created',
      titled: true,
      chars: 10,
      optional: true,
      value: (one) => one.created_ms,
      cell: (one) => when(one.created_ms, 'never'),
    },
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (token) =>
        tokenState(token, now) === 'revoked' ? null : (
          <Menu
            label={`Actions of ${visibleText(token.name)}`}
            icon="more"
            compact
            entries={[
              { kind: 'action', label: 'Rotate…', icon: 'refresh', run: () => setRotating(token) },
              {
                kind: 'action',
                label: 'Revoke…',
                icon: 'trash',
                danger: true,
                run: () => setRevoking(token),
              },
            ]}
          />
        ),
    },
  ];
  const create = (
    <button type="button" className="button" onClick={() => setCreating(true)}>
      <Icon name="plus" /> New token
    </button>
  );
  return (
    <>
      <DataTable
        label={label}
        tall
        columns={columns}
        rows={rows}
        rowKey={({ id }) => id}
        tools={create}
        sort={{ id: 'created', desc: true }}
        empty={
          <EmptyState reason="none-yet" title="No token yet">
            {why}
          </EmptyState>
        }
      />
      <NewTokenDialog
        open={creating}
        onClose={() => setCreating(false)}
        make={make}
        roles={roles}
        permissions={permissions}
        {...(tenants ? { tenants } : {})}
      />
      {rotating ? <Rotate token={rotating} asking={asking} onClose={() => setRotating(null)} /> : null}
      {revoking ? (
        <ConfirmDeed
          title="Revoke the token?"
          action="Revoke"
          said={`The token ${visibleText(revoking.name)} is revoked.`}
          run={() => revokeToken(revoking.id, asking)}
          onClose={() => setRevoking(null)}
        >
          <Value text={revoking.name} /> stops working within a second, wherever it is in use, and for good.
        </ConfirmDeed>
      ) : null}
    </>
  );
}
