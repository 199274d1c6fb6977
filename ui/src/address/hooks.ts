import { useNavigate, useRouterState, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { contextOf, readContext, writeContext, type Context, type Search } from './context';
import { defaultsOf, pageAt, type PageId } from './places';

export interface Address extends Context {
  page: PageId | undefined;
  path: string;
  search: Search;
  /** Changes the context and stays on the page. */
  change: (change: Partial<Omit<Context, 'ranged'>>, replace?: boolean) => void;
  /** Changes parameters of the page itself. */
  setOwn: (own: Search, replace?: boolean) => void;
}

/** What the address says, and how to change it. */
export function useAddress(): Address {
  const search: Search = useSearch({ strict: false });
  const path = useRouterState({ select: (state) => state.location.pathname });
  const navigate = useNavigate();
  const page = pageAt(path);
  const context = useMemo(() => readContext(search, defaultsOf(page ?? 'explore')), [search, page]);
  const setOwn = useCallback(
    (own: Search, replace = false) =>
      void navigate({ to: '.', search: (before: Search): Search => ({ ...before, ...own }), replace }),
    [navigate],
  );
  const change = useCallback(
    (next: Partial<Omit<Context, 'ranged'>>, replace = false) => setOwn(writeContext(next), replace),
    [setOwn],
  );
  return useMemo(
    () => ({ ...context, page, path, search, change, setOwn }),
    [context, page, path, search, change, setOwn],
  );
}

/** Whose data the page shows. */
export function useTenant(): string | null {
  return useAddress().tenant;
}

/** The search of a link: `own` parameters of the page it leads to, and the context of the page it stands on. */
export function useCarried(own: Search): Search {
  const search: Search = useSearch({ strict: false });
  return { ...own, ...contextOf(search), ...contextOf(own) };
}
