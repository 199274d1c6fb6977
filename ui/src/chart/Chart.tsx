import { useElementSize } from '@mantine/hooks';
import { useEffect, useLayoutEffect, useMemo, useRef, type ReactElement } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import './chart.css';
import { formatValue, type Unit } from '../design/format';
import { usePageClock, useScheme } from '../design/hooks';
import { drawable, positive, stack, type Column } from './columns';
import { Hover, type HoverContent } from './hover';
import { paintOver, paintUnder, pointAt, type Marks, type PointMark } from './marks';
import { plotOptions } from './plot';

const NONE: ReadonlySet<number> = new Set();
const UNMARKED: Marks = {};

/** Longer than between the two clicks of a double one. */
const DOUBLE_MS = 260;

/** What was clicked: when, the series that is near, and the point, where one is. */
export interface Picked {
  atMs: number;
  series: number | null;
  point: PointMark | null;
}

export interface ChartProps {
  /** What the chart shows, for readers who cannot see it. */
  title: string;
  /** Grid instants in seconds. */
  times: readonly number[];
  columns: readonly Column[];
  names: readonly string[];
  colors: readonly string[];
  unit: Unit;
  height: number;
  /** Ends of the time axis in seconds; the data may be shorter. */
  range: readonly [number, number];
  stacked?: boolean;
  filled?: boolean;
  compact?: boolean;
  atLeast?: number;
  faint?: number;
  /** Series drawn as broken lines: what was, or will be, beside what is. */
  dashed?: ReadonlySet<number>;
  /** Bars from the ground instead of lines. */
  bars?: boolean;
  /** The value axis by powers of ten. Nothing is stacked on it. */
  log?: boolean;
  /** What stands in the chart besides its data. */
  marks?: Marks;
  syncKey?: string;
  hidden?: ReadonlySet<number>;
  /** The series to draw bold, chosen elsewhere (in a legend). */
  focused?: number | null;
  onFocus?: (index: number | null) => void;
  /** Index into `times` under the crosshair, also while the mouse is over a chart in step with this one. */
  onCursor?: (index: number | null) => void;
  onZoom?: (fromMs: number, toMs: number) => void;
  onZoomOut?: () => void;
  /** A stretch was pulled over with Shift held: it is meant itself, not to be zoomed into. */
  onStretch?: (fromMs: number, toMs: number) => void;
  onPick?: (picked: Picked) => void;
}

function describe(props: ChartProps): string {
  const last = props.columns.slice(0, 5).map((column, i) => {
    const value = column.findLast((one) => one !== null);
    return `${props.names[i] ?? ''} ${value == null ? 'no value' : formatValue(value, props.unit)}`;
  });
  const more = props.columns.length > 5 ? `, and ${props.columns.length - 5} more` : '';
  return `${props.title}: ${last.join(', ') || 'no data'}${more}`;
}

