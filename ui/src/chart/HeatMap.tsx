import { useCallback, useMemo, type ReactElement } from 'react';
import { formatCount, formatInstant, formatValue, type Unit } from '../design/format';
import { usePageClock } from '../design/hooks';
import { bucketName, fullest, paintHeat, type HeatBucket } from './heat';
import { LaneChart, type LaneChartProps } from './LaneChart';

/** How many were in which bucket when; buckets from the lowest. */
export function HeatMap(
  props: Pick<LaneChartProps, 'times' | 'height' | 'range' | 'syncKey' | 'onZoom' | 'onZoomOut'> & {
    title: string;
    buckets: readonly HeatBucket[];
    /** Of the buckets' bounds. */
    unit: Unit;
  },
): ReactElement {
  const { title, buckets, unit, ...rest } = props;
  const { utc } = usePageClock();
  const { times } = rest;
  const lanes = useMemo(
    () =>
      buckets.map(({ lower, upper }) =>
        lower === -Infinity ? `≤ ${formatValue(upper, unit)}` : formatValue(lower, unit),
      ),
    [buckets, unit],
  );
  const paint = useCallback<LaneChartProps['paint']>(
    (plot, scheme) => paintHeat(plot, scheme, times, buckets),
    [times, buckets],
  );
  const tell = useCallback(
    (lane: number, at: number): string[] => {
      const bucket = buckets[lane];
      if (!bucket) return [];
      const count = bucket.counts[at] ?? null;
      return [
        formatInstant((times[at] ?? 0) * 1000, utc),
        bucketName(bucket, unit),
        count === null ? 'no value' : formatValue(count, 'count'),
      ];
    },
    [buckets, times, unit, utc],
  );
  return (
    <LaneChart
      {...rest}
      label={`${title}: heat map of ${buckets.length} buckets, at most ${formatCount(fullest(buckets))} in one`}
      lanes={lanes}
      edges
      paint={paint}
      tell={tell}
    />
  );
}
