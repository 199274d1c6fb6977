import { SegmentedControl } from '@mantine/core';
import { useMemo, useState, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { RunFilters, RunStatistics, RunSummary } from '../api/runs';
import { Button } from '../design/Button';
import { Choice } from '../design/Choice';
import { EmptyState } from '../design/EmptyState';
import { FilterBar } from '../design/FilterBar';
import { formatCount } from '../design/format';
import { Note, Unreadable } from '../design/parts';
import { Skeleton } from '../design/Skeleton';
import { visibleText } from '../design/value';
import { Body, Page, PageHead, Toolbar } from '../page/Page';
import { TimeControls } from '../page/TimeControls';
import { Difference } from './Difference';
import { FIELDS, isNarrowed, readFilters, VIEWS, WIDE } from './filters';
import { OverTime, Tiles } from './Figures';
import { FirstRun } from './FirstRun';
import { RunTable } from './RunTable';
import { Statistics } from './Statistics';
import { useAnyRun, useRuns, useStatistics } from './useRuns';
import styles from './runs.module.css';

const NONE: ReadonlySet<string> = new Set();
const PAGES = [
  ['list', 'Runs'],
  ['statistics', 'Statistics'],
  ['compare', 'Two runs'],
] as const;

type Listed = ReturnType<typeof useRuns>;

function Filters(props: {
  runs: readonly RunSummary[];
  statistics: RunStatistics | undefined;
}): ReactElement {
  const { runs, statistics } = props;
  const { search, setOwn } = useAddress();
  const workflows = (statistics?.groups ?? []).map(({ value }) => value);
  const valuesOf = (field: (typeof FIELDS)[number]): readonly string[] =>
    [...new Set(runs.map((run) => run[field]))].filter((value) => value !== '').sort();
  return (
    <Toolbar label="Filters">
      <SegmentedControl
        size="xs"
        aria-label="State"
        data={VIEWS.map(({ id, name }) => ({ value: id || 'all', label: name }))}
        value={VIEWS.find(({ id }) => id === search.state)?.id || 'all'}
        onChange={(value) => setOwn({ state: value === 'all' ? undefined : value }, true)}
      />
      <div className={styles.words}>
        <FilterBar
          label="Filter runs"
          placeholder="Run, workflow, owner or error"
          words={search.query ?? ''}
          onWords={(words) => setOwn({ query: words || undefined }, true)}
        />
      </div>
      <span className={styles.choice}>
        <Choice
          label="Workflow"
          placeholder="any workflow"
          options={workflows.map((value) => ({ value }))}
          value={search.workflow ?? null}
          onChange={(workflow) => setOwn({ workflow: workflow ?? undefined })}
          free
          clearable
        />
      </span>
      {FIELDS.map((field) => {
        const value = search[field] ?? null;
        const values = valuesOf(field);
        // A field of which there is one value narrows nothing.
        if (value === null && values.length < 2) return null;
        return (
          <span key={field} className={styles.choice}>
            <Choice
              label={`${field.charAt(0).toUpperCase()}${field.slice(1)}`}
              placeholder={`any ${field}`}
              options={values.map((one) => ({ value: one }))}
              value={value}
              onChange={(next) => setOwn({ [field]: next ?? undefined })}
              free
              clearable
            />
          </span>
        );
      })}
      {search.parent === undefined ? null : (
        <button type="button" className="button" onClick={() => setOwn({ parent: undefined })}>
          begun by {visibleText(search.parent).slice(0, 40)} ×
        </button>
      )}
    </Toolbar>
  );
}

function Nothing({ filters }: { filters: RunFilters }): ReactElement {
  const { setOwn, change } = useAddress();
  const narrowed = isNarrowed(filters);
  const any = useAnyRun(!narrowed);
  if (narrowed)
    return (
      <EmptyState
        reason="filtered"
        title="No run fits these filters"
        actions={
          <button type="button" className="button" onClick={() => setOwn(WIDE)}>
            Show all runs
          </button>
        }
      />
    );
  if (any.isPending) return <Skeleton kind="table" label="Runs" rows={6} />;
  if (any.data === true)
    return (
      <EmptyState
        reason="out-of-range"
        title="No run began in this time"
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
  return <FirstRun />;
}

function List({ filters, listed }: { filters: RunFilters; listed: Listed }): ReactElement {
  const { setOwn } = useAddress();
  const [selected, setSelected] = useState<ReadonlySet<string>>(NONE);
  const { runs, older } = listed;
  const chosen = [...selected].filter((id) => runs.some((run) => run.run_id === id));
  if (listed.isPending) return <Skeleton kind="table" label="Runs" rows={12} />;
  if (runs.length === 0) return listed.error ? <></> : <Nothing filters={filters} />;
  return (
    <section className="panel card" aria-label="Runs found">
      <RunTable
        runs={runs}
        selected={selected}
        onSelect={setSelected}
        tools={
          <Button
            whyNot={chosen.length === 2 ? null : 'Choose two runs first: Ctrl-click, or Space on a row'}
            title="What differs between the two"
            onClick={() => setOwn({ view: 'compare', a: chosen[0], b: chosen[1] })}
          >
            Compare
          </Button>
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

function Overview({ view }: { view: 'list' | 'statistics' }): ReactElement {
  const { search } = useAddress();
  const filters = useMemo(() => readFilters(search), [search]);
  const listed = useRuns(filters);
  const answer = useStatistics(filters);
  const statistics = answer.data;
  const live = [...listed.fresh.values()].filter(({ is_over: over }) => !over);
  const isOfAll = !isNarrowed({ ...filters, workflow: undefined });
  return (
    <Page>
      <PageHead
        title="Runs"
        about={listed.live === null ? null : `${formatCount(listed.live)} live`}
        actions={<Views view={view} />}
        time={<TimeControls ranged busy={listed.isFetching} onNow={listed.anew} />}
      />
      <Filters runs={listed.runs} statistics={statistics} />
      <Body>
        {listed.fault === null ? null : <Note level="bad">{listed.fault}</Note>}
        <Unreadable what="The runs" error={listed.error} asOfMs={listed.asOfMs} />
        {answer.error && !listed.error ? (
          <Unreadable what="The statistics" error={answer.error} asOfMs={answer.dataUpdatedAt} />
        ) : null}
        {statistics === undefined && (answer.error || listed.fault) ? null : statistics?.total.runs ===
          0 ? null : (
          <>
            <Tiles
              statistics={statistics}
              live={null}
              late={isOfAll ? live.filter(({ state }) => state === 'late').length : 0}
              costUnit={listed.runs[0]?.cost_unit ?? ''}
              stuck={isOfAll ? live.filter(({ state }) => state === 'stuck').length : 0}
            />
            {statistics === undefined ? (
              <Skeleton kind="chart" label="Runs over time" height={108} />
            ) : (
              <OverTime statistics={statistics} />
            )}
          </>
        )}
        {view === 'statistics' ? (
          <Statistics filters={filters} />
        ) : (
          <List filters={filters} listed={listed} />
        )}
      </Body>
    </Page>
  );
}

function Views({ view }: { view: string }): ReactElement {
  const { setOwn } = useAddress();
  return (
    <SegmentedControl
      size="xs"
      aria-label="View"
      data={PAGES.map(([value, label]) => ({ value, label }))}
      value={view}
      onChange={(next) => setOwn({ view: next === 'list' ? undefined : next })}
    />
  );
}

export default function RunsPage(): ReactElement {
  const { search } = useAddress();
  if (search.view !== 'compare')
    return <Overview view={search.view === 'statistics' ? 'statistics' : 'list'} />;
  return (
    <Page>
      <PageHead title="Runs" about="two beside each other" actions={<Views view="compare" />} />
      <Body>
        <Difference />
      </Body>
    </Page>
  );
}
