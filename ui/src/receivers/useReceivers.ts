import type { UseQueryResult } from '@tanstack/react-query';
import type { Answer } from '../api/client';
import { receivers, type Receiver } from '../api/receivers';
import { useAsked } from '../api/useAsked';

/** Who is told of alerts and how that goes; asked once for all who show it. */
export function useReceivers(refreshMs: number): UseQueryResult<Answer<{ receivers: readonly Receiver[] }>> {
  return useAsked({ key: ['receivers'], ask: receivers, refreshMs });
}