/** A time chart. Redrawn in place when only data moved; rebuilt when its series, unit or colours change. */
export function Chart(props: ChartProps): ReactElement {
  const { times, columns, colors, unit, height, filled = false, compact = false, bars = false } = props;
  const { log = false, marks = UNMARKED } = props;
  const stacked = props.stacked === true && !log;
  const { atLeast = null, faint = null, syncKey = null, hidden = NONE, focused = null } = props;
  const scheme = useScheme();
  const { utc } = usePageClock();
  const { ref: sizeRef, width } = useElementSize();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const hover = useRef<Hover | null>(null);
  const latest = useRef(props);
  useLayoutEffect(() => {
    latest.current = props;
  });

  const drawn = useMemo(() => {
    const lines = columns.map(log ? positive : drawable);
    const { tops, bases } = stacked ? stack(lines, hidden) : { tops: lines, bases: [] };
    // Even what can be drawn may add up to what cannot.
    return [times as number[], ...[...tops, ...bases].map(drawable)] as uPlot.AlignedData;
  }, [times, columns, stacked, hidden, log]);
  const drawnRef = useRef(drawn);
  useLayoutEffect(() => {
    drawnRef.current = drawn;
  });
  const palette = colors.join();
  const broken = [...(props.dashed ?? NONE)].join();
  // Limits move the axis, so that a change of them makes the plot anew; other marks are only painted.
  const limits = (marks.thresholds ?? []).map((one) => one.value).join();

  useLayoutEffect(() => {
    const target = holder.current;
    if (!target) return undefined;
    const look = {
      scheme,
      unit,
      utc,
      stacked,
      filled,
      compact,
      atLeast,
      faint,
      dashed: broken === '' ? NONE : new Set(broken.split(',').map(Number)),
      syncKey,
      bars,
      log,
      thresholds: latest.current.marks?.thresholds ?? [],
      colors: palette ? palette.split(',') : [],
    };
    let shifted = false;
    const content = (): HoverContent => ({
      names: latest.current.names,
      colors: latest.current.colors,
      columns: latest.current.columns,
      hidden: latest.current.hidden ?? NONE,
      marks: latest.current.marks ?? UNMARKED,
      unit,
      utc,
    });
    const options = plotOptions(look, () => [...latest.current.range]);
    options.width = Math.max(120, target.clientWidth);
    options.height = latest.current.height;
    options.hooks = {
      setCursor: [
        (self) => {
          hover.current?.moved();
          const at = self.cursor.idx;
          latest.current.onCursor?.(at == null || (self.cursor.left ?? -1) < 0 ? null : at);
        },
      ],
      setSelect: [
        (self) => {
          const { left, width: wide } = self.select;
          if (wide < 6) return;
          const [from, to] = [self.posToVal(left, 'x'), self.posToVal(left + wide, 'x')];
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          const { onStretch, onZoom } = latest.current;
          if (shifted && onStretch) onStretch(from * 1000, to * 1000);
          else onZoom?.(from * 1000, to * 1000);
        },
      ],
      drawAxes: [(self) => paintUnder(self, latest.current.marks ?? UNMARKED, latest.current.colors, scheme)],
      draw: [
        (self) => paintOver(self, latest.current.marks ?? UNMARKED, scheme, unit),
        () => hover.current?.highlight(latest.current.focused ?? null),
      ],
    };
    const made = new uPlot(options, drawnRef.current, target);
    made.over.addEventListener('mousedown', (event) => {
      shifted = event.shiftKey;
    });
    let picking: ReturnType<typeof setTimeout> | undefined;
    made.over.addEventListener('dblclick', () => {
      clearTimeout(picking);
      latest.current.onZoomOut?.();
    });
    made.over.addEventListener('click', () => {
      clearTimeout(picking);
      const { left = -1, top = 0, idx } = made.cursor;
      if (left < 0) return;
      const point = pointAt(made, latest.current.marks?.points ?? [], left, top);
      const seconds = (idx == null ? undefined : made.data[0][idx]) ?? made.posToVal(left, 'x');
      const picked = { atMs: seconds * 1000, series: hover.current?.under ?? null, point };
      // A point is a small thing that is meant; elsewhere a second click may follow.
      if (point) latest.current.onPick?.(picked);
      else picking = setTimeout(() => latest.current.onPick?.(picked), DOUBLE_MS);
    });
    plot.current = made;
    hover.current = new Hover(made, content, (index) => latest.current.onFocus?.(index));
    for (const index of latest.current.hidden ?? NONE) made.setSeries(index + 1, { show: false }, false);
    return () => {
      clearTimeout(picking);
      hover.current?.destroy();
      made.destroy();
      plot.current = null;
      hover.current = null;
    };
  }, [
    scheme,
    unit,
    utc,
    stacked,
    filled,
    compact,
    atLeast,
    faint,
    broken,
    syncKey,
    palette,
    bars,
    log,
    limits,
  ]);

  useLayoutEffect(() => {
    const target = plot.current;
    if (target && target.data !== drawn) target.setData(drawn, true);
  }, [drawn, props.range]);

  useLayoutEffect(() => {
    if (width > 0) plot.current?.setSize({ width, height });
  }, [width, height]);

  useLayoutEffect(() => {
    const target = plot.current;
    if (!target) return;
    target.batch(() => {
      for (let i = 0; i < columns.length; i += 1)
        if (target.series[i + 1]?.show !== !hidden.has(i))
          target.setSeries(i + 1, { show: !hidden.has(i) }, false);
    });
    // A change of columns needs no visit here: the plot is rebuilt whenever their number changes.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [hidden]);

  useEffect(() => hover.current?.highlight(focused), [focused]);

  useEffect(() => plot.current?.redraw(false), [marks]);

  return (
    <div ref={sizeRef} className="chart" role="img" aria-label={describe(props)}>
      <div ref={holder} style={{ height }} />
    </div>
  );
}
