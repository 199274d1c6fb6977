import { useEffect, useLayoutEffect, useMemo, useRef, type ReactElement } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import '../../chart/chart.css';
import { Hover, type HoverContent } from '../../chart/hover';
import { paintOver, paintUnder, type Annotation, type Marks, type ValueBand } from '../../chart/marks';
import { usePageClock, useScheme } from '../../design/hooks';
import { visibleText } from '../../design/value';
import { textIn } from '../units/format';
import { basedOf, lookKey, plotOptions, type Look } from './plot';
import { drawableOf, stackSeries, type Drawing } from './columns';
import { paintAreas, paintLines, type Limits } from './paint';

export interface SeriesPlotProps {
  title: string;
  drawing: Drawing;
  width: number;
  height: number;
  /** Ends of the time axis in seconds. */
  range: readonly [number, number];
  hidden: ReadonlySet<number>;
  focused: number | null;
  onFocus: (index: number | null) => void;
  syncKey: string | null;
  annotations: readonly Annotation[];
  /** Ranges of values behind the series. */
  bands: readonly ValueBand[];
  limits: Limits | null;
  tip: { single: boolean; order: 'none' | 'asc' | 'desc'; none: boolean };
  onZoom?: (fromMs: number, toMs: number) => void;
  onZoomOut?: () => void;
  /** The place in time and the series under the mouse were clicked. */
  onPick?: (at: number, series: number | null, event: MouseEvent) => void;
}

const DIGITS = 4;

function write({ drawing }: SeriesPlotProps, index: number, value: number): string {
  const config = drawing.series[index]?.field.config;
  return textIn(value, config?.unit ?? 'none', config?.decimals, undefined, DIGITS);
}

function describe(props: SeriesPlotProps): string {
  const { title, drawing } = props;
  const last = drawing.series.slice(0, 5).map(({ title: name, values }, i) => {
    const value = values.findLast((one) => one != null);
    return `${name} ${value == null ? 'no value' : write(props, i, value)}`;
  });
  const more = drawing.series.length > 5 ? `, and ${drawing.series.length - 5} more` : '';
  return visibleText(`${title}: ${last.join(', ') || 'no data'}${more}`);
}

/** What follows the mouse: names, colours and values as they were answered, whatever is stacked. */
function contentOf(
  { drawing, hidden, annotations, tip, ...props }: SeriesPlotProps,
  utc: boolean,
): HoverContent {
  const of = (is: (one: Drawing['series'][number]) => boolean): Set<number> =>
    new Set(drawing.series.flatMap((one, i) => (is(one) ? [i] : [])));
  return {
    names: drawing.series.map(({ title }) => title),
    colors: drawing.series.map(({ look }) => look.color),
    columns: drawing.series.map(({ values }) => values as (number | null)[]),
    hidden,
    marks: { annotations },
    unit: 'none',
    utc,
    write: (index, value) => write({ drawing, hidden, annotations, tip, ...props }, index, value),
    single: tip.single,
    order: tip.order,
    untold: of(({ inTip }) => !inTip),
    unlined: of(({ look }) => look.draw !== 'line'),
  };
}

/** What lies under the data; the range of what is hidden is hidden with it. */
function marksOf({ annotations, bands, hidden }: SeriesPlotProps): Marks {
  return { annotations, bands: bands.filter((one) => one.series === undefined || !hidden.has(one.series)) };
}

