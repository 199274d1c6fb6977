import { useMemo } from 'react';
import { bandsAt, gridThrough } from '../../anomalies/expected';
import { useExpected } from '../../anomalies/useExpected';
import type { RangeSeries } from '../../api/types';
import type { ValueBand } from '../../chart/marks';
import { usePanelPage } from '../context';
import type { Drawing } from './columns';
import { soleSeries } from './expected';

const NOWHERE = { start: 0, end: 0, step: 1 };

/** What was to be expected of the one series of a panel, where `expr` is watched for anomalies. */
export function useBands(expr: string, drawing: Drawing): readonly ValueBand[] {
  const { expects = false } = usePanelPage();
  const sole = soleSeries(drawing);
  const series = useMemo(
    (): readonly RangeSeries[] => (sole ? [{ metric: sole.field.labels ?? {} }] : []),
    [sole],
  );
  const grid = useMemo(() => gridThrough(drawing.times), [drawing.times]);
  const wanted = expects && expr !== '' && sole !== undefined && grid !== null;
  const { bands } = useExpected(wanted, expr, series, grid ?? NOWHERE, false);
  return useMemo(
    () => (grid === null ? bands : bandsAt(drawing.times, bands, grid)),
    [bands, grid, drawing.times],
  );
}
