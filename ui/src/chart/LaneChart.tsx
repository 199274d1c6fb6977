import { useElementSize } from '@mantine/hooks';
import { useEffect, useLayoutEffect, useRef, type ReactElement } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { usePageClock, useScheme } from '../design/hooks';
import { visibleText } from '../design/value';
import type { Scheme } from '../design/colors';
import { cellAt, laneOptions } from './lanes';
import { Tip } from './tip';

export interface LaneChartProps {
  /** What is shown and what it comes to, for readers who cannot see it. */
  label: string;
  /** Grid instants in seconds. */
  times: readonly number[];
  lanes: readonly string[];
  edges?: boolean;
  height: number;
  /** Ends of the time axis in seconds. */
  range: readonly [number, number];
  syncKey?: string;
  paint: (plot: uPlot, scheme: Scheme) => void;
  /** Lines of text for the hover, the first a heading. */
  tell: (lane: number, at: number) => string[];
  onZoom?: (fromMs: number, toMs: number) => void;
  onZoomOut?: () => void;
}

/** A time chart of lanes; what is in them is painted by the caller. */
export function LaneChart(props: LaneChartProps): ReactElement {
  const { times, lanes, edges = false, height, syncKey = null, paint } = props;
  const scheme = useScheme();
  const { utc } = usePageClock();
  const { ref: sizeRef, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(props);
  useLayoutEffect(() => {
    latest.current = props;
  });
  const names = JSON.stringify(lanes);

  useLayoutEffect(() => {
    const target = holder.current;
    if (!target) return undefined;
    const look = { scheme, utc, lanes: JSON.parse(names) as string[], edges, syncKey };
    const options = laneOptions(look, () => [...latest.current.range]);
    options.width = Math.max(120, target.clientWidth);
    options.height = latest.current.height;
    const tip = new Tip();
    options.hooks = {
      drawAxes: [(self) => latest.current.paint(self, scheme)],
      setCursor: [
        (self) => {
          const cell = self.over.matches(':hover') ? cellAt(self, latest.current.lanes.length) : null;
          if (cell === null) tip.hide();
          else tip.show(self, latest.current.tell(cell.lane, cell.at).map(visibleText));
        },
      ],
      setSelect: [
        (self) => {
          const { left, width: wide } = self.select;
          if (wide < 6) return;
          const [from, to] = [self.posToVal(left, 'x'), self.posToVal(left + wide, 'x')];
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom?.(from * 1000, to * 1000);
        },
      ],
    };
    const data = [[...latest.current.times], latest.current.times.map(() => null)] as uPlot.AlignedData;
    const made = new uPlot(options, data, target);
    made.over.addEventListener('dblclick', () => latest.current.onZoomOut?.());
    made.over.addEventListener('mouseleave', () => tip.hide());
    plot.current = made;
    return () => {
      tip.remove();
      made.destroy();
      plot.current = null;
    };
  }, [scheme, utc, names, edges, syncKey]);

  useEffect(() => {
    plot.current?.setData([[...times], times.map(() => null)] as uPlot.AlignedData, true);
  }, [times, paint, props.range]);

  useLayoutEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  return (
    <div ref={sizeRef} className="chart" role="img" aria-label={visibleText(props.label)}>
      <div ref={holder} style={{ height }} />
    </div>
  );
}
