import type { UseQueryResult } from '@tanstack/react-query';
import { alerts, type AlertView } from '../api/alerts';
import type { Answer } from '../api/client';
import { useAsked } from '../api/useAsked';

/** The alerts of the tenant, those held back too; asked once for all who show them. */
export function useAlerts(
  refreshMs: number,
  enabled = true,
): UseQueryResult<Answer<{ alerts: readonly AlertView[] }>> {
  return useAsked({ key: ['alerts'], ask: alerts, refreshMs, enabled });
}
