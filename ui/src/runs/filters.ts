// What a list of runs is narrowed by: how the address says it, and what the server is asked.

import type { Search } from '../address/context';
import type { RunFilters } from '../api/runs';

/** The states that are chosen together, by what stands in the address. */
export const VIEWS = [
  { id: '', name: 'All', state: '' },
  { id: 'live', name: 'Live', state: 'live' },
  { id: 'late', name: 'Late', state: 'late,stuck' },
  { id: 'failed', name: 'Failed', state: 'failed,timed_out' },
  { id: 'succeeded', name: 'Succeeded', state: 'succeeded' },
  { id: 'aborted', name: 'Aborted', state: 'aborted' },
] as const;

export const FIELDS = ['owner', 'version', 'node', 'engine'] as const;

export type Field = (typeof FIELDS)[number];

/** Every parameter of the address that narrows the list. */
export const NARROWING = ['workflow', 'state', 'query', 'parent', ...FIELDS] as const;

/** The filters that an address says, with its state as the server names it. */
export function readFilters(search: Search): RunFilters {
  const view = VIEWS.find(({ id }) => id === search.state);
  const pairs = NARROWING.map((name) => [name, search[name] || undefined] as const);
  return { ...Object.fromEntries(pairs), state: (view ? view.state : search.state) || undefined };
}

/** Whether anything is left out. */
export function isNarrowed(filters: RunFilters): boolean {
  return Object.values(filters).some((value) => value !== undefined);
}

/** An address without anything that narrows. */
export const WIDE: Search = Object.fromEntries(NARROWING.map((name) => [name, undefined]));
