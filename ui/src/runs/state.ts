// How it stands with runs, steps and workflows: words, looks, and what is said of their time. The present is an argument.

import type { RunState, RunSummary, Schedule, WorkflowState } from '../api/runs';
import { formatSeconds } from '../design/format';
import type { Status } from '../design/status';

interface Look {
  readonly name: string;
  readonly status: Status;
}

const LOOKS: Readonly<Record<WorkflowState, Look>> = {
  pending: { name: 'Pending', status: 'pending' },
  running: { name: 'Running', status: 'info' },
  paused: { name: 'Paused', status: 'acknowledged' },
  late: { name: 'Late', status: 'warning' },
  stuck: { name: 'Stuck', status: 'critical' },
  succeeded: { name: 'Succeeded', status: 'ok' },
  failed: { name: 'Failed', status: 'critical' },
  aborted: { name: 'Aborted', status: 'muted' },
  timed_out: { name: 'Timed out', status: 'critical' },
  skipped: { name: 'Skipped', status: 'no-data' },
  missing: { name: 'Missing', status: 'critical' },
  flapping: { name: 'Flapping', status: 'warning' },
  failing: { name: 'Failing', status: 'critical' },
};

/** What a state is called and how it looks; a server that is newer may know more of them. */
export function lookOf(state: string): Look {
  return (LOOKS as Readonly<Record<string, Look | undefined>>)[state] ?? { name: state, status: 'unknown' };
}

const OVER: ReadonlySet<RunState> = new Set(['succeeded', 'failed', 'aborted', 'timed_out', 'skipped']);

export function isOver(state: RunState): boolean {
  return OVER.has(state);
}

/** Whether it ended as nobody wants it. */
export function isFailure(state: RunState): boolean {
  return state === 'failed' || state === 'timed_out';
}

type Timed = Pick<RunSummary, 'is_over' | 'start_ms' | 'end_ms' | 'duration_ms' | 'expected_end_ms'>;

/** How long a run took, or takes by now; null before it began. */
export function elapsedMs(run: Timed, nowMs: number): number | null {
  if (run.start_ms === null) return run.is_over ? run.duration_ms : null;
  if (run.is_over)
    return run.duration_ms ?? (run.end_ms === null ? null : Math.max(0, run.end_ms - run.start_ms));
  return Math.max(0, nowMs - run.start_ms);
}

/** How far off something is, in words: `in 3m`, `now`, `2m ago`, or what `past` says instead. */
export function untilText(atMs: number, nowMs: number, past = 'ago'): string {
  const leftS = Math.round((atMs - nowMs) / 1000);
  if (Math.abs(leftS) < 1) return 'now';
  const text = formatSeconds(Math.abs(leftS), 2);
  return leftS > 0 ? `in ${text}` : `${text} ${past}`;
}

/** When a run is over, in words: `in 3m`, `2m late`; empty for what is over or not known. */
export function endingText(run: Timed, nowMs: number): string {
  if (run.is_over || run.expected_end_ms === null) return '';
  return untilText(run.expected_end_ms, nowMs, 'late');
}

/**
 * How far a run is, from 0 to 1: as the server says, and where it says it by time alone as far as the time is by now,
 * which is never all of it; null where nothing is known.
 */
export function progressOf(
  run: Timed & Pick<RunSummary, 'progress' | 'progress_from' | 'state'>,
  nowMs: number,
): number | null {
  if (run.state === 'succeeded') return 1;
  const { progress, progress_from: from, start_ms: start, expected_end_ms: end } = run;
  if (!run.is_over && from === 'history' && start !== null && end !== null && end > start)
    return Math.min(0.99, Math.max(0, (nowMs - start) / (end - start)));
  return progress === null ? null : Math.min(1, Math.max(0, progress));
}

/** How a length stands to the typical one, in words; empty where that is not known. */
export function againstTypical(ms: number | null, typicalMs: number | null): string {
  if (ms === null || typicalMs === null || typicalMs <= 0) return '';
  const ratio = ms / typicalMs;
  if (ratio > 0.9 && ratio < 1.1) return 'as long as usual';
  const usual = `the usual ${formatSeconds(typicalMs / 1000)}`;
  if (ratio >= 2) return `${ratio < 10 ? ratio.toPrecision(2) : Math.round(ratio)} × ${usual}`;
  return `${Math.round(Math.abs(ratio - 1) * 100)} % ${ratio > 1 ? 'longer' : 'shorter'} than ${usual}`;
}

/** When a workflow runs, in words; empty where it has no schedule. */
export function scheduleText(schedule: Schedule | null): string {
  if (schedule === null) return '';
  const { every_ms: every = 0, cron = '', timezone = '' } = schedule;
  if (cron !== '') return timezone === '' ? cron : `${cron} (${timezone})`;
  return every > 0 ? `every ${formatSeconds(every / 1000)}` : '';
}

const SYMBOLS: Readonly<Record<string, string>> = { usd: '$', eur: '€', gbp: '£' };

/** An amount with its unit: `$0.42`, `12 credits`. */
export function costText(cost: number | null, unit: string): string {
  if (cost === null) return '';
  const size = Math.abs(cost);
  const text =
    size !== 0 && size < 0.01
      ? cost.toPrecision(2)
      : cost.toLocaleString('en-US', { maximumFractionDigits: 2 });
  const symbol = SYMBOLS[unit.toLowerCase()];
  if (symbol !== undefined) return `${symbol}${text}`;
  return unit === '' ? text : `${text} ${unit}`;
}

/** A value that somebody sent, as text. */
export function plainText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** A length of time with its sign: `+1.2 s`, `−350 ms`, `same`. */
export function signedTime(ms: number): string {
  if (ms === 0) return 'same';
  return `${ms > 0 ? '+' : '−'}${formatSeconds(Math.abs(ms) / 1000)}`;
}
