import { useCallback, useEffect, useRef, useState } from 'react';
import { logLines, tailLogs, type LogLine, type LogPage, type LogsAsked } from '../api/logs';
import { isAbort } from '../api/client';
import { useAsked } from '../api/useAsked';

const PAGE = 200;
const MOST_LINES = 20_000;
/** So many lines that came live are kept. */
export const MOST_LIVE = 2_000;
const AGAIN_MS = 2_000;

export interface Lines {
  lines: readonly LogLine[];
  error: Error | null;
  /** What the pages may lack, each said once. */
  warnings: readonly string[];
  /** Nothing has been answered yet. */
  pending: boolean;
  busy: boolean;
  /** There are older ones. */
  more: boolean;
  older: () => void;
}

interface Older {
  of: LogPage;
  lines: readonly LogLine[];
  cursor: string;
  error: Error | null;
  warnings: readonly string[];
}

const NO_PAGE: LogPage = { lines: [], cursor: '', warnings: [] };

/** The lines that meet a search, the newest first, page by page. */
export function useLines(asked: LogsAsked | null, tenant: string | null): Lines {
  const { data, error, isFetching, isPlaceholderData } = useAsked<LogPage>({
    key: ['logs', 'lines', asked],
    ask: (asking) => (asked ? logLines(asked, PAGE, '', asking) : Promise.resolve(NO_PAGE)),
    enabled: asked !== null,
    refetchOnWindowFocus: false,
    keep: true,
  });
  const [rest, setRest] = useState<Older | null>(null);
  const [loading, setLoading] = useState(false);
  const mine = rest !== null && rest.of === data ? rest : null;
  const cursor = mine ? mine.cursor : (data?.cursor ?? '');
  const lines = data ? (mine ? [...data.lines, ...mine.lines] : data.lines) : [];
  const more = cursor !== '' && lines.length < MOST_LINES && !isPlaceholderData;
  const older = useCallback(() => {
    if (!data || !asked || loading || cursor === '' || mine?.error) return;
    setLoading(true);
    const before = mine?.lines ?? [];
    const told = mine?.warnings ?? [];
    logLines(asked, PAGE, cursor, { tenant })
      .then((page) =>
        setRest({
          of: data,
          lines: [...before, ...page.lines],
          cursor: page.cursor,
          error: null,
          warnings: [...told, ...page.warnings],
        }),
      )
      .catch((failed: unknown) =>
        setRest({
          of: data,
          lines: before,
          cursor,
          error: failed instanceof Error ? failed : null,
          warnings: told,
        }),
      )
      .finally(() => setLoading(false));
  }, [asked, cursor, data, loading, mine, tenant]);
  return {
    lines,
    error: error ?? mine?.error ?? null,
    warnings: [...new Set([...(data?.warnings ?? []), ...(mine?.warnings ?? [])])],
    pending: data === undefined && error === null,
    busy: isFetching || loading,
    more,
    older,
  };
}

export interface Tail {
  lines: readonly LogLine[];
  /** So many more came and are not shown. */
  leftOut: number;
  error: Error | null;
}

const NOTHING: Tail = { lines: [], leftOut: 0, error: null };

/** The lines that come while `live`, the newest first. */
export function useTail(live: boolean, query: string, sinceMs: number, tenant: string | null): Tail {
  const [tail, setTail] = useState<Tail>(NOTHING);
  const key = `${live} ${query} ${sinceMs} ${tenant}`;
  const [of, setOf] = useState(key);
  if (of !== key) {
    setOf(key);
    setTail(NOTHING);
  }
  const told = useRef('');
  useEffect(() => {
    if (!live) return undefined;
    const ended = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    told.current = `${Math.ceil(sinceMs)}000000`;
    const follow = (): void => {
      tailLogs(query, told.current, tenant, ended.signal, ({ lines, left_out: leftOut }) =>
        setTail((now) => ({
          lines: [...lines, ...now.lines].slice(0, MOST_LIVE),
          leftOut: now.leftOut + leftOut + Math.max(now.lines.length + lines.length - MOST_LIVE, 0),
          error: null,
        })),
      )
        .then((until) => {
          told.current = until;
        })
        .catch((error: unknown) => {
          if (!isAbort(error) && !ended.signal.aborted)
            setTail((now) => ({ ...now, error: error instanceof Error ? error : new Error(String(error)) }));
        })
        .finally(() => {
          if (!ended.signal.aborted) timer = setTimeout(follow, AGAIN_MS);
        });
    };
    follow();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [live, query, sinceMs, tenant]);
  return tail;
}
