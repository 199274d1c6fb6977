import { useMemo, useState, type ReactElement } from 'react';
import { usePanelPage, type KindProps } from '../context';
import { LinkMenu, type MenuAt } from '../LinkMenu';
import { linksOf } from '../links';
import type { LegendItem } from '../PanelLegend';
import { drawingOf, type Drawing } from '../series/columns';
import { useBands } from '../series/useBands';
import type { Limits } from '../series/paint';
import { SeriesPlot } from '../series/SeriesPlot';
import { WithLegend } from '../WithLegend';
import { oneAt, textAt } from '../json';
import { NoData } from './NoData';

function limitsOf({ series }: Drawing): Limits | null {
  const [first] = series;
  if (!first) return null;
  const { custom, thresholds, min, max } = first.field.config;
  const mode = textAt(custom, 'thresholdsStyle.mode', 'off');
  if (mode === 'off' || mode === 'series') return null;
  return {
    thresholds,
    line: mode !== 'area',
    dashed: mode.startsWith('dashed'),
    area: mode.includes('area'),
    min: min ?? null,
    max: max ?? null,
  };
}

/** Lines, bars and points over time. */
export function TimeSeries(props: KindProps): ReactElement {
  const { title, options, frames, range, width, height, looks } = props;
  const page = usePanelPage();
  const [menu, setMenu] = useState<MenuAt | null>(null);
  const drawing = useMemo(() => drawingOf(frames, looks), [frames, looks]);
  const limits = useMemo(() => limitsOf(drawing), [drawing]);
  const ends = useMemo(() => [range.fromMs / 1000, range.toMs / 1000] as const, [range.fromMs, range.toMs]);
  const { bands, stretches } = useBands(props.expr ?? '', drawing);
  const annotations = useMemo(
    () => (stretches.length === 0 ? props.annotations : [...props.annotations, ...stretches]),
    [props.annotations, stretches],
  );
  const items = useMemo(
    () =>
      drawing.series.flatMap(({ title: name, look, field, values, inLegend }, index): LegendItem[] =>
        inLegend
          ? [{ title: name, color: look.color, index, field, values: values.map((value) => value ?? null) }]
          : [],
      ),
    [drawing],
  );
  const mode = oneAt(options, 'tooltip.mode', ['single', 'multi', 'none']);
  const tip = useMemo(
    () => ({
      single: mode === 'single',
      none: mode === 'none',
      order: oneAt(options, 'tooltip.sort', ['none', 'asc', 'desc']),
    }),
    [mode, options],
  );
  if (drawing.series.length === 0) return <NoData frames={frames} height={height} />;
  const pick = (at: number, index: number | null, event: MouseEvent): void => {
    const one = drawing.series[index ?? (drawing.series.length === 1 ? 0 : -1)];
    if (!one || one.field.config.links.length === 0) return;
    const value = one.values[at] ?? null;
    const links = linksOf(one.field, value, { row: at, timeMs: (drawing.times[at] ?? 0) * 1000, page });
    if (links.length > 0) setMenu({ x: event.clientX, y: event.clientY, links });
  };
  return (
    <>
      <WithLegend options={options} items={items} width={width} height={height}>
        {(size, choosing) => (
          <SeriesPlot
            title={title}
            drawing={drawing}
            range={ends}
            syncKey={page.syncKey}
            annotations={annotations}
            bands={bands}
            limits={limits}
            tip={tip}
            onPick={pick}
            {...(page.onZoom ? { onZoom: page.onZoom } : {})}
            {...(page.onZoomOut ? { onZoomOut: page.onZoomOut } : {})}
            {...size}
            {...choosing}
          />
        )}
      </WithLegend>
      <LinkMenu at={menu} onClose={() => setMenu(null)} />
    </>
  );
}
