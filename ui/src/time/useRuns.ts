import { useDocumentVisibility } from '@mantine/hooks';
import { useCallback, useEffect, useState } from 'react';
import type { Address } from '../address/hooks';
import { REFRESH_EVENT } from '../shell/shortcuts';
import { isLive } from './range';

/** The instant that "now" means until the next run, and how to run again; runs by itself as the address says. */
export function useRuns({ range, refreshMs }: Address): { at: number; count: number; ask: () => void } {
  const visible = useDocumentVisibility() === 'visible';
  const [run, setRun] = useState(() => ({ at: Date.now(), count: 0 }));
  const ask = useCallback(() => setRun((now) => ({ at: Date.now(), count: now.count + 1 })), []);
  const live = isLive(range);
  useEffect(() => {
    if (!visible || !live || refreshMs === 0) return undefined;
    const timer = setInterval(ask, refreshMs);
    return () => clearInterval(timer);
  }, [visible, live, refreshMs, ask]);
  useEffect(() => {
    window.addEventListener(REFRESH_EVENT, ask);
    return () => window.removeEventListener(REFRESH_EVENT, ask);
  }, [ask]);
  return { ...run, ask };
}
