import { useCallback, useMemo, type ReactElement } from 'react';
import { fullest, paintHeat } from '../../chart/heat';
import { LaneChart, type LaneChartProps } from '../../chart/LaneChart';
import { formatCount, formatInstant } from '../../design/format';
import { usePageClock } from '../../design/hooks';
import { usePanelPage, type KindProps } from '../context';
import { numberAt, textAt } from '../json';
import { textIn } from '../units/format';
import { heatOf } from './cells';
import { NoData } from './NoData';

/** How many were in which bucket when. */
export default function HeatPanel(props: KindProps): ReactElement {
  const { title, frames, options, range, height } = props;
  const page = usePanelPage();
  const { utc } = usePageClock();
  const heat = useMemo(() => heatOf(frames, options), [frames, options]);
  const ends = useMemo(() => [range.fromMs / 1000, range.toMs / 1000] as const, [range.fromMs, range.toMs]);
  const paint = useCallback<LaneChartProps['paint']>(
    (plot, scheme) => {
      const colored = { min: numberAt(options, 'color.min'), max: numberAt(options, 'color.max') };
      if (heat) paintHeat(plot, scheme, heat.times, heat.buckets, colored);
    },
    [heat, options],
  );
  if (heat === null) return <NoData frames={frames} height={height} />;
  const unit =
    textAt(options, 'yAxis.unit') ||
    (frames[0]?.fields.find(({ type }) => type === 'number')?.config.unit ?? 'none');
  const tell = (lane: number, at: number): string[] => {
    const bucket = heat.buckets[lane];
    const count = bucket?.counts[at] ?? null;
    const write = (value: number): string => textIn(value, unit, numberAt(options, 'yAxis.decimals'));
    const name = !bucket
      ? ''
      : !heat.edges
        ? (heat.lanes[lane] ?? '')
        : bucket.upper === Infinity
          ? `over ${write(bucket.lower)}`
          : `${write(bucket.lower)} to ${write(bucket.upper)}`;
    return [
      formatInstant((heat.times[at] ?? 0) * 1000, utc),
      name,
      count === null ? 'no value' : textIn(count, 'short'),
    ];
  };
  return (
    <LaneChart
      label={`${title}: heat map of ${heat.buckets.length} buckets, at most ${formatCount(fullest(heat.buckets))} in one`}
      times={heat.times}
      lanes={heat.lanes}
      edges={heat.edges}
      height={height}
      range={ends}
      paint={paint}
      tell={tell}
      {...(page.syncKey === null ? {} : { syncKey: page.syncKey })}
      {...(page.onZoom ? { onZoom: page.onZoom } : {})}
      {...(page.onZoomOut ? { onZoomOut: page.onZoomOut } : {})}
    />
  );
}
