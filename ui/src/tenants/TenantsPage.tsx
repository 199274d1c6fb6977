import { useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  createTenant,
  deleteTenant,
  renameTenant,
  setSuspended,
  tenants,
  type Condition,
  type Tenant,
} from '../api/tenants';
import { Button } from '../design/Button';
import { Dialog } from '../design/Confirm';
import { EmptyState } from '../design/EmptyState';
import { TextField } from '../design/fields';
import { formatInstant } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { Icon } from '../design/Icon';
import { Menu, type MenuEntry } from '../design/Menu';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { tenantColor } from '../design/tenants';
import { toasts } from '../design/toasts';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { permissionsIn, useSession } from '../session/session';
import { whyNot } from '../session/lacking';
import { ConfirmDeed } from '../session/ConfirmDeed';
import { DeedForm } from '../session/DeedForm';
import { useDeed } from '../session/useDeed';
import { TenantDetails } from './TenantDetails';
import styles from './tenants.module.css';

const STATUS: Readonly<Record<Condition, Status>> = {
  open: 'ok',
  suspended: 'muted',
  deleting: 'pending',
  deleted: 'no-data',
};

function Naming(props: {
  /** Null to create one. */
  tenant: Tenant | null;
  onClose: () => void;
  onDone: (id: string) => void;
}): ReactElement {
  const { tenant, onClose, onDone } = props;
  const [id, setId] = useState(tenant?.id ?? '');
  const [name, setName] = useState(tenant && tenant.name !== tenant.id ? tenant.name : '');
  const deed = useDeed();
  return (
    <Dialog open onClose={onClose} title={tenant ? `Rename ${tenant.id}` : 'New tenant'} alert>
      <DeedForm
        deed={deed}
        action={tenant ? 'Rename' : 'Create'}
        ready={id.trim() !== ''}
        send={() =>
          deed
            .run(() =>
              tenant
                ? renameTenant(tenant.id, name.trim() || tenant.id)
                : createTenant(id.trim(), name.trim()),
            )
            .then((result) => {
              if (!result) return;
              onClose();
              onDone(result.done.id);
            })
        }
        onCancel={onClose}
      >
        {tenant ? null : (
          <TextField
            label="Id"
            mono
            data-autofocus
            maxLength={150}
            hint="What requests name in X-Scope-OrgID; it never changes. Letters, digits and !_.*'()-"
            value={id}
            onChange={setId}
          />
        )}
        <TextField
          label="Name"
          maxLength={150}
          placeholder={id}
          hint="What people call it; may change"
          value={name}
          onChange={setName}
        />
      </DeedForm>
    </Dialog>
  );
}

type Asked = { kind: 'new' } | { kind: 'rename' | 'suspend' | 'delete'; tenant: Tenant };

function Mark({ id }: { id: string }): ReactElement {
  return (
    <svg width={10} height={10} viewBox="0 0 10 10" aria-hidden="true">
      <rect width={10} height={10} rx={3} fill={tenantColor(id, useScheme())} />
    </svg>
  );
}

