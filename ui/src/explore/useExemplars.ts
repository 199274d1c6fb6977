import { useMemo } from 'react';
import { exemplars } from '../api/related';
import type { SeriesExemplars } from '../api/types';
import { useAsked } from '../api/useAsked';
import type { PointMark } from '../chart/marks';
import { useMay } from '../session/session';
import type { Span } from '../time/range';
import { pointsOf } from './exemplars';

const NONE: readonly SeriesExemplars[] = [];
const everything = (): boolean => true;

/** The exemplars of what is drawn, as points; without an expression none. `isMeant` chooses among its series. */
export function useExemplars(
  expr: string,
  span: Span,
  isMeant: (labels: SeriesExemplars['seriesLabels']) => boolean = everything,
): { points: readonly PointMark[]; error: Error | null } {
  const may = useMay();
  const range = { start: span.fromMs / 1000, end: span.toMs / 1000 };
  const { data = NONE, error } = useAsked({
    key: ['exemplars', expr, range],
    ask: (asking) => exemplars(expr, range, asking),
    // Who may not see traces has no use for what leads there.
    enabled: expr !== '' && may('traces.view'),
    refetchOnWindowFocus: false,
    staleTime: Infinity,
    gcTime: 15_000,
    keep: true,
    retry: false,
  });
  const { fromMs, toMs } = span;
  const points = useMemo(
    () =>
      pointsOf(
        data.filter(({ seriesLabels }) => isMeant(seriesLabels)),
        { fromMs, toMs },
      ),
    [data, fromMs, toMs, isMeant],
  );
  return { points, error };
}
