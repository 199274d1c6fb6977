import { useCallback, useEffect, useRef } from 'react';
import type { DashboardModel } from '../api/dashboards';
import type { Change } from './draft';
import type { Draft } from './useDraft';

function numbersOf(model: DashboardModel): ReadonlySet<number> {
  const panels = model.tabs.flatMap(({ rows }) => rows.flatMap((row) => row.panels));
  return new Set(panels.flatMap(({ id }) => (id === null ? [] : [id])));
}

/**
 * Adds a panel to a draft and tells its number, which the server gives it. Of a panel that is refused or taken back
 * before that nothing is told.
 */
export function useAdded(draft: Draft, onAdded: (id: number) => void): (change: Change) => void {
  const waiting = useRef<{ change: Change; before: ReadonlySet<number> } | null>(null);
  const { changes, model, change: put } = draft;
  useEffect(() => {
    if (waiting.current === null) return;
    const { change, before } = waiting.current;
    if (!changes.includes(change)) {
      waiting.current = null;
      return;
    }
    const [id] = [...numbersOf(model)].filter((one) => !before.has(one));
    if (id === undefined) return;
    waiting.current = null;
    onAdded(id);
  }, [changes, model, onAdded]);
  return useCallback(
    (change) => {
      waiting.current = { change, before: numbersOf(model) };
      put(change);
    },
    [model, put],
  );
}
