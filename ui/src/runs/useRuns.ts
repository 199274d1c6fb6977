import { useEffect, useMemo, useRef, useState } from 'react';
import { useAddress } from '../address/hooks';
import {
  listRuns,
  runStatistics,
  type Grouping,
  type RunFilters,
  type RunPage,
  type RunRange,
  type RunSummary,
} from '../api/runs';
import { useAsked } from '../api/useAsked';
import { useNow, usePageClock } from '../design/hooks';
import { resolveRange } from '../time/range';
import { hasStrangers, refreshed } from './changes';
import { useFeed } from './useFeed';

const PAGE = 200;
/** A list that lacks a run that changes is asked anew so often at most. */
const ANEW_MS = 5_000;
const NO_RUNS: readonly RunSummary[] = [];

interface Read {
  readonly page: RunPage;
  readonly range: RunRange;
}

interface Older {
  readonly of: string;
  readonly runs: readonly RunSummary[];
  readonly cursor: string | null;
  readonly busy: boolean;
  readonly error: Error | null;
}

/** The page's range: as text for keys, in milliseconds as of now, and what is wrong with it in words. */
export function useRange(): { text: string; resolve: () => RunRange; fault: string | null } {
  const { range } = useAddress();
  const { utc } = usePageClock();
  const now = useNow(60_000);
  const read = resolveRange(range, now, utc);
  const resolve = (): RunRange => {
    const found = resolveRange(range, Date.now(), utc);
    if (typeof found === 'string') throw new Error(found);
    return { start: Math.floor(found.fromMs), end: Math.ceil(found.toMs) };
  };
  return {
    text: `${range.from} ${range.to} ${utc ? 'utc' : ''}`,
    resolve,
    fault: typeof read === 'string' ? read : null,
  };
}

/**
 * The runs of the page's range that meet `filters`, the newest first, with what changes while it is looked at. Once older
 * ones are read too the list stays as it is, but for the states of its runs.
 */
export function useRuns(filters: RunFilters) {
  const { refreshMs, tenant } = useAddress();
  const { text, resolve, fault } = useRange();
  const of = JSON.stringify([tenant, filters, text]);
  const [kept, setKept] = useState<Older>({ of, runs: NO_RUNS, cursor: null, busy: false, error: null });
  const older = kept.of === of ? kept : { of, runs: NO_RUNS, cursor: null, busy: false, error: null };
  const isFixed = older.runs.length > 0;
  const answer = useAsked<Read>({
    key: ['runs', filters, text],
    ask: async (asking) => {
      const range = resolve();
      return { page: (await listRuns(filters, range, { limit: PAGE }, asking)).data, range };
    },
    enabled: fault === null,
    refreshMs: isFixed ? 0 : refreshMs,
    refetchOnWindowFocus: !isFixed,
  });
  const { fresh, changed } = useFeed({ workflow: filters.workflow }, refreshMs > 0 && fault === null);
  const read = answer.data;
  const runs = useMemo(() => {
    const first = read?.page.runs ?? NO_RUNS;
    const known = new Set(first.map(({ run_id: id }) => id));
    return refreshed([...first, ...older.runs.filter(({ run_id: id }) => !known.has(id))], fresh);
  }, [read, older.runs, fresh]);
  const { refetch } = answer;
  const askedMs = useRef(0);
  const isStrange = changed.length > 0 && !isFixed && read !== undefined && hasStrangers(runs, changed);
  useEffect(() => {
    if (!isStrange || Date.now() - askedMs.current < ANEW_MS) return;
    askedMs.current = Date.now();
    void refetch();
  }, [changed, isStrange, refetch]);
  const cursor = older.cursor ?? read?.page.cursor ?? '';
  const readOlder = async (): Promise<void> => {
    if (read === undefined || cursor === '' || older.busy) return;
    const put = (next: Partial<Older>): void =>
      setKept((before) => (before.of === of ? { ...before, ...next } : before));
    setKept({ ...older, busy: true, error: null });
    try {
      const { data } = await listRuns(filters, read.range, { limit: PAGE, cursor }, { tenant });
      put({ runs: [...older.runs, ...data.runs], cursor: data.cursor, busy: false });
    } catch (error) {
      put({ busy: false, error: error instanceof Error ? error : new Error(String(error)) });
    }
  };
  const anew = (): void => {
    setKept({ of, runs: NO_RUNS, cursor: null, busy: false, error: null });
    void refetch();
  };
  return {
    runs,
    fault,
    live: read?.page.live ?? null,
    fresh,
    isPending: answer.isPending,
    isFetching: answer.isFetching,
    error: answer.error,
    asOfMs: answer.dataUpdatedAt,
    hasOlder: cursor !== '',
    older: { busy: older.busy, error: older.error, read: readOlder },
    anew,
  };
}

/** The figures of the runs of the page's range that meet `filters`. */
export function useStatistics(filters: RunFilters, by: Grouping = 'workflow') {
  const { refreshMs } = useAddress();
  const { text, resolve, fault } = useRange();
  return useAsked({
    key: ['run statistics', filters, by, text],
    ask: async (asking) => (await runStatistics(filters, resolve(), by, asking)).data,
    enabled: fault === null,
    refreshMs,
    keep: true,
  });
}

/** Whether there is any run at all, however long ago; asked only when a page would say that there is none. */
export function useAnyRun(wanted: boolean) {
  return useAsked({
    key: ['any run'],
    ask: async (asking) =>
      (await listRuns({}, { start: 0, end: Date.now() }, { limit: 1 }, asking)).data.runs.length > 0,
    enabled: wanted,
  });
}
