import type { UseQueryResult } from '@tanstack/react-query';
import { targets } from '../api/calls';
import type { Answer } from '../api/client';
import type { TargetsAnswer } from '../api/types';
import { useAsked } from '../api/useAsked';
import type { Badge } from '../page/offers';

const BADGE_MS = 30_000;

/** The targets that are scraped; asked once for all who show them. */
export function useTargets(refreshMs: number): UseQueryResult<Answer<TargetsAnswer>> {
  return useAsked({ key: ['targets'], ask: targets, refreshMs, structuralSharing: false });
}

/** How many targets are down. */
export function useTargetsBadge(): Badge | null {
  const answer = useTargets(BADGE_MS);
  const count = answer.data?.data.activeTargets.filter((target) => target.health === 'down').length ?? 0;
  return count === 0 ? null : { count, level: 'bad', label: 'down' };
}
