import type { ReactElement } from 'react';
import { Badge } from '../page/Badge';
import { countUndelivered } from './receivers';
import { useReceivers } from './useReceivers';

const BADGE_MS = 30_000;

/** How many messages reached nobody. */
export default function ReceiversBadge(): ReactElement {
  const answer = useReceivers(BADGE_MS);
  return (
    <Badge count={countUndelivered(answer.data?.data.receivers ?? [])} level="bad" label="not delivered" />
  );
}
