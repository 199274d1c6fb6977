import { useEffect, useState } from 'react';
import { useTenant } from '../address/hooks';
import { ApiError, isAbort } from '../api/client';
import { followRuns, type RunSummary } from '../api/runs';
import { withChanges, type Fresh } from './changes';

const AGAIN_MS = 1_000;
const FAILED_MS = 10_000;
const NONE: Fresh = new Map();

interface Told {
  /** Of whom and of what this was told. */
  readonly of: string;
  readonly fresh: Fresh;
  /** What came last; empty for the first message, which tells of all that is live. */
  readonly changed: readonly RunSummary[];
}

/** Runs as they change, while `enabled`; the server is asked again when it has ended the stream. */
export function useFeed(
  what: { workflow?: string | undefined; run_id?: string | undefined },
  enabled: boolean,
): Pick<Told, 'fresh' | 'changed'> {
  const tenant = useTenant();
  const { workflow, run_id: runId } = what;
  const of = JSON.stringify([tenant, workflow, runId]);
  const [told, setTold] = useState<Told>({ of, fresh: NONE, changed: [] });
  useEffect(() => {
    if (!enabled) return undefined;
    const end = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const follow = async (): Promise<void> => {
      let first = true;
      let againMs = AGAIN_MS;
      try {
        await followRuns({ workflow, run_id: runId }, { tenant, signal: end.signal }, ({ runs }) => {
          const isFirst = first;
          first = false;
          setTold((before) => ({
            of,
            fresh: withChanges(before.of === of ? before.fresh : NONE, runs),
            changed: isFirst ? [] : runs,
          }));
        });
      } catch (error) {
        // What is refused once is refused again; the pages ask from time to time besides.
        if (isAbort(error) || (error instanceof ApiError && error.kind === 'refused')) return;
        againMs = FAILED_MS;
      }
      if (!end.signal.aborted) timer = setTimeout(() => void follow(), againMs);
    };
    void follow();
    return () => {
      end.abort();
      clearTimeout(timer);
    };
  }, [tenant, workflow, runId, of, enabled]);
  return told.of === of ? told : { fresh: NONE, changed: [] };
}
