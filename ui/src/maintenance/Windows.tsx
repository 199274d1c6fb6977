import { useMemo, type ReactElement } from 'react';
import { useAddress } from '../address/hooks';
import type { AlertView } from '../api/alerts';
import { dropWindow, putWindow, windows, type MaintenanceWindow } from '../api/holds';
import { useAsked } from '../api/useAsked';
import { Definitions } from '../definitions/Definitions';
import { EmptyState } from '../design/EmptyState';
import { formatInstant, formatSeconds } from '../design/format';
import { useNow, usePageClock } from '../design/hooks';
import type { Status } from '../design/status';
import { StatusChip } from '../design/StatusChip';
import type { TableColumn } from '../design/table/columns';
import { Value } from '../design/Value';
import { FilteredList } from '../page/FilteredList';
import { Texts } from '../silences/Texts';
import { HoldVersions } from './HoldVersions';
import { sayRule } from './recurrence';
import { Sheet } from './Sheet';
import { sortWindows, standingOf, type Standing } from './sheet';
import { WindowForm } from './WindowForm';
import styles from './maintenance.module.css';

const NONE: readonly MaintenanceWindow[] = [];
const STATUS: Readonly<Record<Standing, Status>> = { now: 'muted', upcoming: 'pending', past: 'no-data' };

function When({ of }: { of: MaintenanceWindow }): ReactElement {
  const now = useNow(10_000);
  const { utc } = usePageClock();
  const { next } = of;
  if (next === null) return <span className="dim">never again</span>;
  const minute = (text: string): string => formatInstant(Math.floor(Date.parse(text) / 60_000) * 60_000, utc);
  const inSeconds = (text: string): string =>
    formatSeconds(Math.max(0, Math.round((Date.parse(text) - now) / 1000)));
  return (
    <span title={`${minute(next.starts)} to ${minute(next.ends)}`}>
      {of.is_open ? `ends in ${inSeconds(next.ends)}` : `in ${inSeconds(next.starts)}`}
    </span>
  );
}

const COLUMNS: readonly TableColumn<MaintenanceWindow>[] = [
  {
    id: 'state',
    title: 'state',
    chars: 12,
    value: standingOf,
    cell: (one) => <StatusChip status={STATUS[standingOf(one)]}>{standingOf(one)}</StatusChip>,
  },
  {
    id: 'name',
    title: 'name',
    chars: 22,
    least: 14,
    value: ({ name }) => name,
    cell: ({ name }) => <Value text={name} />,
  },
  {
    id: 'matchers',
    title: 'alerts with',
    chars: 30,
    least: 16,
    value: ({ matchers }) => matchers.join(', '),
    cell: ({ matchers }) => <Texts texts={matchers} />,
  },
  {
    id: 'when',
    title: 'when',
    chars: 18,
    value: ({ next }) => (next === null ? null : Date.parse(next.starts)),
    cell: (one) => <When of={one} />,
  },
  {
    id: 'repeats',
    title: 'repeats',
    chars: 26,
    least: 12,
    value: ({ repeats }) => repeats,
    cell: ({ repeats, zone }) => (
      <span title={`on the clock of ${zone}`}>
        <Value text={sayRule(repeats)} />
      </span>
    ),
  },
  {
    id: 'reason',
    title: 'reason',
    chars: 26,
    least: 12,
    value: ({ reason }) => reason,
    cell: ({ reason }) => <Value text={reason} />,
  },
  {
    id: 'by',
    title: 'by',
    optional: true,
    value: ({ by }) => by,
    cell: ({ by }) => <Value text={by} />,
  },
];

/** Maintenance windows: those of now, to come and past, and a calendar of the next weeks. */
export function Windows(props: {
  known: readonly AlertView[];
  refreshMs: number;
  whyNot: string | null;
  create: ReactElement;
}): ReactElement {
  const { known, refreshMs, whyNot, create } = props;
  const { search, tenant, setOwn } = useAddress();
  const answer = useAsked({ key: ['maintenance'], ask: windows, refreshMs });
  const all = answer.data?.data;
  const words = search.filter ?? '';
  const rows = useMemo(() => sortWindows(all ?? NONE, words), [all, words]);
  return (
    <FilteredList
      what="maintenance windows"
      placeholder="Name, label, reason, or person"
      answer={answer}
      className={styles.stack}
    >
      <Definitions
        label="Maintenance windows"
        one="window"
        title="maintenance window"
        all={all}
        rows={rows}
        columns={COLUMNS}
        none={
          <EmptyState reason="none-yet" title="No maintenance is planned" actions={create}>
            A window is a time that is known before, once or again and again, in which nobody is told of some
            alerts. They are measured all the same.
          </EmptyState>
        }
        whyNot={whyNot}
        form={(kept, ends) => <WindowForm key={kept?.name ?? ''} kept={kept} known={known} {...ends} />}
        versions={(name) => <HoldVersions kind="maintenance" name={name} whyNot={whyNot} put={putWindow} />}
        drop={(name) => dropWindow(name, { tenant })}
        lost={({ is_open: isOpen }) =>
          `${isOpen ? 'what it holds back now is told again at once. ' : ''}Its versions are kept.`
        }
      />
      {all === undefined || all.length === 0 ? null : (
        <Sheet
          windows={all}
          onOpen={(name) => setOwn(whyNot === null ? { edit: name } : { history: name })}
        />
      )}
    </FilteredList>
  );
}
