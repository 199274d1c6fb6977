import { useMemo } from 'react';
import { bandsAt, gridThrough } from '../../anomalies/expected';
import { useExpected } from '../../anomalies/useExpected';
import type { RangeSeries } from '../../api/types';
import type { Annotation, ValueBand } from '../../chart/marks';
import { usePanelPage } from '../context';
import type { Drawing } from './columns';
import { soleSeries } from './expected';

const NOWHERE = { start: 0, end: 0, step: 1 };

interface Bands {
  readonly bands: readonly ValueBand[];
  readonly stretches: readonly Annotation[];
}

/** What was to be expected of the one series of a panel, and when it was otherwise, where `expr` is watched for
 * anomalies. */
export function useBands(expr: string, drawing: Drawing): Bands {
  const { expects = false } = usePanelPage();
  const sole = soleSeries(drawing);
  const series = useMemo(
    (): readonly RangeSeries[] => (sole ? [{ metric: sole.field.labels ?? {} }] : []),
    [sole],
  );
  const grid = useMemo(() => gridThrough(drawing.times), [drawing.times]);
  const wanted = expects && expr !== '' && sole !== undefined && grid !== null;
  const { bands, stretches } = useExpected(wanted, expr, series, grid ?? NOWHERE, false);
  return useMemo(
    () => ({ bands: grid === null ? bands : bandsAt(drawing.times, bands, grid), stretches }),
    [bands, stretches, grid, drawing.times],
  );
}
