import clsx from 'clsx';
import { useEffect, useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { PageLink } from '../address/PageLink';
import { ApiError } from '../api/client';
import type { About } from '../api/related';
import { runView, type RunStep, type RunSummary, type RunView } from '../api/runs';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatCount, formatInstant, formatValue } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import { CopyIcon, Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Body, Page, PageHead } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { WhatElse, WhatElseButton } from '../related/WhatElse';
import { refreshed } from './changes';
import { Controls, ControlStory } from './Controls';
import { Dag } from './Dag';
import { Gantt } from './Gantt';
import { axisOf, criticalSteps, forecast } from './gantt';
import {
  Elapsed,
  Ending,
  Facts,
  NowContext,
  ProgressBar,
  RunLink,
  StateChip,
  WorkflowLink,
  useName,
} from './parts';
import { RunLog } from './RunLog';
import { AlertsCard, ChildrenCard, GivenCard, MetricsCard, SpansCard, ValidationCard } from './Sections';
import { againstTypical, costText, elapsedMs, isFailure, progressOf, scheduleText, untilText } from './state';
import { StepPanel } from './StepPanel';
import { TypicalCard } from './Typical';
import { useFeed } from './useFeed';
import styles from './run.module.css';

const NO_STEPS: readonly RunStep[] = [];

/** What is wrong with it, where something is. */
function Trouble({ run }: { run: RunSummary }): ReactElement | null {
  const level = run.state === 'late' ? 'warn' : run.state === 'stuck' || isFailure(run.state) ? 'bad' : null;
  if (level === null) return null;
  const said = [run.reason, run.error].filter((text, i, all) => text !== '' && all.indexOf(text) === i);
  if (said.length === 0) return null;
  return (
    <Note level={level}>
      {said.map((text) => (
        <p key={text} className={styles.said}>
          <Value text={text} />
        </p>
      ))}
    </Note>
  );
}

function Head({ view, nowMs }: { view: RunView; nowMs: number }): ReactElement {
  const { utc } = usePageClock();
  const { run, typical } = view;
  const usual = againstTypical(elapsedMs(run, nowMs), typical?.duration_p50_ms ?? null);
  const instant = (ms: number): string => formatInstant(Math.floor(ms / 1000) * 1000, utc);
  const schedule = scheduleText(view.schedule);
  return (
    <section className="panel card" aria-label="The run">
      {run.is_over ? null : (
        <div className={styles.progress}>
          <ProgressBar share={progressOf(run, nowMs)} state={run.state} label="Progress" />
          <span>
            {run.current_step === '' ? null : (
              <>
                <Value text={run.current_step} />
                {run.message === '' ? '' : ': '}
              </>
            )}
            {run.message === '' ? null : (
              <span className="dim">
                <Value text={run.message} />
              </span>
            )}
          </span>
        </div>
      )}
      <Facts
        facts={[
          ['Workflow', <WorkflowLink workflow={run.workflow} />],
          [
            run.is_over ? 'Took' : 'Runs for',
            <>
              <Elapsed run={run} />
              {usual === '' || !run.is_over ? null : <span className="dim"> {usual}</span>}
            </>,
          ],
          run.start_ms === null ? null : ['Began', instant(run.start_ms)],
          [
            run.is_over ? 'Ended' : 'Expected to end',
            <>
              <Ending run={run} />
              {run.is_over || run.state === 'paused' || run.expected_end_ms === null ? null : (
                <span className="dim"> {instant(run.expected_end_ms)}</span>
              )}
            </>,
          ],
          run.deadline_ms === null || run.is_over
            ? null
            : ['Deadline', untilText(run.deadline_ms, nowMs, 'past')],
          run.steps_total === 0
            ? null
            : [
                'Steps',
                <>
                  {formatCount(run.steps_done)} of {formatCount(run.steps_total)}
                  {run.steps_failed > 0 ? (
                    <span className={styles.bad}>, {formatCount(run.steps_failed)} failed</span>
                  ) : null}
                </>,
              ],
          run.attempt > 1 ? ['Attempt', formatCount(run.attempt)] : null,
          run.cost === null ? null : ['Cost', costText(run.cost, run.cost_unit)],
          run.input_size === null ? null : ['Input size', formatValue(run.input_size, 'none', 4)],
          run.version === ''
            ? null
            : [
                'Version',
                <PageLink page="runs" search={{ workflow: run.workflow, version: run.version }}>
                  <Value text={run.version} mono />
                </PageLink>,
              ],
          run.owner === ''
            ? null
            : [
                'Owner',
                <PageLink page="runs" search={{ owner: run.owner }}>
                  <Value text={run.owner} />
                </PageLink>,
              ],
          run.node === '' ? null : ['Node', <Value text={run.node} />],
          run.service === '' ? null : ['Service', <Value text={run.service} />],
          run.engine === '' ? null : ['Engine', <Value text={run.engine} />],
          schedule === '' ? null : ['Schedule', <Value text={schedule} />],
          run.parent === ''
            ? null
            : [
                'Begun by',
                <RunLink runId={run.parent}>
                  <Value text={run.parent} />
                </RunLink>,
              ],
          run.last_heard_ms === null || run.is_over
            ? null
            : ['Heard of', untilText(run.last_heard_ms, nowMs)],
          ['Events', formatCount(view.events)],
        ]}
      />
    </section>
  );
}