/** The series of a panel on a time axis. Redrawn in place when only data moved. */
export function SeriesPlot(props: SeriesPlotProps): ReactElement {
  const { drawing, width, height, hidden, focused, syncKey, limits, annotations, bands } = props;
  const scheme = useScheme();
  const { utc } = usePageClock();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const hover = useRef<Hover | null>(null);
  const latest = useRef(props);
  useLayoutEffect(() => {
    latest.current = props;
  });
  const { data, based } = useMemo(() => {
    const { tops, bases } = stackSeries(drawing.series, hidden, drawing.times);
    const drawn = tops.map((top, i) => {
      const look = drawing.series[i]?.look;
      return look ? drawableOf(top, look, drawing.times) : top;
    });
    const stands = bases.filter((base) => base !== null);
    return { data: [drawing.times, ...drawn, ...stands] as uPlot.AlignedData, based: basedOf(bases) };
  }, [drawing, hidden]);
  const key = useMemo(() => lookKey(drawing), [drawing]);
  const dataRef = useRef(data);
  useLayoutEffect(() => {
    dataRef.current = data;
  });
  const limitKey = JSON.stringify(limits);
  const basedKey = based.join();
  // A short chart has no room for an axis of times.
  const timeShown = height > 72;

  useLayoutEffect(() => {
    const target = holder.current;
    if (!target) return undefined;
    const now = latest.current;
    const reach =
      now.limits && (now.limits.line || now.limits.area) && now.limits.thresholds.mode === 'absolute'
        ? now.limits.thresholds.steps
        : [];
    const look: Look = {
      scheme,
      utc,
      series: now.drawing.series.map((one) => one.look),
      scales: now.drawing.scales,
      bases: basedKey === '' ? [] : basedKey.split(',').map(Number),
      limits: reach.map(({ value }) => value).filter(Number.isFinite),
      syncKey,
      timeShown,
    };
    const options = plotOptions(
      look,
      now.drawing.series.map(({ title }) => title),
      () => [...latest.current.range],
    );
    options.width = Math.max(60, now.width);
    options.height = Math.max(30, now.height);
    options.hooks = {
      setCursor: [() => (latest.current.tip.none ? undefined : hover.current?.moved())],
      setSelect: [
        (self) => {
          const { left, width: wide } = self.select;
          if (wide < 6) return;
          const [from, to] = [self.posToVal(left, 'x'), self.posToVal(left + wide, 'x')];
          self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom?.(from * 1000, to * 1000);
        },
      ],
      drawAxes: [
        (self) => {
          if (latest.current.limits) paintAreas(self, latest.current.limits, scheme);
          paintUnder(
            self,
            marksOf(latest.current),
            latest.current.drawing.series.map(({ look: { color } }) => color),
            scheme,
          );
        },
      ],
      draw: [
        (self) => {
          if (latest.current.limits) paintLines(self, latest.current.limits, scheme);
          paintOver(self, { annotations: latest.current.annotations }, scheme, 'none');
        },
        () => hover.current?.highlight(latest.current.focused),
      ],
    };
    const made = new uPlot(options, dataRef.current, target);
    made.over.addEventListener('dblclick', () => latest.current.onZoomOut?.());
    made.over.addEventListener('click', (event) => {
      if (made.cursor.idx != null && (made.cursor.left ?? -1) >= 0)
        latest.current.onPick?.(made.cursor.idx, hover.current?.under ?? null, event);
    });
    plot.current = made;
    hover.current = new Hover(
      made,
      () => contentOf(latest.current, utc),
      (index) => latest.current.onFocus(index),
    );
    for (const index of latest.current.hidden) made.setSeries(index + 1, { show: false }, false);
    return () => {
      hover.current?.destroy();
      made.destroy();
      plot.current = null;
      hover.current = null;
    };
  }, [scheme, utc, key, basedKey, syncKey, limitKey, timeShown]);

  useLayoutEffect(() => {
    const target = plot.current;
    if (target && target.data !== data) target.setData(data, true);
  }, [data, props.range]);

  useLayoutEffect(() => {
    if (width > 0) plot.current?.setSize({ width: Math.max(60, width), height: Math.max(30, height) });
  }, [width, height]);

  useLayoutEffect(() => {
    const target = plot.current;
    target?.batch(() => {
      for (let i = 0; i < drawing.series.length; i += 1)
        if (target.series[i + 1]?.show !== !hidden.has(i))
          target.setSeries(i + 1, { show: !hidden.has(i) }, false);
    });
  }, [hidden, drawing]);

  useEffect(() => hover.current?.highlight(focused), [focused]);

  useEffect(() => plot.current?.redraw(false), [annotations, bands]);

  return (
    <div className="chart" role="img" aria-label={describe(props)}>
      <div ref={holder} style={{ height }} />
    </div>
  );
}
