import type { UseQueryResult } from '@tanstack/react-query';
import { targets } from '../api/calls';
import type { Answer } from '../api/client';
import type { TargetsAnswer } from '../api/types';
import { useAsked } from '../api/useAsked';

/** The targets that are scraped; asked once for all who show them. */
export function useTargets(refreshMs: number): UseQueryResult<Answer<TargetsAnswer>> {
  return useAsked({ key: ['targets'], ask: targets, refreshMs, structuralSharing: false });
}
