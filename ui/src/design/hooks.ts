import { useDocumentVisibility } from '@mantine/hooks';
import { createContext, use, useEffect, useState } from 'react';

export { useScheme } from './scheme';

export interface PageClock {
  /** Times are shown in UTC instead of the browser's zone. */
  utc: boolean;
  setUtc: (utc: boolean) => void;
}

/** How times are shown on all pages; provided by the shell. */
export const PageClockContext = createContext<PageClock>({ utc: false, setUtc: () => undefined });

export function usePageClock(): PageClock {
  return use(PageClockContext);
}

/** The present in milliseconds, renewed every `everyMs` while the page is visible. */
export function useNow(everyMs: number): number {
  const [now, setNow] = useState(() => Date.now());
  const visible = useDocumentVisibility() === 'visible';
  useEffect(() => {
    if (!visible) return undefined;
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs, visible]);
  return now;
}