export default function TenantsPage(): ReactElement {
  const { search, setOwn, change, tenant: shown } = useAddress();
  const { me } = useSession();
  const { utc } = usePageClock();
  const [asked, setAsked] = useState<Asked | null>(null);
  const deed = useDeed();
  const answer = useQuery({
    queryKey: [null, 'tenants'],
    queryFn: ({ signal }) => tenants({ tenant: null, signal }),
    refetchInterval: ({ state }) =>
      state.data?.data.some(({ condition }) => condition === 'deleting') ? 1_500 : false,
  });
  const rows = answer.data?.data;
  const why = whyNot(
    (permission) => me === null || me.everywhere.includes(permission),
    'tenants.manage',
    'Tenants are created',
  );
  const close = (): void => setAsked(null);
  const open = (id: string): void => setOwn({ of: id });
  const entries = (tenant: Tenant): readonly MenuEntry[] => [
    { kind: 'action', label: 'Look at it', run: () => change({ tenant: tenant.id, host: null }) },
    ...(me && !permissionsIn(me, tenant.id).includes('tenants.manage')
      ? []
      : ([
          { kind: 'action', label: 'Rename…', run: () => setAsked({ kind: 'rename', tenant }) },
          tenant.condition === 'suspended'
            ? {
                kind: 'action',
                label: 'Resume',
                run: () => void deed.run(() => setSuspended(tenant.id, false)),
              }
            : {
                kind: 'action',
                label: 'Suspend…',
                whyNot: tenant.condition === 'open' ? null : 'It is being deleted',
                run: () => setAsked({ kind: 'suspend', tenant }),
              },
          { kind: 'line' },
          {
            kind: 'action',
            label: 'Delete…',
            danger: true,
            whyNot:
              tenant.id === 'default'
                ? 'It is the one that is meant where none is named'
                : tenant.condition === 'deleting'
                  ? 'It is being deleted'
                  : null,
            run: () => setAsked({ kind: 'delete', tenant }),
          },
        ] satisfies readonly MenuEntry[])),
  ];
  const columns: readonly TableColumn<Tenant>[] = [
    {
      id: 'id',
      title: 'tenant',
      value: ({ id }) => id,
      cell: ({ id }) => (
        <span className={styles.name}>
          <Mark id={id} />
          <Value text={id} mono />
          {id === (shown ?? me?.default_tenant) ? <span className="pill">shown</span> : null}
        </span>
      ),
    },
    {
      id: 'name',
      title: 'name',
      value: ({ name }) => name,
      cell: ({ name }) => <Value text={name} />,
    },
    {
      id: 'condition',
      title: 'state',
      chars: 12,
      value: ({ condition }) => condition,
      cell: ({ condition }) => <StatusChip status={STATUS[condition]}>{condition}</StatusChip>,
    },
    {
      id: 'series',
      title: 'active series',
      kind: 'number',
      unit: 'count',
      value: ({ active_series: count }) => count,
    },
    {
      id: 'created',
      title: 'created',
      chars: 12,
      value: ({ created }) => Date.parse(created),
      cell: ({ created }) => formatInstant(Date.parse(created), utc).slice(0, 10),
    },
    {
      id: 'actions',
      title: ' ',
      chars: 4,
      value: () => null,
      cell: (tenant) => (
        <Menu label={`Actions of ${visibleText(tenant.id)}`} icon="more" compact entries={entries(tenant)} />
      ),
    },
  ];
  return (
    <Page>
      <PageHead
        title="Tenants"
        about={rows ? `${rows.length} that you may see` : null}
        actions={
          <Button className="button primary" whyNot={why} onClick={() => setAsked({ kind: 'new' })}>
            <Icon name="plus" /> New tenant
          </Button>
        }
      />
      <Body>
        <Unreadable what="The tenants" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {deed.error ? <Note level="bad">{deed.error.message}</Note> : null}
        {answer.isPending ? <Skeleton kind="table" label="The tenants" rows={4} /> : null}
        {rows ? (
          <section className="panel card">
            <DataTable
              label="Tenants"
              tall
              columns={columns}
              rows={rows}
              rowKey={({ id }) => id}
              sort={{ id: 'id', desc: false }}
              onOpen={({ id }) => open(id)}
              empty={<EmptyState reason="none-yet" title="There is no tenant that you may see" />}
            />
          </section>
        ) : null}
        <TenantDetails
          tenant={rows?.find(({ id }) => id === search.of)}
          onClose={() => setOwn({ of: undefined, part: undefined })}
        />
        {asked?.kind === 'new' || asked?.kind === 'rename' ? (
          <Naming
            tenant={asked.kind === 'rename' ? asked.tenant : null}
            onClose={close}
            onDone={(id) => toasts.show({ level: 'ok', text: `The tenant ${id} is there.` })}
          />
        ) : null}
        {asked?.kind === 'suspend' ? (
          <ConfirmDeed
            title="Suspend the tenant?"
            action="Suspend"
            run={() => setSuspended(asked.tenant.id, true)}
            onClose={close}
          >
            Nobody writes to or reads from <Value text={asked.tenant.id} mono /> until it is resumed: what is
            sent is refused, what it holds stays.
          </ConfirmDeed>
        ) : null}
        {asked?.kind === 'delete' ? (
          <ConfirmDeed
            title="Delete the tenant with all it holds?"
            action="Delete for good"
            phrase={asked.tenant.id}
            run={() => deleteTenant(asked.tenant.id)}
            onClose={close}
          >
            All its series, roles, tokens and usage are deleted, and cannot be brought back. Its id is never
            given to another.
          </ConfirmDeed>
        ) : null}
      </Body>
    </Page>
  );
}
