import { useCallback, useEffect, useRef, useState } from 'react';
import { useTenant } from '../address/hooks';
import { tryChanges, type Dashboard, type DashboardModel, type Definitions } from '../api/dashboards';
import { isAbort } from '../api/client';
import { toasts } from '../design/toasts';
import type { JsonObject } from '../panels/json';
import { applied, withChange, type Change } from './draft';

export interface Draft {
  changes: readonly Change[];
  model: DashboardModel;
  /** What is saved, with the changes; undefined while nothing was changed. */
  document: JsonObject | undefined;
  /** Variables, annotations and links as the server read them last. */
  definitions: Definitions;
  change: (...next: readonly Change[]) => void;
  /** Takes the last change back. */
  undo: () => void;
  discard: () => void;
}

/** A typed text is tried once the reader pauses. */
const PAUSE_MS = 350;

/** What is added is shown once the server has said what it is, and whoever added it waits for that. */
function pauseMs(changes: readonly Change[]): number {
  return changes.at(-1)?.op === 'add_panel' ? 0 : PAUSE_MS;
}

/** The changes of `saved` that are not saved yet. */
export function useDraft(saved: Dashboard): Draft {
  const tenant = useTenant();
  const [state, setState] = useState<{
    changes: readonly Change[];
    model: DashboardModel;
    document: JsonObject | undefined;
    definitions: Definitions;
  }>({
    changes: [],
    model: saved.model,
    document: undefined,
    definitions: saved.definitions,
  });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const stop = useRef<AbortController>(undefined);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      stop.current?.abort();
    },
    [],
  );
  const tell = useCallback(
    (changes: readonly Change[]) => {
      clearTimeout(timer.current);
      stop.current?.abort();
      if (changes.length === 0) return;
      const control = new AbortController();
      stop.current = control;
      timer.current = setTimeout(() => {
        tryChanges({ document: saved.document, changes }, { tenant, signal: control.signal }).then(
          ({ document, model, definitions }) => setState({ changes, document, model, definitions }),
          (error: unknown) => {
            if (isAbort(error)) return;
            toasts.show({
              level: 'critical',
              text: `This cannot be changed: ${error instanceof Error ? error.message : String(error)}`,
            });
            // What the server refuses is not kept.
            setState((now) => ({ ...now, changes: now.changes.slice(0, -1) }));
          },
        );
      }, pauseMs(changes));
    },
    [saved.document, tenant],
  );
  const change = useCallback(
    (...next: readonly Change[]) => {
      const changes = next.reduce<readonly Change[]>(withChange, state.changes);
      setState({ ...state, changes, model: next.reduce(applied, state.model) });
      tell(changes);
    },
    [state, tell],
  );
  const reset = useCallback(
    (changes: readonly Change[]) => {
      const { model, definitions } = saved;
      setState({ changes, model: changes.reduce(applied, model), document: undefined, definitions });
      tell(changes);
    },
    [saved, tell],
  );
  return { ...state, change, undo: () => reset(state.changes.slice(0, -1)), discard: () => reset([]) };
}
