import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { listWorkflows, type Workflow } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { useNow } from '../design/hooks';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { AlertSwitch } from './AlertSwitch';
import { OverTime, Tiles } from './Figures';
import { Cells, Facts, NowContext, StateChip, Until, useName } from './parts';
import { RunTable } from './RunTable';
import { Start } from './Start';
import { scheduleText } from './state';
import { useRange, useRuns, useStatistics } from './useRuns';
import { Versions } from './Versions';

const CRUMBS = [{ name: 'Workflows', page: 'workflows' }] as const;

function Head({ found }: { found: Workflow }): ReactElement {
  const now = useNow(5_000);
  const { expected_start_ms: next, schedule, schedule_from: from } = found;
  const runs = scheduleText(schedule);
  return (
    <NowContext value={now}>
      <section className="panel card" aria-label="The workflow">
        <Facts
          facts={[
            ['Last runs', <Cells states={found.recent} label="The last runs" />],
            runs === ''
              ? null
              : [
                  'Schedule',
                  <>
                    <Value text={runs} />
                    {from === 'history' ? <span className="dim"> as learned from its runs</span> : null}
                  </>,
                ],
            next === null ? null : ['Next expected', <Until atMs={next} past="overdue" />],
            found.owner === '' ? null : ['Owner', <Value text={found.owner} />],
            found.versions.length === 0
              ? null
              : ['Versions', <Value text={found.versions.slice(0, 8).join(', ')} mono />],
          ]}
        />
      </section>
    </NowContext>
  );
}

function Runs({ workflow, listed }: { workflow: string; listed: ReturnType<typeof useRuns> }): ReactElement {
  const { runs, older } = listed;
  if (listed.isPending) return <Skeleton kind="table" label="Runs" rows={10} />;
  if (runs.length === 0)
    return listed.error ? (
      <></>
    ) : (
      <EmptyState reason="out-of-range" title="No run of it began in this time">
        Choose a longer time.
      </EmptyState>
    );
  return (
    <section className="panel card" aria-label="Its runs">
      <RunTable
        runs={runs}
        ofOne
        tools={
          <PageLink page="runs" search={{ workflow }}>
            Filter and compare them
          </PageLink>
        }
      />
      <Unreadable what="Older runs" error={older.error} asOfMs={0} />
      {listed.hasOlder ? (
        <button type="button" className="button" disabled={older.busy} onClick={() => void older.read()}>
          {older.busy ? 'Reading…' : 'Older runs'}
        </button>
      ) : null}
    </section>
  );
}

export default function WorkflowPage(): ReactElement {
  const workflow = useName();
  const { refreshMs } = useAddress();
  const { text, resolve, fault } = useRange();
  const filters = useMemo(() => ({ workflow }), [workflow]);
  const listed = useRuns(filters);
  const statistics = useStatistics(filters, 'version');
  const answer = useAsked({
    key: ['workflow', workflow, text],
    ask: async (asking) => (await listWorkflows(workflow, resolve(), asking)).data.workflows,
    enabled: fault === null,
    refreshMs,
    keep: true,
  });
  const found = answer.data?.find((one) => one.workflow === workflow);
  return (
    <Page>
      <PageHead
        title={visibleText(workflow)}
        breadcrumb={CRUMBS}
        about={found ? <StateChip state={found.state} reason={found.reason} /> : null}
        actions={
          <>
            <AlertSwitch workflow={workflow} />
            <Start workflow={workflow} />
          </>
        }
        time={<TimeControls ranged busy={listed.isFetching} onNow={listed.anew} />}
      />
      <Body>
        {fault === null ? null : <Note level="bad">{fault}</Note>}
        {found && found.reason !== '' ? (
          <Note level={found.state === 'late' || found.state === 'flapping' ? 'warn' : 'bad'}>
            <Value text={found.reason} />
          </Note>
        ) : null}
        <Unreadable what="The runs" error={listed.error ?? statistics.error} asOfMs={listed.asOfMs} />
        {found ? <Head found={found} /> : null}
        {statistics.data?.total.runs === 0 || statistics.error ? null : (
          <>
            <Tiles
              statistics={statistics.data}
              live={null}
              late={found?.late ?? 0}
              stuck={found?.stuck ?? 0}
              costUnit={listed.runs[0]?.cost_unit ?? ''}
            />
            {statistics.data === undefined ? (
              <Skeleton kind="chart" label="Runs over time" height={108} />
            ) : (
              <OverTime statistics={statistics.data} />
            )}
          </>
        )}
        {statistics.data === undefined ? null : <Versions groups={statistics.data.groups} />}
        <Runs workflow={workflow} listed={listed} />
      </Body>
    </Page>
  );
}
