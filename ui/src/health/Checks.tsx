import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { CheckView } from '../api/health';
import type { Answer } from '../api/client';
import { EmptyState } from '../design/EmptyState';
import { holdsWords } from '../design/filter';
import { Sparkline } from '../design/Sparkline';
import type { TableColumn } from '../design/table/columns';
import { DataTable } from '../design/table/DataTable';
import { Value } from '../design/Value';
import { NoValue } from '../design/NoValue';
import { FilteredList } from '../page/FilteredList';
import { CheckChip, DayStrip, Since } from './parts';
import { uptimeText } from './strip';
import styles from './health.module.css';

const RANKS = { down: 0, unknown: 1, up: 2 } as const;

const COLUMNS: readonly TableColumn<CheckView>[] = [
  {
    id: 'state',
    title: 'state',
    chars: 14,
    value: ({ state, enabled, maintenance }) => (enabled ? (maintenance === '' ? RANKS[state] : 3) : 4),
    cell: (check) => <CheckChip check={check} />,
  },
  {
    id: 'name',
    title: 'check',
    chars: 34,
    least: 20,
    value: ({ name }) => name,
    cell: ({ name, title, type, target }) => (
      <span className={styles.name}>
        <b>
          <Value text={title === '' ? name : title} />
        </b>
        <span className="dim">
          {type} {target === '' ? null : <Value text={target} />}
        </span>
      </span>
    ),
  },
  {
    id: 'component',
    title: 'component',
    chars: 12,
    value: ({ component }) => component || null,
  },
  {
    id: 'days',
    title: '90 days',
    chars: 36,
    least: 24,
    value: ({ uptime }) => uptime,
    exact: ({ uptime }) => uptimeText(uptime),
    cell: ({ name, strip, uptime }) => <DayStrip label={name} strip={strip} uptime={uptime} />,
  },
  {
    id: 'uptime',
    title: 'uptime',
    chars: 14,
    value: ({ uptime }) => uptime,
    cell: ({ uptime }) => <span className={uptime === null ? 'dim' : ''}>{uptimeText(uptime)}</span>,
  },
  {
    id: 'took',
    title: 'took',
    chars: 15,
    value: ({ duration_ms }) => duration_ms,
    cell: ({ name, recent_ms }) => (
      <Sparkline
        label={`How long ${name} took`}
        values={recent_ms.map((ms) => (ms === null ? null : ms / 1000))}
        unit="seconds"
      />
    ),
  },
  {
    id: 'reason',
    title: 'why',
    chars: 36,
    least: 20,
    value: ({ reason }) => reason || null,
    cell: ({ reason, maintenance }) => {
      const said = maintenance === '' ? reason : maintenance;
      return <span className={styles.reason}>{said === '' ? null : <Value text={said} />}</span>;
    },
  },
  {
    id: 'since',
    title: 'since',
    chars: 11,
    value: ({ since }) => since,
    cell: ({ since }) => (since === null ? <NoValue /> : <Since at={since} />),
  },
];

/** All checks, the troubled first. */
export function Checks(props: {
  answer: UseQueryResult<Answer<readonly CheckView[]>>;
  all: readonly CheckView[];
  create: ReactElement;
}): ReactElement {
  const { answer, all, create } = props;
  const { search, setOwn } = useAddress();
  const wanted = search.filter ?? '';
  const rows = useMemo(() => {
    const holds = holdsWords(wanted);
    const found = all.filter((one) =>
      holds([one.name, one.title, one.type, one.target, one.component, one.reason, one.state].join(' ')),
    );
    return found.toSorted((a, b) => RANKS[a.state] - RANKS[b.state]);
  }, [all, wanted]);
  return (
    <FilteredList
      what="checks"
      placeholder="Name, address, component, state, or reason"
      answer={answer}
      className={styles.stack}
    >
      {answer.data === undefined ? null : all.length === 0 ? (
        <EmptyState reason="none-yet" title="Nothing is checked yet" actions={create}>
          A check asks a web address, a port, a certificate, a name, a query, or waits for a job to report,
          and tells when that fails. Many are best written in a file that <code>checks</code> in pharos.yml
          names.
        </EmptyState>
      ) : (
        <section className="panel card">
          <DataTable
            label="Checks"
            tall
            columns={COLUMNS}
            rows={rows}
            total={all.length}
            rowKey={({ name }) => name}
            onOpen={({ name }) => setOwn({ check: name })}
            empty={<EmptyState reason="filtered" title="No check fits these words" />}
          />
        </section>
      )}
    </FilteredList>
  );
}
