import { useCallback, useEffect, useMemo, useRef, useSyncExternalStore } from 'react';
import { useTenant } from '../address/hooks';
import type { Question } from '../api/dashboards';
import { askDashboard, OWN } from '../api/dashboardLines';
import { Board, type Frame, type PanelState } from './board';

type Base = Omit<Question, 'include' | 'panels' | 'refresh_variables'>;

/**
 * The board of one dashboard, asked whenever the question changes. A change of time alone asks for panels only.
 * Null waits.
 */
export function useBoard(base: Base | null, path = OWN): Board {
  const tenant = useTenant();
  const board = useMemo(
    () => new Board((question, asking, onLine) => askDashboard(path, question, asking, onLine)),
    [path],
  );
  const lastKey = useRef('');
  const key =
    base === null
      ? ''
      : JSON.stringify([
          tenant,
          base.uid,
          base.version,
          base.variables,
          base.collapsed,
          base.tab,
          base.custom,
          base.timezone,
        ]);
  const lastDocument = useRef<unknown>(undefined);
  useEffect(() => {
    if (base === null) return;
    const layout = key !== lastKey.current || base.document !== lastDocument.current;
    lastKey.current = key;
    lastDocument.current = base.document;
    board.ask(base, { tenant }, layout);
  }, [board, base, key, tenant]);
  useEffect(() => {
    lastKey.current = '';
    return () => board.end();
  }, [board]);
  return board;
}

export function useFrame(board: Board): Frame {
  return useSyncExternalStore(
    useCallback((listener) => board.listen('', listener), [board]),
    () => board.frameNow(),
  );
}

export function usePanelState(board: Board, key: string): PanelState {
  return useSyncExternalStore(
    useCallback((listener) => board.listen(key, listener), [board, key]),
    () => board.panelNow(key),
  );
}
