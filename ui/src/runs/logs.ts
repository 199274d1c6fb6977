// Which log lines are a run's, or one of its steps'.

import type { RunStep, RunView } from '../api/runs';

export interface LinesAsked {
  readonly query: string;
  readonly fromMs: number;
  /** Null for up to now. */
  readonly toMs: number | null;
}

/** Lines may be written a little before a run says that it begins, and after it says that it ended. */
const AROUND_MS = 5_000;
const AFTER_MS = 30_000;

/** What finds them; null where nothing ties lines to the run, or the step did not begin. */
export function logsAsked(view: RunView, step: RunStep | null, isOver: boolean): LinesAsked | null {
  const { logs_query: query, start_ms: start, end_ms: end } = view.links;
  const own = step !== null && step.trace_id !== '' && step.span_id !== '';
  const stepQuery = own ? `trace_id:${step.trace_id} span_id:${step.span_id}` : query;
  const fromMs = step === null ? (start ?? view.run.start_ms ?? view.run.queued_ms) : firstMs(step);
  if (stepQuery === '' || fromMs === null) return null;
  const toMs = step === null ? (isOver ? (end ?? view.run.end_ms) : null) : step.end_ms;
  return {
    query: stepQuery,
    fromMs: fromMs - AROUND_MS,
    toMs: toMs === null ? null : toMs + (step === null ? AFTER_MS : AROUND_MS),
  };
}

function firstMs(step: RunStep): number | null {
  const begins = step.tries.flatMap(({ start_ms: at }) => at ?? []);
  return begins.length === 0 ? step.start_ms : Math.min(...begins);
}
