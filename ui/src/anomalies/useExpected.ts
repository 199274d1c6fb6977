import { useMemo } from 'react';
import { anomalies, anomalyWatches, type Anomaly } from '../api/anomalies';
import { queryRange, type Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { useAsked } from '../api/useAsked';
import type { Annotation, ValueBand } from '../chart/marks';
import { bandsOf, limitsQuery, stretchesOf } from './expected';

const NO_SERIES: readonly RangeSeries[] = [];
const NONE: readonly Anomaly[] = [];
/** So many anomalies of a time are looked at. */
const MOST = 200;

/** What was expected of the series of an expression, where that is wanted. */
export interface Expected {
  bands: readonly ValueBand[];
  /** When they were otherwise. */
  stretches: readonly Annotation[];
  /** It is known what is there. */
  ready: boolean;
  error: Error | null;
}

/** The bands of the series that are drawn of `expr`, and when they left them; without `byName` only where that itself is watched. */
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
  const unusual = useAsked({
    key: ['unusual', grid.start, grid.end],
    ask: async (asking) => {
      const span = { from: grid.start * 1000, to: grid.end * 1000 };
      return (await anomalies({ ...span, bare: true, limit: MOST }, asking)).data.anomalies;
    },
    enabled: wanted && found.length > 0,
    staleTime: Infinity,
    gcTime: 15_000,
    keep: true,
  });
  const bands = useMemo(
    () => (wanted && query !== '' ? bandsOf(series, found, grid) : []),
    [wanted, query, series, found, grid],
  );
  const stretches = useMemo(
    () => (wanted && query !== '' ? stretchesOf(series, found, unusual.data ?? NONE, grid.end * 1000) : []),
    [wanted, query, series, found, unusual.data, grid.end],
  );
  const ready = known !== undefined && (query === '' || limits.data !== undefined);
  const error = watches.error ?? limits.error ?? unusual.error;
  return { bands, stretches, ready, error: wanted ? error : null };
}