/** Its steps on the axis of time and as a graph, and beside them the log, of all or of the chosen step. */
function Steps({ view, nowMs }: { view: RunView; nowMs: number }): ReactElement {
  const { search, setOwn } = useAddress();
  const { run } = view;
  const steps = view.steps.length === 0 ? NO_STEPS : view.steps;
  const chosen = steps.find(({ id }) => id === search.step) ?? null;
  const ahead = useMemo(
    () => (run.is_over ? new Map<string, never>() : forecast(steps, nowMs)),
    [run.is_over, steps, nowMs],
  );
  const axis = useMemo(() => axisOf(run, steps, ahead, nowMs), [run, steps, ahead, nowMs]);
  const critical = useMemo(() => criticalSteps(steps, nowMs), [steps, nowMs]);
  const select = (id: string | null): void => setOwn({ step: id ?? undefined }, true);
  const hasEdges = steps.some(({ depends_on: awaited }) => awaited.length > 0);
  return (
    <div className={styles.beside} data-empty={steps.length === 0 ? '' : undefined}>
      <section className={clsx('panel card', styles.stack)} aria-label="Steps of the run">
        <header className="row wrap">
          <h2 className="grow">
            Steps <span className="dim">{formatCount(steps.length)}</span>
          </h2>
          {critical.size === 0 ? null : (
            <span className={styles.key}>
              <i className={styles.keyCritical} /> critical path
            </span>
          )}
          {ahead.size === 0 ? null : (
            <span className={styles.key}>
              <i className={styles.keyComing} /> expected
            </span>
          )}
        </header>
        {steps.length === 0 ? (
          <p className="dim">
            It has told of no step. Events with a <code>step</code> draw them here.
          </p>
        ) : (
          <Gantt
            steps={steps}
            axis={axis}
            ahead={ahead}
            critical={critical}
            selected={chosen?.id ?? null}
            onSelect={select}
            nowMs={nowMs}
          />
        )}
        {hasEdges ? (
          <>
            <h3 className={styles.graphTitle}>What waits for what</h3>
            <Dag steps={steps} selected={chosen?.id ?? null} onSelect={select} />
          </>
        ) : null}
      </section>
      <section className={clsx('panel card', styles.log)} aria-label="Log of the run">
        {chosen === null ? (
          <header className="row">
            <h2 className="grow">Log</h2>
          </header>
        ) : (
          <StepPanel view={view} step={chosen} onClose={() => select(null)} />
        )}
        <RunLog view={view} step={chosen} nowMs={nowMs} />
      </section>
    </div>
  );
}

