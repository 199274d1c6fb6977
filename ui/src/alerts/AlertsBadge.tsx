import type { ReactElement } from 'react';
import { Badge } from '../page/Badge';
import { countViews } from './alerts';
import { useAlerts } from './useAlerts';

const BADGE_MS = 15_000;

/** How many alerts burn. */
export default function AlertsBadge(): ReactElement {
  const answer = useAlerts(BADGE_MS);
  return <Badge count={countViews(answer.data?.data.alerts ?? []).burning} level="bad" label="burning" />;
}
