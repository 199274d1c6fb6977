// What the Logs page shows and how it is written in the address, beside the context that every page has there.

import type { Search } from '../address/context';
import { SINCES, type Since } from './templates';

export type LogsView = 'lines' | 'patterns';

export interface LogsState {
  query: string;
  /** The field by whose values the histogram is stacked. */
  by: string;
  /** Fields that have a column of their own. */
  columns: readonly string[];
  view: LogsView;
  /** New lines are shown as they come. */
  live: boolean;
  /** A line that a link names, by its origin and time: it is shown opened. Empty for none. */
  line: string;
  /** The time that patterns are compared with; null for none. */
  since: Since | null;
}

export const BY_LEVEL = 'level';
const MOST_COLUMNS = 8;

/** The state that search parameters describe; what is missing or nonsense becomes the default. */
export function readState(search: Search): LogsState {
  const columns = (search.cols ?? 'service').split(',').filter((name) => name !== '');
  return {
    query: search.q ?? '',
    by: search.by || BY_LEVEL,
    columns: [...new Set(columns)].slice(0, MOST_COLUMNS),
    view: search.view === 'patterns' ? 'patterns' : 'lines',
    live: search.live === '1',
    line: search.line ?? '',
    since: SINCES.find((one) => one === search.since) ?? null,
  };
}

/** A change of the state as search parameters; defaults are left out of the address. */
export function writeState(change: Partial<LogsState>): Search {
  const { query, by, columns, view, live, line, since } = change;
  const cols = columns?.join(',');
  return {
    ...(query === undefined ? {} : { q: query || undefined }),
    ...(by === undefined ? {} : { by: by === BY_LEVEL ? undefined : by }),
    ...(cols === undefined ? {} : { cols: cols === 'service' ? undefined : cols }),
    ...(view === undefined ? {} : { view: view === 'lines' ? undefined : view }),
    ...(live === undefined ? {} : { live: live ? '1' : undefined }),
    ...(line === undefined ? {} : { line: line || undefined }),
    ...(since === undefined ? {} : { since: since ?? undefined }),
  };
}
