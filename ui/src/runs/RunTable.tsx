import { useNavigate } from '@tanstack/react-router';
import { useMemo, type ReactElement, type ReactNode } from 'react';
import { contextOf } from '../address/context';
import { useAddress } from '../address/hooks';
import { RUN } from '../address/places';
import type { RunSummary } from '../api/runs';
import { useNow } from '../design/hooks';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { visibleText } from '../design/value';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { Ago, Elapsed, Ending, NowContext, RunLink, RunProgress, StateChip, WorkflowLink } from './parts';
import { costText } from './state';
import styles from './runs.module.css';

/** What stands below a run's name: why it is as it is, else what it does now. */
function saying(run: RunSummary): string {
  if (run.reason !== '' || run.error !== '') return run.reason || run.error;
  if (run.is_over) return run.message;
  return [run.current_step, run.message].filter((text) => text !== '').join(': ');
}

/** When a run began, or since when it waits. */
function beganMs(run: RunSummary): number | null {
  return run.start_ms ?? run.queued_ms;
}

function columnsOf(withWorkflow: boolean): readonly TableColumn<RunSummary>[] {
  const text = (id: keyof RunSummary, title: string, optional = true): TableColumn<RunSummary> => ({
    id,
    title,
    optional,
    value: (run) => {
      const value = run[id];
      return typeof value === 'string' && value !== '' ? value : null;
    },
  });
  return [
    {
      id: 'state',
      title: 'state',
      chars: 14,
      value: ({ state }) => state,
      cell: (run) => <StateChip state={run.state} reason={run.reason} />,
    },
    {
      id: 'run',
      title: 'run',
      chars: 44,
      least: 20,
      value: ({ run_id: id }) => id,
      cell: (run) => (
        <span className={styles.what}>
          <RunLink runId={run.run_id}>
            <Value text={run.run_id} />
          </RunLink>
          {saying(run) === '' ? null : (
            <span className={styles.saying} title={visibleText(saying(run))}>
              <Value text={saying(run).slice(0, 300)} />
            </span>
          )}
        </span>
      ),
    },
    ...(withWorkflow
      ? [
          {
            id: 'workflow',
            title: 'workflow',
            chars: 26,
            least: 12,
            value: ({ workflow }: RunSummary) => workflow,
            cell: ({ workflow }: RunSummary) => <WorkflowLink workflow={workflow} />,
          },
        ]
      : []),
    {
      id: 'progress',
      title: 'progress',
      chars: 20,
      least: 17,
      value: ({ progress }) => progress,
      cell: (run) => <RunProgress run={run} />,
    },
    {
      id: 'began',
      title: 'began',
      kind: 'number',
      chars: 10,
      value: beganMs,
      cell: (run) => <Ago atMs={beganMs(run)} />,
    },
    {
      id: 'took',
      title: 'takes',
      kind: 'number',
      chars: 9,
      value: ({ duration_ms: ms }) => ms,
      cell: (run) => <Elapsed run={run} />,
    },
    {
      id: 'end',
      title: 'end',
      chars: 20,
      least: 19,
      value: (run) => (run.is_over ? run.end_ms : run.expected_end_ms),
      cell: (run) => <Ending run={run} />,
    },
    text('owner', 'owner', false),
    text('version', 'version', false),
    {
      id: 'cost',
      title: 'cost',
      kind: 'number',
      chars: 9,
      value: ({ cost }) => cost,
      cell: (run) => (run.cost === null ? <NoValue /> : costText(run.cost, run.cost_unit)),
    },
    text('node', 'node'),
    text('engine', 'engine'),
    text('service', 'service'),
    {
      id: 'input_size',
      title: 'input size',
      kind: 'number',
      unit: 'none',
      optional: true,
      value: (run) => run.input_size,
    },
    {
      id: 'attempt',
      title: 'attempt',
      kind: 'number',
      unit: 'count',
      optional: true,
      value: (run) => run.attempt,
    },
  ];
}

/** Runs of a list: a click opens one, Space and Ctrl-click choose. */
export function RunTable(props: {
  runs: readonly RunSummary[];
  /** What a click on one does, and Enter; opens its page where it is left out. */
  onOpen?: (runId: string) => void;
  /** All of them are of one workflow, which needs no column. */
  ofOne?: boolean;
  selected?: ReadonlySet<string>;
  onSelect?: (keys: ReadonlySet<string>) => void;
  tools?: ReactNode;
  empty?: ReactNode;
}): ReactElement {
  const { runs, onOpen, ofOne = false, selected, onSelect, tools, empty } = props;
  const { search } = useAddress();
  const navigate = useNavigate();
  const now = useNow(1_000);
  const columns = useMemo(() => columnsOf(!ofOne), [ofOne]);
  return (
    <NowContext value={now}>
      <DataTable
        label="Runs"
        tall
        columns={columns}
        rows={runs}
        rowKey={({ run_id: id }) => id}
        onOpen={({ run_id: id }) => {
          if (onOpen) onOpen(id);
          else void navigate({ to: RUN, params: { name: id }, search: contextOf(search) });
        }}
        {...(selected && onSelect ? { selected, onSelect } : {})}
        {...(tools === undefined ? {} : { tools })}
        {...(empty === undefined ? {} : { empty })}
      />
    </NowContext>
  );
}
