import type { ReactElement } from 'react';
import { Badge } from '../page/Badge';
import { useTargets } from './useTargets';

const BADGE_MS = 30_000;

/** How many targets are down. */
export default function TargetsBadge(): ReactElement {
  const answer = useTargets(BADGE_MS);
  const down = answer.data?.data.activeTargets.filter(({ health }) => health === 'down') ?? [];
  return <Badge count={down.length} level="bad" label="down" />;
}
