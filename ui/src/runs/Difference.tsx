import { useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import {
  diffRuns,
  listRuns,
  runView,
  type FieldDifference,
  type RunDifference,
  type RunSummary,
  type StepDifference,
  type StepOutcome,
} from '../api/runs';
import { useAsked } from '../api/useAsked';
import { EmptyState } from '../design/EmptyState';
import { formatSeconds, formatThings, formatValue } from '../design/format';
import { useNow } from '../design/hooks';
import { NoValue } from '../design/NoValue';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { Card, Elapsed, Ending, NowContext, percent, RunLink, StateChip, WorkflowLink } from './parts';
import { RunTable } from './RunTable';
import { costText, plainText, signedTime } from './state';
import styles from './runs.module.css';

const LIKE = 60;
const MONTH_MS = 30 * 86_400_000;

function Side({ run, title }: { run: RunSummary; title: string }): ReactElement {
  const now = useNow(1_000);
  return (
    <NowContext value={now}>
      <section className={styles.side} aria-label={title}>
        <span className="row wrap">
          <span className="dim grow">{title}</span>
          <StateChip state={run.state} reason={run.reason} />
        </span>
        <RunLink runId={run.run_id}>
          <Value text={run.run_id} />
        </RunLink>
        <span className="dim">
          <WorkflowLink workflow={run.workflow} />, <Elapsed run={run} />
          {run.is_over ? (
            <>
              , <Ending run={run} />
            </>
          ) : null}
        </span>
        {run.error === '' ? null : (
          <span className={styles.bad}>
            <Value text={run.error.slice(0, 400)} />
          </span>
        )}
      </section>
    </NowContext>
  );
}

/** What is said of both lengths and costs. */
function verdict({ duration_change_ms: change, cost_change: cost, a, b }: RunDifference): string {
  const parts: string[] = [];
  if (change !== null && a.duration_ms !== null) {
    const share = a.duration_ms > 0 ? ` (${formatValue(Math.abs(change) / a.duration_ms, 'ratio', 2)})` : '';
    parts.push(
      change === 0
        ? 'Both take equally long.'
        : `The second takes ${formatSeconds(Math.abs(change) / 1000)} ${change > 0 ? 'longer' : 'shorter'}${share}.`,
    );
  }
  if (cost !== null && cost !== 0)
    parts.push(
      `It costs ${costText(Math.abs(cost), b.cost_unit || a.cost_unit)} ${cost > 0 ? 'more' : 'less'}.`,
    );
  return parts.join(' ');
}

function outcome(side: StepOutcome | null): ReactElement {
  if (side === null) return <span className="dim">not there</span>;
  return (
    <span className="row wrap" {...(side.error === '' ? {} : { title: visibleText(side.error) })}>
      <StateChip state={side.state} />
      <span>{side.duration_ms === null ? '' : formatSeconds(side.duration_ms / 1000)}</span>
      {side.attempts > 1 ? <span className="dim">×{side.attempts}</span> : null}
    </span>
  );
}

function columnsOf(most: number): readonly TableColumn<StepDifference>[] {
  return [
    {
      id: 'step',
      title: 'step',
      chars: 34,
      least: 14,
      value: ({ id }) => id,
      cell: ({ id }) => <Value text={id} />,
    },
    {
      id: 'change',
      title: 'time won or lost',
      kind: 'number',
      chars: 24,
      least: 18,
      value: ({ duration_change_ms: ms }) => ms,
      cell: ({ duration_change_ms: ms }) => {
        if (ms === null) return <NoValue />;
        const part = Math.abs(ms) / most / 2;
        return (
          <span className={styles.change}>
            <span className={styles.balance} aria-hidden="true">
              <i
                className={ms > 0 ? styles.slower : styles.faster}
                style={{ left: percent(ms > 0 ? 0.5 : 0.5 - part), width: percent(part) }}
              />
            </span>
            <span>{signedTime(ms)}</span>
          </span>
        );
      },
    },
    {
      id: 'share',
      title: 'share of the change',
      kind: 'number',
      unit: 'ratio',
      value: ({ share }) => share,
    },
    {
      id: 'a',
      title: 'first',
      chars: 26,
      least: 18,
      value: ({ a }) => a?.duration_ms ?? null,
      cell: ({ a }) => outcome(a),
    },
    {
      id: 'b',
      title: 'second',
      chars: 26,
      least: 18,
      value: ({ b }) => b?.duration_ms ?? null,
      cell: ({ b }) => outcome(b),
    },
  ];
}

function Fields(props: {
  rows: readonly FieldDifference[];
  title: string;
  kind: string;
}): ReactElement | null {
  const { rows, title, kind } = props;
  if (rows.length === 0) return null;
  const cell = (value: unknown): ReactElement =>
    value === null || value === undefined || value === '' ? (
      <span className="dim">none</span>
    ) : (
      <Value text={plainText(value)} mono />
    );
  return (
    <Card title={title}>
      <table className={styles.facts}>
        <thead>
          <tr>
            <th scope="col">{kind}</th>
            <th scope="col">first</th>
            <th scope="col">second</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ name, a, b }) => (
            <tr key={name}>
              <th scope="row">
                <Value text={kind === 'field' ? name.replaceAll('_', ' ') : name} />
              </th>
              <td>{cell(a)}</td>
              <td>{cell(b)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Card>
  );
}

function Compared({ found }: { found: RunDifference }): ReactElement {
  const most = found.steps.reduce((top, { duration_change_ms: ms }) => Math.max(top, Math.abs(ms ?? 0)), 1);
  return (
    <>
      <section className="panel card" aria-label="The two runs">
        <div className={styles.two}>
          <Side run={found.a} title="First" />
          <Side run={found.b} title="Second" />
        </div>
        <p className={styles.verdict}>{verdict(found)}</p>
      </section>
      <section className="panel card" aria-label="Steps">
        <DataTable
          label="Steps of both"
          tall
          columns={columnsOf(most)}
          rows={found.steps}
          rowKey={({ id }) => id}
          tools={<h2>Steps of both, those that explain most first</h2>}
          empty={<EmptyState reason="none-yet" title="Neither has told of a step" />}
        />
      </section>
      <Fields rows={found.fields} title="What differs" kind="field" />
      <Fields rows={found.inputs} title="Inputs that differ" kind="input" />
      {found.fields.length + found.inputs.length === 0 ? (
        <p className="dim">They have the same inputs, version, owner and node.</p>
      ) : null}
    </>
  );
}

/** The runs of the same workflow, of which another is chosen. */
function Choose({ first }: { first: string | undefined }): ReactElement {
  const { setOwn } = useAddress();
  const [typed, setTyped] = useState('');
  const answer = useAsked({
    key: ['runs like', first],
    ask: async (asking) => {
      const workflow = first === undefined ? undefined : (await runView(first, asking)).data.run.workflow;
      const now = Date.now();
      const found = await listRuns(
        { workflow },
        { start: now - MONTH_MS, end: now },
        { limit: LIKE },
        asking,
      );
      return { workflow, runs: found.data.runs.filter(({ run_id: id }) => id !== first) };
    },
    staleTime: Infinity,
    refetchOnWindowFocus: false,
  });
  const choose = (id: string): void => setOwn(first === undefined ? { a: id } : { b: id });
  return (
    <Card title={first === undefined ? 'Compare which run?' : 'Compare it with'}>
      <form
        className={styles.choose}
        onSubmit={(event) => {
          event.preventDefault();
          if (typed.trim() !== '') choose(typed.trim());
        }}
      >
        <input
          className="field mono"
          aria-label="The run's id"
          placeholder="A run’s id, or choose one below"
          value={typed}
          onChange={(event) => setTyped(event.target.value)}
        />
        <button type="submit" className="button primary" disabled={typed.trim() === ''}>
          Choose
        </button>
      </form>
      <Unreadable what="The runs" error={answer.error} asOfMs={0} />
      {answer.isPending ? <Skeleton kind="table" label="The runs" rows={5} /> : null}
      {answer.data ? (
        <RunTable
          runs={answer.data.runs}
          ofOne={answer.data.workflow !== undefined}
          onOpen={choose}
          tools={
            <span className="dim">
              {formatThings(answer.data.runs.length, 'run')} of the last 30 days; a click chooses one
            </span>
          }
          empty={<EmptyState reason="out-of-range" title="No other run in the last 30 days" />}
        />
      ) : null}
    </Card>
  );
}

/** Two runs beside each other: what differs, and which steps explain it. */
export function Difference(): ReactElement {
  const { search, setOwn } = useAddress();
  const { a, b } = search;
  const answer = useAsked({
    key: ['run diff', a, b],
    ask: async (asking) => (await diffRuns(a ?? '', b ?? '', asking)).data,
    enabled: a !== undefined && b !== undefined,
    staleTime: 10_000,
  });
  if (a === undefined || b === undefined) return <Choose key={a} first={a} />;
  return (
    <>
      <div className="row wrap">
        <button type="button" className="button" onClick={() => setOwn({ a: b, b: a })}>
          Swap
        </button>
        <button type="button" className="button" onClick={() => setOwn({ b: undefined })}>
          Compare the first with another
        </button>
      </div>
      <Unreadable what="The two runs" error={answer.error} asOfMs={answer.data ? answer.dataUpdatedAt : 0} />
      {answer.isPending ? <Skeleton kind="table" label="The two runs" rows={8} /> : null}
      {answer.data ? <Compared found={answer.data} /> : null}
    </>
  );
}
