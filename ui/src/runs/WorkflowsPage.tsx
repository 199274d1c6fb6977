import { useMemo, type ReactElement } from 'react';
import { useNavigate } from '@tanstack/react-router';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { WORKFLOW } from '../address/places';
import { listWorkflows, type Workflow } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { holdsWords } from '../design/filter';
import { formatSeconds, formatThings, formatValue } from '../design/format';
import { useNow } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { AlertSwitch } from './AlertSwitch';
import { FirstRun } from './FirstRun';
import { Ago, Cells, NowContext, RunLink, StateChip, Until, WorkflowLink } from './parts';
import { costText, scheduleText } from './state';
import { useAnyRun, useRange } from './useRuns';
import styles from './runs.module.css';

const NO_WORKFLOWS: readonly Workflow[] = [];
const DASH = <NoValue />;

function columnsOf(): readonly TableColumn<Workflow>[] {
  const length = (
    id: 'duration_p50_ms' | 'duration_p95_ms' | 'duration_p99_ms',
    title: string,
    optional = false,
  ) => ({
    id,
    title,
    kind: 'number' as const,
    chars: 9,
    optional,
    value: (one: Workflow) => one[id],
    cell: (one: Workflow) => {
      const ms = one[id];
      return ms === null ? DASH : formatSeconds(ms / 1000);
    },
  });
  return [
    {
      id: 'state',
      title: 'state',
      chars: 14,
      value: ({ state }) => state,
      cell: ({ state, reason }) => <StateChip state={state} reason={reason} />,
    },
    {
      id: 'workflow',
      title: 'workflow',
      chars: 40,
      least: 18,
      value: ({ workflow }) => workflow,
      cell: ({ workflow, reason }) => (
        <span className={styles.what}>
          <WorkflowLink workflow={workflow} />
          {reason === '' ? null : (
            <span className={styles.saying} title={visibleText(reason)}>
              <Value text={reason} />
            </span>
          )}
        </span>
      ),
    },
    {
      id: 'recent',
      title: 'last runs',
      chars: 25,
      least: 24,
      value: ({ recent }) => recent.filter((state) => state !== 'succeeded').length,
      cell: ({ recent, workflow }) => (
        <Cells states={recent} label={`The last runs of ${visibleText(workflow)}`} />
      ),
    },
    {
      id: 'success',
      title: 'success',
      kind: 'number',
      chars: 8,
      value: ({ success_rate: rate }) => rate,
      cell: ({ success_rate: rate }) => (rate === null ? DASH : formatValue(rate, 'ratio')),
    },
    { id: 'runs', title: 'runs', kind: 'number', unit: 'count', value: ({ runs }) => runs },
    { id: 'live', title: 'live', kind: 'number', unit: 'count', value: ({ live }) => live },
    length('duration_p50_ms', 'median'),
    length('duration_p95_ms', 'p95'),
    length('duration_p99_ms', 'p99', true),
    {
      id: 'cost',
      title: 'cost',
      kind: 'number',
      chars: 9,
      value: ({ cost_sum: cost }) => cost,
      cell: ({ cost_sum: cost, last }) =>
        cost === null || cost === 0 ? DASH : costText(cost, last?.cost_unit ?? ''),
    },
    {
      id: 'last',
      title: 'last began',
      kind: 'number',
      chars: 11,
      value: ({ last }) => last?.start_ms ?? null,
      cell: ({ last }) =>
        last?.start_ms == null ? (
          DASH
        ) : (
          <RunLink runId={last.run_id}>
            <Ago atMs={last.start_ms} />
          </RunLink>
        ),
    },
    {
      id: 'next',
      title: 'next',
      chars: 17,
      least: 13,
      value: ({ expected_start_ms: at }) => at,
      cell: ({ expected_start_ms: at, schedule, schedule_from: from }) => {
        if (at === null) return DASH;
        const known = from === 'told' ? scheduleText(schedule) : `learned: ${scheduleText(schedule)}`;
        return (
          <span title={visibleText(known)}>
            <Until atMs={at} past="overdue" />
          </span>
        );
      },
    },
    {
      id: 'owner',
      title: 'owner',
      value: ({ owner }) => (owner === '' ? null : owner),
    },
    {
      id: 'versions',
      title: 'versions',
      optional: true,
      value: ({ versions }) => (versions.length === 0 ? null : versions.join(', ')),
    },
  ];
}

const COLUMNS = columnsOf();

function Nothing({ filtered, onClear }: { filtered: boolean; onClear: () => void }): ReactElement {
  const { change } = useAddress();
  const any = useAnyRun(!filtered);
  if (filtered)
    return (
      <EmptyState
        reason="filtered"
        title="No workflow fits these words"
        actions={
          <button type="button" className="button" onClick={onClear}>
            Show all
          </button>
        }
      />
    );
  if (any.isPending) return <Skeleton kind="table" label="Workflows" rows={4} />;
  if (any.data === true)
    return (
      <EmptyState
        reason="out-of-range"
        title="No workflow ran in this time"
        actions={
          <button
            type="button"
            className="button"
            onClick={() => change({ range: { from: 'now-30d', to: 'now' } })}
          >
            Show the last 30 days
          </button>
        }
      />
    );
  return <FirstRun title="No workflows yet" />;
}

export default function WorkflowsPage(): ReactElement {
  const { search, refreshMs, setOwn } = useAddress();
  const { text, resolve, fault } = useRange();
  const navigate = useNavigate();
  const now = useNow(5_000);
  const answer = useAsked({
    key: ['workflows', text],
    ask: async (asking) => (await listWorkflows('', resolve(), asking)).data.workflows,
    enabled: fault === null,
    refreshMs,
    keep: true,
  });
  const words = search.filter ?? '';
  const all = answer.data ?? NO_WORKFLOWS;
  const rows = useMemo(() => {
    const holds = holdsWords(words);
    return all.filter(({ workflow, owner, state, versions }) =>
      holds(`${workflow} ${owner} ${state} ${versions.join(' ')}`),
    );
  }, [all, words]);
  const clear = (): void => setOwn({ filter: undefined }, true);
  return (
    <Page>
      <PageHead
        title="Workflows"
        about={answer.data ? formatThings(all.length, 'workflow') : null}
        actions={<AlertSwitch />}
        time={<TimeControls ranged busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Toolbar label="Filters">
        <div className={styles.words}>
          <FilterBar
            label="Filter workflows"
            placeholder="Workflow, owner, state or version"
            words={words}
            onWords={(next) => setOwn({ filter: next || undefined }, true)}
          />
        </div>
      </Toolbar>
      <Body>
        {fault === null ? null : <Note level="bad">{fault}</Note>}
        <Unreadable what="The workflows" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        {answer.isPending && fault === null ? <Skeleton kind="table" label="Workflows" rows={8} /> : null}
        {answer.data === undefined ? null : rows.length === 0 ? (
          <Nothing filtered={all.length > 0} onClear={clear} />
        ) : (
          <section className="panel card" aria-label="Workflows found">
            <NowContext value={now}>
              <DataTable
                label="Workflows"
                tall
                columns={COLUMNS}
                rows={rows}
                total={all.length}
                rowKey={({ workflow }) => workflow}
                onOpen={({ workflow }) =>
                  void navigate({ to: WORKFLOW, params: { name: workflow }, search: contextOf(search) })
                }
              />
            </NowContext>
          </section>
        )}
      </Body>
    </Page>
  );
}
