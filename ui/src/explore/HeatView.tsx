import { useMemo, type ReactElement } from 'react';
import type { Grid } from '../api/calls';
import type { RangeSeries } from '../api/types';
import { HeatMap } from '../chart/HeatMap';
import { formatCount, guessUnit, type Unit } from '../design/format';
import { EmptyState } from '../design/EmptyState';
import type { Span } from '../time/range';
import { heatOf, isOfBuckets, isStored } from './heat';
import { WhyEmpty } from './WhyEmpty';
import styles from './explore.module.css';

const LANE_PX = 16;
const LEAST_PX = 260;
const MOST_PX = 560;
const AROUND_PX = 40;

/** How many observations were in which bucket when, of all series of one range query together. */
export function HeatView(props: {
  title: string;
  series: readonly RangeSeries[];
  grid: Grid;
  span: Span;
  /** Of the bounds; null for what their name says. */
  unit: Unit | null;
  onZoom: (fromMs: number, toMs: number) => void;
  onZoomOut: () => void;
}): ReactElement {
  const { title, series, grid, span, unit, onZoom, onZoomOut } = props;
  const fits = isOfBuckets(series);
  const stored = isStored(title);
  const { times, buckets } = useMemo(
    () => (fits ? heatOf(series, grid, stored) : { times: [], buckets: [] }),
    [fits, series, grid, stored],
  );
  if (series.length === 0) return <WhyEmpty expr={title} span={span} />;
  if (!fits)
    return (
      <EmptyState reason="filtered" title="These are no buckets">
        A heat map shows native histograms, or series that differ by <code>le</code>: ask for a name that ends
        in _bucket.
      </EmptyState>
    );
  return (
    <>
      <p className={`dim ${styles.graphRemarks ?? ''}`}>
        {formatCount(series.length)} series together
        {stored ? ', what each step added' : ''}
      </p>
      <HeatMap
        title={title}
        times={times}
        buckets={buckets}
        unit={unit ?? guessUnit(`histogram_quantile(0.9, ${title})`)}
        height={Math.min(MOST_PX, Math.max(LEAST_PX, buckets.length * LANE_PX + AROUND_PX))}
        range={[span.fromMs / 1000, span.toMs / 1000]}
        syncKey="explore"
        onZoom={onZoom}
        onZoomOut={onZoomOut}
      />
    </>
  );
}
