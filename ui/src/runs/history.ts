// A run among those of its workflow before it: bars of what they took, and the band that is usual.

import type { PastRun, RunState, Typical } from '../api/runs';

export interface HistoryBar {
  readonly runId: string;
  readonly state: RunState;
  readonly startMs: number | null;
  readonly durationMs: number | null;
  readonly version: string;
  /** From 0 to 1 of the height. */
  readonly height: number;
  readonly isOwn: boolean;
}

export interface HistoryView {
  /** The earliest first, the run itself last. */
  readonly bars: readonly HistoryBar[];
  /** What the full height stands for. */
  readonly topMs: number;
  /** Heights of the median and of the length that one in twenty exceeds; null where they are not known. */
  readonly median: number | null;
  readonly high: number | null;
}

const ROOM = 1.08;

/** Bars of the runs before and of the run itself. One that is far longer than all others is cut at five times the usual. */
export function layHistory(past: readonly PastRun[], own: PastRun, typical: Typical | null): HistoryView {
  const all = [...[...past].reverse(), own];
  const longest = all.reduce((most, { duration_ms: ms }) => Math.max(most, ms ?? 0), 0);
  const p50 = typical?.duration_p50_ms ?? null;
  const p95 = typical?.duration_p95_ms ?? null;
  const bound = p95 === null ? longest : Math.max(p95 * 5, own.duration_ms ?? 0);
  const topMs = Math.max(1, Math.max(Math.min(longest, bound), p95 ?? 0) * ROOM);
  const share = (ms: number | null): number => Math.min(1, (ms ?? 0) / topMs);
  return {
    bars: all.map((one, at) => ({
      runId: one.run_id,
      state: one.state,
      startMs: one.start_ms,
      durationMs: one.duration_ms,
      version: one.version,
      height: share(one.duration_ms),
      isOwn: at === all.length - 1,
    })),
    topMs,
    median: p50 === null ? null : share(p50),
    high: p95 === null ? null : share(p95),
  };
}

/** In which order a length stands among those before it, from 0 for the shortest to 1; null without any. */
export function rankOf(ms: number | null, past: readonly PastRun[]): number | null {
  const known = past.flatMap(({ duration_ms: one }) => one ?? []);
  if (ms === null || known.length === 0) return null;
  return known.filter((one) => one < ms).length / known.length;
}

export interface VersionFigures {
  readonly version: string;
  readonly runs: number;
  /** Of those that ended as somebody wants or does not; null without one. */
  readonly successRate: number | null;
  readonly medianMs: number | null;
}

/** How the versions among these runs did, in the order in which they come. */
export function byVersion(runs: readonly PastRun[]): readonly VersionFigures[] {
  const found = new Map<string, PastRun[]>();
  for (const run of runs) {
    const listed = found.get(run.version);
    if (listed) listed.push(run);
    else found.set(run.version, [run]);
  }
  return [...found].map(([version, listed]) => {
    const told = listed.filter(
      ({ state }) => state === 'succeeded' || state === 'failed' || state === 'timed_out',
    );
    const lengths = listed
      .flatMap(({ state, duration_ms: ms }) => (state === 'succeeded' && ms !== null ? [ms] : []))
      .sort((a, b) => a - b);
    return {
      version,
      runs: listed.length,
      successRate:
        told.length === 0 ? null : told.filter(({ state }) => state === 'succeeded').length / told.length,
      medianMs: lengths[Math.floor(lengths.length / 2)] ?? null,
    };
  });
}
