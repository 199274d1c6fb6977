// Which traces of a picture are set against the rest: those in a part of it, the slowest, or those that failed.

import type { TraceFilters, TraceSummary } from '../api/traces';
import { beginMs } from './scatter';

/** A part of the picture: begins in milliseconds, durations in seconds, both ends included. */
export interface Box {
  readonly fromMs: number;
  readonly toMs: number;
  readonly leastS: number;
  readonly mostS: number;
}

export type Selection = 'slow' | 'failed' | Box;

/** The share of all that counts as the slowest. */
const SLOWEST = 0.1;
/** The newest so many are compared: their ids stand in the address of the question. */
const MOST_COMPARED = 200;

/** The selection as the address has it; null for none. */
export function readSelection(text: string | undefined): Selection | null {
  if (text === 'slow' || text === 'failed') return text;
  const [fromMs, toMs, leastS, mostS, ...more] = (text ?? '').split('_').map(Number);
  if (fromMs === undefined || toMs === undefined || leastS === undefined || mostS === undefined) return null;
  const isBox = more.length === 0 && fromMs < toMs && leastS < mostS;
  return isBox ? { fromMs, toMs, leastS, mostS } : null;
}

export function writeSelection(selection: Selection): string {
  if (typeof selection === 'string') return selection;
  const { fromMs, toMs, leastS, mostS } = selection;
  const seconds = (value: number): string => String(Number(value.toPrecision(4)));
  return [Math.floor(fromMs), Math.ceil(toMs), seconds(leastS), seconds(mostS)].join('_');
}

/** The traces that are selected. */
export function selectedOf(traces: readonly TraceSummary[], selection: Selection): readonly TraceSummary[] {
  if (selection === 'failed') return traces.filter(({ errors }) => errors > 0);
  if (selection === 'slow') {
    const count = Math.max(1, Math.round(traces.length * SLOWEST));
    return [...traces].sort((a, b) => b.duration_ns - a.duration_ns).slice(0, count);
  }
  const { fromMs, toMs, leastS, mostS } = selection;
  return traces.filter((trace) => {
    const [begin, seconds] = [beginMs(trace), trace.duration_ns / 1e9];
    return begin >= fromMs && begin <= toMs && seconds >= leastS && seconds <= mostS;
  });
}

/** Which spans of the traces are compared: those that begin them, or those that meet the filters. */
export type Compared = 'roots' | 'fitting';

function ofTraces(traces: readonly TraceSummary[]): string {
  return `trace_id:(${traces.map(({ trace_id: id }) => `"${id}"`).join(' OR ')})`;
}

/** What to ask for: the filters of all that is compared, and what the selected meet besides. */
export function questionOf(
  traces: readonly TraceSummary[],
  selection: Selection,
  filters: TraceFilters,
  compared: Compared,
): { filters: TraceFilters; selected: string; among: number; chosen: number } {
  const newest = traces.slice(0, MOST_COMPARED);
  const chosen = selectedOf(newest, selection);
  const all = ofTraces(newest);
  const wanted: TraceFilters =
    compared === 'roots'
      ? { query: `${all} NOT parent_id:*` }
      : { ...filters, query: filters.query === undefined ? all : `(${filters.query}) ${all}` };
  return { filters: wanted, selected: ofTraces(chosen), among: newest.length, chosen: chosen.length };
}