function Found({ view, refreshMs }: { view: RunView; refreshMs: number }): ReactElement {
  const now = useNow(1_000);
  const nowMs = view.run.is_over ? (view.run.end_ms ?? now) : now;
  return (
    <NowContext value={nowMs}>
      <Trouble run={view.run} />
      <Head view={view} nowMs={nowMs} />
      <Steps view={view} nowMs={nowMs} />
      <div className={styles.cards}>
        <TypicalCard view={view} nowMs={nowMs} />
        <ValidationCard view={view} />
        <GivenCard view={view} />
        <SpansCard view={view} />
        <AlertsCard view={view} refreshMs={refreshMs} />
        <ChildrenCard view={view} />
        <ControlStory run={view.run} refreshMs={view.run.is_over ? 0 : refreshMs} />
        <MetricsCard view={view} nowMs={nowMs} />
      </div>
    </NowContext>
  );
}

function Missing({ runId, error }: { runId: string; error: Error }): ReactElement {
  const missing = error instanceof ApiError && error.status === 404;
  return (
    <EmptyState
      reason={missing ? 'no-such' : 'failed'}
      title={missing ? 'There is no such run' : 'The run cannot be read'}
      actions={
        <PageLink page="runs" className="button" search={{}}>
          All runs
        </PageLink>
      }
    >
      {missing ? (
        <>
          No event of <Value text={runId} mono /> has come, or it is older than what is kept.
        </>
      ) : (
        <Value text={error.message} />
      )}
    </EmptyState>
  );
}

/** What the panel of what else happened asks about: its trace, else its workflow's series with what names its place. */
function aboutOf({ run, links }: RunView): About {
  const traceId = links.trace_id || run.trace_id;
  if (traceId !== '') return { kind: 'span', traceId, spanId: '' };
  const labels = {
    workflow: run.workflow,
    ...(run.service === '' ? {} : { service: run.service }),
    ...(run.node === '' ? {} : { host: run.node }),
  };
  return {
    kind: 'series',
    expr: `workflow_runs_live{workflow=${JSON.stringify(run.workflow)}}`,
    labels,
    atMs: run.end_ms ?? run.last_heard_ms ?? run.start_ms ?? 0,
  };
}

export default function RunPage(): ReactElement {
  const runId = useName();
  const { refreshMs } = useAddress();
  const answer = useAsked({
    key: ['run', runId],
    ask: async (asking) => (await runView(runId, asking)).data,
    refreshMs,
    staleTime: 0,
  });
  const read = answer.data;
  const live = read !== undefined && !read.run.is_over;
  // A run that is over may be opened again by a retry; that is seen when it is asked anew.
  const { fresh, changed } = useFeed({ run_id: runId }, live && refreshMs > 0);
  const { refetch } = answer;
  useEffect(() => {
    if (changed.length > 0) void refetch();
  }, [changed, refetch]);
  const view = useMemo(
    () => read && { ...read, run: refreshed([read.run], fresh)[0] ?? read.run },
    [read, fresh],
  );
  return (
    <Page dense>
      <PageHead
        title={visibleText(runId)}
        breadcrumb={[
          { name: 'Runs', page: 'runs' },
          ...(view === undefined
            ? []
            : [
                {
                  name: visibleText(view.run.workflow),
                  page: 'runs' as const,
                  search: { workflow: view.run.workflow },
                },
              ]),
        ]}
        about={view === undefined ? null : <StateChip state={view.run.state} reason={view.run.reason} />}
        actions={
          view === undefined ? null : (
            <>
              <CopyIcon text={runId} label="Copy the run's id" />
              <PageLink page="runs" search={{ view: 'compare', a: runId }} className="button">
                Compare…
              </PageLink>
              <WhatElseButton about={aboutOf(view)} />
              <Controls run={view.run} />
            </>
          )
        }
        time={<TimeControls busy={answer.isFetching} onNow={() => void answer.refetch()} />}
      />
      <Body>
        {answer.isPending ? (
          <>
            <Skeleton kind="text" label="The run" rows={3} />
            <Skeleton kind="table" label="Steps" rows={12} />
          </>
        ) : null}
        {view === undefined && answer.error ? <Missing runId={runId} error={answer.error} /> : null}
        {view === undefined ? null : (
          <>
            <Unreadable what="The run" error={answer.error} asOfMs={answer.dataUpdatedAt} />
            <Found key={view.run.run_id} view={view} refreshMs={refreshMs} />
          </>
        )}
      </Body>
      <WhatElse />
    </Page>
  );
}
