import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { members, users } from '../api/accounts';
import { verifyChain, auditEntries, exportPath, type AuditEntry, type AuditSearch } from '../api/governance';
import { Diff } from '../design/Diff';
import { Drawer } from '../design/Drawer';
import { EmptyState } from '../design/EmptyState';
import { CheckField } from '../design/fields';
import { FilterBar } from '../design/FilterBar';
import { parseFilters, writeFilters, type Filter } from '../design/filter';
import { formatCount, formatInstant } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { Menu } from '../design/Menu';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { useMay, useSession } from '../session/session';
import { resolveRange } from '../time/range';
import { useSaved } from '../api/saved';
import { searchOf, NAMES } from './search';
import styles from './audit.module.css';

const PAGE = 200;

/** Whether every entry follows from the one before it, found out when it is asked for: the log may be long. */
function ChainState(): ReactElement {
  const chain = useQuery({
    queryKey: [null, 'audit-chain'],
    queryFn: ({ signal }) => verifyChain({ tenant: null, signal }),
    enabled: false,
    retry: false,
  });
  if (chain.error)
    return (
      <StatusChip status="critical">
        <Value text={chain.error.message} />
      </StatusChip>
    );
  if (chain.data)
    return <StatusChip status="ok">chain whole, {formatCount(chain.data.data.entries)} entries</StatusChip>;
  return (
    <button type="button" className="button" disabled={chain.isFetching} onClick={() => void chain.refetch()}>
      {chain.isFetching ? 'Following the chain…' : 'Verify the chain'}
    </button>
  );
}

function Details({ entry, onClose }: { entry: AuditEntry | undefined; onClose: () => void }): ReactElement {
  const { utc } = usePageClock();
  return (
    <Drawer open={entry !== undefined} onClose={onClose} title={`Entry ${entry?.number ?? ''}`} wide>
      {entry ? (
        <div className={styles.details}>
          <dl className={styles.facts}>
            <dt>When</dt>
            <dd>{formatInstant(entry.time_ms, utc)}</dd>
            <dt>Who</dt>
            <dd>
              <Value text={entry.name} /> <span className="dim mono">{entry.who}</span>
            </dd>
            <dt>What</dt>
            <dd className="mono">{entry.action}</dd>
            <dt>Of</dt>
            <dd>
              <Value text={entry.object} mono />
            </dd>
            <dt>Tenant</dt>
            <dd>{entry.tenant === '' ? 'the whole server' : <Value text={entry.tenant} />}</dd>
            {entry.reason === '' ? null : (
              <>
                <dt>Why</dt>
                <dd>
                  <Value text={entry.reason} />
                </dd>
              </>
            )}
            <dt>Hash</dt>
            <dd className="mono">{entry.hash}</dd>
            <dt>Before it</dt>
            <dd className="mono">{entry.previous}</dd>
          </dl>
          <Diff before={entry.before} after={entry.after} />
        </div>
      ) : null}
    </Drawer>
  );
}

/** What people are called whom the log knows by id; of those alone that who asks may see. */
function usePeople(): ReadonlyMap<string, string> {
  const { tenant } = useAddress();
  const may = useMay();
  const all = may('users.manage');
  const found = useQuery<readonly { id: string; name: string }[]>({
    queryKey: [tenant, 'audit-people', all],
    queryFn: async ({ signal }) =>
      (await (all ? users({ tenant: null, signal }) : members({ tenant, signal }))).data,
    enabled: all || may('members.view'),
    retry: false,
  });
  return new Map(found.data?.map(({ id, name }) => [`user:${id}`, name]));
}

