import { useCallback, useMemo, type ReactElement } from 'react';
import { formatInstant, formatSeconds } from '../design/format';
import { usePageClock } from '../design/hooks';
import { STATUS_LOOKS } from '../design/status';
import { LaneChart, type LaneChartProps } from './LaneChart';
import { paintStates, stateRuns, type StateLane } from './states';

const LANE_PX = 28;
const AXIS_PX = 36;

/** What state things were in, over time; the first at the top. */
export function StateTimeline(
  props: Pick<LaneChartProps, 'times' | 'range' | 'syncKey' | 'onZoom' | 'onZoomOut'> & {
    title: string;
    lanes: readonly StateLane[];
  },
): ReactElement {
  const { title, lanes, ...rest } = props;
  const { utc } = usePageClock();
  const { times } = rest;
  const upwards = useMemo(() => [...lanes].reverse(), [lanes]);
  const names = useMemo(() => upwards.map(({ name }) => name), [upwards]);
  const paint = useCallback<LaneChartProps['paint']>(
    (plot, scheme) => paintStates(plot, scheme, times, upwards),
    [times, upwards],
  );
  const tell = useCallback(
    (lane: number, at: number): string[] => {
      const shown = upwards[lane];
      const run = shown && stateRuns(shown.states).find(({ from, to }) => at >= from && at <= to);
      const heading = formatInstant((times[at] ?? 0) * 1000, utc);
      if (!shown || !run) return [heading, shown?.name ?? '', 'not known'];
      const [from = 0, to = 0] = [times[run.from], times[run.to]];
      const step = (times[1] ?? 0) - (times[0] ?? 0);
      return [heading, shown.name, `${STATUS_LOOKS[run.status].name} for ${formatSeconds(to - from + step)}`];
    },
    [upwards, times, utc],
  );
  const now = lanes
    .slice(0, 8)
    .map(({ name, states }) => {
      const last = states.findLast((status) => status !== null);
      return `${name} ${last == null ? 'not known' : STATUS_LOOKS[last].name}`;
    })
    .join(', ');
  return (
    <LaneChart
      {...rest}
      label={`${title}: ${now}`}
      lanes={names}
      height={lanes.length * LANE_PX + AXIS_PX}
      paint={paint}
      tell={tell}
    />
  );
}
