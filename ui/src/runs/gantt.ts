// Where the steps of a run stand on its time axis: what each attempt lasted, and what is still to come as far as the past
// tells. Pure: the present is an argument.

import type { RunState, RunStep, RunSummary } from '../api/runs';
import { isOver } from './state';

/** What the layout needs to know of a step. */
export type PlacedStep = Pick<
  RunStep,
  'id' | 'state' | 'depends_on' | 'start_ms' | 'end_ms' | 'queued_ms' | 'typical_ms' | 'attempt' | 'tries'
>;

/** A bar of a row; `toMs` is null for what is not over. */
export interface Bar {
  readonly attempt: number;
  readonly state: RunState;
  readonly fromMs: number;
  readonly toMs: number | null;
}

export interface Axis {
  readonly fromMs: number;
  readonly toMs: number;
}

const SLIVER_MS = 1;

/** The attempts of a step that began, the earliest first. */
export function barsOf(step: PlacedStep): readonly Bar[] {
  const tries = step.tries.flatMap(({ attempt, state, start_ms: from, end_ms: to }): Bar[] =>
    from === null ? [] : [{ attempt, state, fromMs: from, toMs: to ?? (isOver(state) ? from : null) }],
  );
  if (tries.length > 0) return tries.sort((a, b) => a.fromMs - b.fromMs || a.attempt - b.attempt);
  const { attempt, state, start_ms: from, end_ms: to } = step;
  if (from === null) return [];
  return [{ attempt, state, fromMs: from, toMs: to ?? (isOver(state) ? from : null) }];
}

/** When a step began first; null while it has not. */
export function beganMs(step: PlacedStep): number | null {
  return barsOf(step)[0]?.fromMs ?? null;
}

/** When a step was over, with all of its attempts; null while it is not, and for one that never ran. */
export function endedMs(step: PlacedStep): number | null {
  if (!isOver(step.state)) return null;
  const ends = barsOf(step).flatMap(({ toMs }) => toMs ?? []);
  return ends.length === 0 ? null : Math.max(...ends);
}

/** When a step is expected to run. */
export interface Forecast {
  readonly fromMs: number;
  readonly toMs: number;
}

/**
 * What is still to come, by the step's id: each runs once those are over that it waits for, as long as it does as a rule.
 * A step of which the past knows nothing, or that waits for such a one, is left out; so is a circle.
 */
export function forecast(steps: readonly PlacedStep[], nowMs: number): ReadonlyMap<string, Forecast> {
  const found = new Map<string, Forecast>();
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ends = new Map<string, number | null>();
  const waits = new Map<string, number>();
  const behind = new Map<string, string[]>();
  const before = (step: PlacedStep): string[] =>
    [...new Set(step.depends_on)].filter((id) => byId.has(id) && id !== step.id);
  for (const step of steps) {
    const awaited = before(step);
    waits.set(step.id, awaited.length);
    for (const id of awaited) {
      const listed = behind.get(id);
      if (listed) listed.push(step.id);
      else behind.set(id, [step.id]);
    }
  }
  const ready = steps.filter(({ id }) => waits.get(id) === 0);
  for (let at = 0; at < ready.length; at += 1) {
    const step = ready[at];
    if (step === undefined) break;
    const { expected, endMs } = expectOf(
      step,
      before(step).map((id) => ends.get(id) ?? null),
      nowMs,
    );
    if (expected !== null) found.set(step.id, expected);
    ends.set(step.id, endMs);
    for (const id of behind.get(step.id) ?? []) {
      const left = (waits.get(id) ?? 0) - 1;
      waits.set(id, left);
      const next = byId.get(id);
      if (left === 0 && next !== undefined) ready.push(next);
    }
  }
  return found;
}

function expectOf(
  step: PlacedStep,
  before: readonly (number | null)[],
  nowMs: number,
): { expected: Forecast | null; endMs: number | null } {
  if (isOver(step.state)) return { expected: null, endMs: endedMs(step) ?? nowMs };
  const began = step.start_ms;
  const known = before.flatMap((at) => at ?? []);
  if (step.typical_ms === null || (began === null && known.length < before.length))
    return { expected: null, endMs: null };
  const fromMs = began ?? Math.max(nowMs, ...known);
  // What takes longer than usual may be over at any moment.
  const toMs = Math.max(fromMs + step.typical_ms, nowMs);
  return { expected: { fromMs, toMs }, endMs: toMs };
}

/** From the run's begin to its end; of one that goes on to the present, or to what is expected if that is later. */
export function axisOf(
  run: Pick<RunSummary, 'start_ms' | 'end_ms' | 'is_over' | 'expected_end_ms'>,
  steps: readonly PlacedStep[],
  ahead: ReadonlyMap<string, Forecast>,
  nowMs: number,
): Axis {
  let fromMs = run.start_ms ?? Infinity;
  let toMs = run.is_over ? (run.end_ms ?? -Infinity) : nowMs;
  for (const step of steps)
    for (const bar of barsOf(step)) {
      fromMs = Math.min(fromMs, bar.fromMs);
      toMs = Math.max(toMs, bar.toMs ?? (run.is_over ? bar.fromMs : nowMs));
    }
  if (fromMs === Infinity) fromMs = nowMs;
  if (!run.is_over) {
    toMs = Math.max(toMs, run.expected_end_ms ?? toMs);
    for (const one of ahead.values()) toMs = Math.max(toMs, one.toMs);
  }
  return { fromMs, toMs: Math.max(toMs, fromMs + SLIVER_MS) };
}

/**
 * The steps that the run's length is due to, from its end back: the one that was over last, then of those it waited for
 * the one that was over last, and so on. Empty where no step waits for another.
 */
export function criticalSteps(steps: readonly PlacedStep[], nowMs: number): ReadonlySet<string> {
  const byId = new Map(steps.map((step) => [step.id, step]));
  const ends = new Map(
    steps.map((step) => [
      step.id,
      beganMs(step) === null ? -Infinity : (endedMs(step) ?? (isOver(step.state) ? -Infinity : nowMs)),
    ]),
  );
  const latest = (among: readonly PlacedStep[]): PlacedStep | undefined => {
    let last: PlacedStep | undefined;
    for (const one of among)
      if ((ends.get(one.id) ?? -Infinity) > (last ? (ends.get(last.id) ?? -Infinity) : -Infinity)) last = one;
    return last;
  };
  const found = new Set<string>();
  let at = latest(steps);
  while (at !== undefined && !found.has(at.id)) {
    found.add(at.id);
    at = latest(at.depends_on.flatMap((id) => byId.get(id) ?? []));
  }
  return found.size > 1 ? found : new Set();
}

/** Left edge and width of a stretch in shares of the axis; null where none of it is on it. */
export function placeOn(axis: Axis, fromMs: number, toMs: number): { left: number; width: number } | null {
  const scale = axis.toMs - axis.fromMs;
  const left = (fromMs - axis.fromMs) / scale;
  const right = (toMs - axis.fromMs) / scale;
  if (right < 0 || left > 1) return null;
  const cut = Math.max(0, left);
  return { left: cut, width: Math.max(0, Math.min(1, right) - cut) };
}
