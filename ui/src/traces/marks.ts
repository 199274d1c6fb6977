// Log lines of a trace on its timeline: each at the span that wrote it.

import type { TraceLogs, TraceRange, TraceView } from '../api/traces';

/** Around a trace its logs may begin and end so much earlier and later. */
const AROUND_S = 60;

/** The time in which a trace's log lines are looked for. */
export function logRange({ start_ns: start, duration_ns: duration }: TraceView): TraceRange {
  const beginS = Number(BigInt(start) / 1_000_000n) / 1000;
  return { start: Math.floor(beginS - AROUND_S), end: Math.ceil(beginS + duration / 1e9 + AROUND_S) };
}

export interface LogMark {
  /** Nanoseconds since the trace's begin. */
  readonly offset_ns: number;
  readonly level: string;
  readonly body: string;
}

/** The lines by the row of their span, the earliest first; one of no span here stands at the root. */
export function marksOf(
  view: Pick<TraceView, 'rows' | 'root' | 'start_ns'>,
  lines: TraceLogs['lines'],
): ReadonlyMap<number, readonly LogMark[]> {
  const rows = new Map(view.rows.map(({ span_id: id }, row) => [id, row]));
  const begin = BigInt(view.start_ns);
  const found = new Map<number, LogMark[]>();
  for (const { ts_ns: at, level, body, span_id: id } of lines) {
    const row = rows.get(id) ?? Math.max(0, view.root);
    const mark = { offset_ns: Number(BigInt(at) - begin), level, body };
    const before = found.get(row);
    if (before) before.push(mark);
    else found.set(row, [mark]);
  }
  for (const marks of found.values()) marks.sort((a, b) => a.offset_ns - b.offset_ns);
  return found;
}