function Entries({ wanted }: { wanted: AuditSearch }): ReactElement {
  const { tenant, search } = useAddress();
  const { utc } = usePageClock();
  const [pages, setPages] = useState<readonly number[]>([]);
  const [opened, setOpened] = useState<AuditEntry>();
  const before = pages.at(-1);
  const people = usePeople();
  const answer = useQuery({
    queryKey: [tenant, 'audit', wanted, before],
    queryFn: ({ signal }) => auditEntries({ ...wanted, before, limit: PAGE }, { tenant, signal }),
    placeholderData: keepPreviousData,
  });
  const columns: readonly TableColumn<AuditEntry>[] = [
    {
      id: 'number',
      title: 'entry',
      kind: 'number',
      unit: 'none',
      value: ({ number }) => number,
      optional: true,
    },
    {
      id: 'time',
      title: 'time',
      chars: 20,
      value: ({ time_ms: ms }) => ms,
      cell: ({ time_ms: ms }) => formatInstant(Math.floor(ms / 1000) * 1000, utc),
    },
    { id: 'who', title: 'who', value: ({ name }) => name, cell: ({ name }) => <Value text={name} /> },
    {
      id: 'action',
      title: 'action',
      value: ({ action }) => action,
      // What went past those who decide is to be seen at once.
      cell: ({ action }) =>
        action === 'protection.lift' ? <StatusChip status="critical">{action}</StatusChip> : action,
    },
    {
      id: 'object',
      title: 'object',
      value: ({ object }) => object,
      cell: ({ object }) => {
        const name = people.get(object);
        return name === undefined ? (
          object
        ) : (
          <span title={object}>
            <span className="dim">user</span> <Value text={name} />
          </span>
        );
      },
    },
    {
      id: 'tenant',
      title: 'tenant',
      titled: true,
      value: (entry) => (entry.tenant === '' ? null : entry.tenant),
    },
    { id: 'reason', title: 'reason', titled: true, value: ({ reason }) => (reason === '' ? null : reason) },
  ];
  const words = (search.words ?? '').toLowerCase();
  const rows = answer.data?.data.entries.filter((entry) =>
    JSON.stringify(entry).toLowerCase().includes(words),
  );
  const more = answer.data?.data.before ?? null;
  return (
    <>
      <Unreadable what="The audit log" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {answer.isPending ? <Skeleton kind="table" label="The audit log" rows={12} /> : null}
      {rows ? (
        <section className="panel card">
          <DataTable
            label="Audit log"
            tall="narrow"
            columns={columns}
            rows={rows}
            rowKey={({ number }) => String(number)}
            onOpen={setOpened}
            empty={
              <EmptyState reason="filtered" title="Nothing fits">
                In this range of time, with these filters, nothing was changed.
              </EmptyState>
            }
          />
          <div className={styles.pages}>
            <button
              type="button"
              className="button"
              disabled={pages.length === 0}
              onClick={() => setPages(pages.slice(0, -1))}
            >
              Newer
            </button>
            <button
              type="button"
              className="button"
              disabled={more === null}
              onClick={() => more !== null && setPages([...pages, more])}
            >
              Older
            </button>
          </div>
        </section>
      ) : null}
      <Details entry={opened} onClose={() => setOpened(undefined)} />
    </>
  );
}

export default function AuditPage(): ReactElement {
  const { tenant, range, search, setOwn } = useAddress();
  const { utc } = usePageClock();
  const now = useNow(30_000);
  const { me } = useSession();
  const all = me?.everywhere.includes('audit.view') ?? false;
  const may = useMay();
  const save = useSaved();
  const filters = parseFilters(search.where ?? '');
  const resolved = resolveRange(range, now, utc);
  const wanted = {
    ...searchOf(filters, typeof resolved === 'string' ? null : resolved),
    ...(all && search.all !== 'no' ? { everywhere: 'true' as const } : {}),
  };
  const set = (next: readonly Filter[]): void => setOwn({ where: writeFilters(next) || undefined }, true);
  return (
    <Page>
      <PageHead
        title="Audit log"

        actions={
          <>
            {me?.everywhere.includes('server.operate') ? <ChainState /> : null}
            {may('audit.export') ? (
              <Menu
                label="Export"
                icon="download"
                disabled={save.busy}
                entries={[
                  {
                    kind: 'action',
                    label: 'JSON lines, signed',
                    run: () => void save.run(exportPath(wanted, 'jsonl'), 'audit.jsonl', tenant),
                  },
                  {
                    kind: 'action',
                    label: 'CSV, signed',
                    run: () => void save.run(exportPath(wanted, 'csv'), 'audit.csv', tenant),
                  },
                ]}
              />
            ) : null}
          </>
        }
        time={<TimeControls ranged busy={false} onNow={() => setOwn({})} />}
      />
      <Toolbar label="Filters">
        <div className={styles.filter}>
          <FilterBar
            label="Filter the audit log"
            placeholder="action=user, object=tenant:acme, who=anna"
            filters={filters}
            onFilters={set}
            words={search.words ?? ''}
            onWords={(words) => setOwn({ words: words || undefined }, true)}
            names={NAMES}
          />
        </div>
        {all ? (
          <CheckField
            label="All tenants, and the whole server"
            checked={search.all !== 'no'}
            onChange={(on) => setOwn({ all: on ? undefined : 'no' }, true)}
          />
        ) : null}
      </Toolbar>
      <Body>
        <Entries key={JSON.stringify([filters, range, tenant, all && search.all])} wanted={wanted} />
      </Body>
    </Page>
  );
}
