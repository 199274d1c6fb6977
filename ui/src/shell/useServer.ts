import { useQueryClient } from '@tanstack/react-query';
import { useEffect, useRef } from 'react';
import { buildInfo, health } from '../api/calls';
import { useAsked } from '../api/useAsked';
import { toasts } from '../design/toasts';

export type ServerState = 'asking' | 'ready' | 'starting' | 'unhealthy' | 'gone';

/** How each state is shown. */
export const STATES: Readonly<Record<ServerState, { dot: string; text: string }>> = {
  asking: { dot: '', text: 'Asking…' },
  ready: { dot: 'good', text: 'Healthy, ready' },
  starting: { dot: 'warn', text: 'Not ready yet' },
  unhealthy: { dot: 'bad', text: 'Unhealthy' },
  gone: { dot: 'bad', text: 'Not answering' },
};

export interface Server {
  state: ServerState;
  version: string | null;
  /** Asks again at once. */
  retry: () => void;
}

const CALM_MS = 5_000;
const WORRIED_MS = 1_500;

/** Watches the server; when it comes back, everything on the page is asked anew. */
export function useServer(): Server {
  const client = useQueryClient();
  const check = useAsked({
    key: ['health'],
    ask: ({ signal }) => health(signal),
    retry: false,
    refetchInterval: (query) =>
      query.state.status === 'error' || query.state.data?.ready === false ? WORRIED_MS : CALM_MS,
  });
  const gone = check.isError;
  const build = useAsked({
    key: ['buildinfo'],
    ask: buildInfo,
    staleTime: 60_000,
  });
  const wasGone = useRef(false);
  useEffect(() => {
    if (wasGone.current && !gone) {
      toasts.show({ level: 'ok', text: 'The server answers again.' });
      void client.invalidateQueries({ predicate: (query) => query.queryKey[1] !== 'health' });
    }
    wasGone.current = gone;
  }, [gone, client]);

  let state: ServerState = 'asking';
  if (gone) state = 'gone';
  else if (check.data) state = check.data.healthy ? (check.data.ready ? 'ready' : 'starting') : 'unhealthy';
  return {
    state,
    version: build.data?.data.pharosVersion ?? build.data?.data.version ?? null,
    retry: () => void check.refetch(),
  };
}
