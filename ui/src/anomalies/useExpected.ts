import { useMemo } from 'react';
import { anomalyWatches } from '../api/anomalies';
import { queryRange, type Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { useAsked } from '../api/useAsked';
import type { ValueBand } from '../chart/marks';
import { bandsOf, limitsQuery } from './expected';

const NO_SERIES: readonly RangeSeries[] = [];

/** What was expected of the series of an expression, where that is wanted. */
export interface Expected {
  bands: readonly ValueBand[];
  /** It is known what is there. */
  ready: boolean;
  error: Error | null;
}

/** The bands of the series that are drawn of `expr`; without `byName` only where that itself is watched. */
export function useExpected(
  wanted: boolean,
  expr: string,
  series: readonly RangeSeries[],
  grid: Grid,
  byName = true,
): Expected {
  const watches = useAsked({
    key: ['anomaly watches'],
    ask: anomalyWatches,
    enabled: wanted,
    staleTime: 60_000,
  });
  const known = watches.data?.data;
  const query = useMemo(
    () => (known === undefined ? '' : limitsQuery(expr, series, known, byName)),
    [expr, series, known, byName],
  );
  const limits = useAsked({
    key: ['expected', query, grid],
    ask: async (asking) => {
      const { data } = await queryRange(query, grid, asking);
      return data.resultType === 'matrix' ? data.result : NO_SERIES;
    },
    enabled: wanted && query !== '',
    staleTime: Infinity,
    gcTime: 15_000,
    keep: true,
  });
  const found = limits.data ?? NO_SERIES;
  const bands = useMemo(
    () => (wanted && query !== '' ? bandsOf(series, found, grid) : []),
    [wanted, query, series, found, grid],
  );
  const ready = known !== undefined && (query === '' || limits.data !== undefined);
  return { bands, ready, error: wanted ? (watches.error ?? limits.error) : null };
}
