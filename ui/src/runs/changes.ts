// A list of runs as it goes on: what the server tells of runs that change is laid over what was read.

import type { RunSummary } from '../api/runs';

/** The newest state of runs by their id. */
export type Fresh = ReadonlyMap<string, RunSummary>;

/** With what has just been told; `most` of them are kept, the newest. */
export function withChanges(fresh: Fresh, runs: readonly RunSummary[], most = 2_000): Fresh {
  const next = new Map(fresh);
  for (const run of runs) {
    next.delete(run.run_id);
    next.set(run.run_id, run);
  }
  for (const id of next.keys()) {
    if (next.size <= most) break;
    next.delete(id);
  }
  return next;
}

function heardMs(run: RunSummary): number {
  return Math.max(run.last_heard_ms ?? 0, run.end_ms ?? 0);
}

/** The runs that were read, each as it was told of last; what was told before it was read counts no more. */
export function refreshed(runs: readonly RunSummary[], fresh: Fresh): readonly RunSummary[] {
  return runs.map((run) => {
    const told = fresh.get(run.run_id);
    return told !== undefined && heardMs(told) >= heardMs(run) ? told : run;
  });
}

/** Whether something changed that the list does not have: then it is asked anew. */
export function hasStrangers(runs: readonly RunSummary[], changed: readonly RunSummary[]): boolean {
  const known = new Set(runs.map(({ run_id: id }) => id));
  return changed.some(({ run_id: id }) => !known.has(id));
}
