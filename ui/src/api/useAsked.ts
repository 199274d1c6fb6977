import { QueryClient, useQuery, type UseQueryOptions, type UseQueryResult } from '@tanstack/react-query';
import { useTenant } from '../address/hooks';
import { ApiError, type Asking } from './client';

/** After a failure asks seldom: the shell notices when the server is back and has everything asked anew. */
const FAILED_MS = 20_000;

/** Where every page keeps what it was answered; how often a failed question is asked again is decided here alone. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        // The health check is what notices a lost server and asks again; retrying every query would only pile up.
        retry: (count, error) => count < 1 && error instanceof ApiError && error.kind === 'network',
        retryDelay: 500,
        refetchOnWindowFocus: true,
        staleTime: 2_000,
        networkMode: 'always',
      },
    },
  });
}

/** Ends every question that is asked again by itself: nobody looks, and the next one comes when somebody does. */
export function cancelLive(client: QueryClient): void {
  void client.cancelQueries({ predicate: (query) => query.meta?.live === true });
}

type Kept = 'enabled' | 'staleTime' | 'gcTime' | 'retry' | 'structuralSharing';

export interface Asked<T> extends Pick<
  UseQueryOptions<T>,
  Kept | 'refetchOnWindowFocus' | 'refetchInterval'
> {
  /** What the answer depends on, the tenant aside. */
  key: readonly unknown[];
  ask: (asking: Asking, key: readonly unknown[]) => Promise<T>;
  /** Asks again so often, while the page is seen; 0, or left out, for never. */
  refreshMs?: number;
  /** The last answer stays while another one is awaited, as long as it is of the same tenant. */
  keep?: boolean;
}

/** What the server answers for the tenant of the page; answers of different tenants never meet. */
export function useAsked<T>({
  key,
  ask,
  refreshMs = 0,
  keep = false,
  ...options
}: Asked<T>): UseQueryResult<T> {
  const tenant = useTenant();
  // What stays on the page must be of the tenant that is named above it.
  const sameTenants = (last: T | undefined, query: { queryKey: readonly unknown[] } | undefined) =>
    query?.queryKey[0] === tenant ? last : undefined;
  return useQuery<T>({
    queryKey: [tenant, ...key],
    queryFn: ({ signal, queryKey }) => ask({ tenant, signal }, queryKey),
    refetchInterval: (query) => {
      if (refreshMs === 0) return false;
      return query.state.status === 'error' ? Math.max(refreshMs, FAILED_MS) : refreshMs;
    },
    ...(keep ? { placeholderData: sameTenants as UseQueryOptions<T>['placeholderData'] } : {}),
    meta: { live: refreshMs > 0 },
    ...options,
  });
}
