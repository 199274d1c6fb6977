import { SegmentedControl } from '@mantine/core';
import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import { GROUPINGS, type Grouping, type RunFilters, type RunGroup } from '../api/runs';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { NoValue } from '../design/NoValue';
import { Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { StateChip, WorkflowLink } from './parts';
import { useStatistics } from './useRuns';

function columnsOf(by: Grouping, utc: boolean): readonly TableColumn<RunGroup>[] {
  const length = (id: keyof RunGroup, title: string, optional = false): TableColumn<RunGroup> => ({
    id,
    title,
    kind: 'number',
    chars: 9,
    optional,
    value: (group) => group[id],
    cell: (group) => {
      const ms = group[id];
      return typeof ms === 'number' ? formatSeconds(ms / 1000) : <NoValue />;
    },
  });
  const count = (id: keyof RunGroup, title: string, optional = false): TableColumn<RunGroup> => ({
    id,
    title,
    kind: 'number',
    unit: 'count',
    optional,
    value: (group) => {
      const value = group[id];
      return typeof value === 'number' ? value : null;
    },
  });
  return [
    {
      id: 'value',
      title: by,
      chars: 36,
      least: 14,
      value: ({ value }) => value,
      cell: ({ value }) =>
        value === '' ? (
          <span className="dim">none</span>
        ) : by === 'workflow' ? (
          <WorkflowLink workflow={value} />
        ) : by === 'state' ? (
          value
        ) : (
          <Value text={value} mono />
        ),
    },
    count('runs', 'runs'),
    count('live', 'live'),
    count('failed', 'failed'),
    count('timed_out', 'timed out', true),
    count('aborted', 'aborted', true),
    {
      id: 'success_rate',
      title: 'success rate',
      kind: 'number',
      unit: 'ratio',
      value: ({ success_rate: rate }) => rate,
    },
    length('duration_p50_ms', 'median'),
    length('duration_p95_ms', 'p95'),
    length('duration_p99_ms', 'p99'),
    length('duration_mean_ms', 'mean', true),
    {
      id: 'cost',
      title: 'cost',
      kind: 'number',
      value: ({ cost_sum: sum, cost_mean: mean }) => (mean === null ? null : sum),
    },
    {
      id: 'last_state',
      title: 'last',
      titled: true,
      chars: 14,
      value: ({ last_state: state }) => state,
      cell: ({ last_state: state }) => (state === '' ? <NoValue /> : <StateChip state={state} />),
    },
    {
      id: 'last',
      title: 'last began',
      titled: true,
      chars: 19,
      value: ({ last_start_ms: at }) => at,
      cell: ({ last_start_ms: at }) =>
        at === null ? <NoValue /> : formatInstant(Math.floor(at / 1000) * 1000, utc),
    },
  ];
}

/** Counts, success and percentiles of runs by workflow, version, owner, node or engine. */
export function Statistics({ filters }: { filters: RunFilters }): ReactElement {
  const { search, setOwn } = useAddress();
  const { utc } = usePageClock();
  const by = GROUPINGS.find((one) => one === search.by) ?? 'workflow';
  const answer = useStatistics(filters, by);
  const columns = useMemo(() => columnsOf(by, utc), [by, utc]);
  const groups = answer.data?.groups;
  return (
    <section className="panel card" aria-label="Statistics">
      <Unreadable what="The statistics" error={answer.error} asOfMs={answer.dataUpdatedAt} />
      {groups === undefined ? (
        answer.error ? null : (
          <Skeleton kind="table" label="Statistics" rows={6} />
        )
      ) : (
        <DataTable
          key={by}
          tall="narrow"
          label={`Runs by ${by}`}
          columns={columns}
          rows={groups}
          rowKey={({ value }) => value}
          sort={{ id: 'runs', desc: true }}
          tools={
            <SegmentedControl
              size="xs"
              aria-label="Group by"
              data={GROUPINGS.map((value) => ({ value, label: value }))}
              value={by}
              onChange={(value) => setOwn({ by: value === 'workflow' ? undefined : value }, true)}
            />
          }
          empty={<EmptyState reason="filtered" title="No run fits these filters" />}
        />
      )}
    </section>
  );
}
