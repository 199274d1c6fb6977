import type { UseQueryResult } from '@tanstack/react-query';
import { useAddress } from '../address/hooks';
import { ApiError } from '../api/client';
import { useAsked } from '../api/useAsked';
import { usePageClock } from '../design/hooks';
import { resolveRange } from '../time/range';
import { loadHosts, type SeenHosts } from './load';

/** All hosts in the time of the address; asked once for all who show them. */
export function useHosts(): UseQueryResult<SeenHosts> {
  const { range, refreshMs } = useAddress();
  const { utc } = usePageClock();
  return useAsked({
    key: ['hosts', range.from, range.to, utc],
    ask: (asking) => {
      const span = resolveRange(range, Date.now(), utc);
      if (typeof span === 'string') throw new ApiError('refused', `The time range is not valid: ${span}.`);
      return loadHosts(span, asking);
    },
    refreshMs,
    keep: true,
  });
}
