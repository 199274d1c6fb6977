// Of which panels it is drawn what was to be expected. Pure.

import { flagAt, list, textAt, type JsonObject } from '../json';
import type { DrawnSeries, Drawing } from './columns';

/** Where a panel says that what was to be expected is not to be drawn; Grafana leaves the field alone. */
export const EXPECTED = 'expected';

/** The one query over time that all that a panel shows is the answer to; undefined where there is none such. */
export function soleQuery(panel: {
  readonly type: string;
  readonly targets: readonly JsonObject[];
  readonly transformations: unknown;
}): string | undefined {
  if (panel.type !== 'timeseries' || list(panel.transformations).length > 0) return undefined;
  const [target, ...others] = panel.targets.filter((one) => !flagAt(one, 'hide'));
  if (target === undefined || others.length > 0 || flagAt(target, 'instant')) return undefined;
  const type = textAt(target, 'datasource.type', 'prometheus');
  const expr = textAt(target, 'expr');
  return type === 'prometheus' && expr !== '' ? expr : undefined;
}

/** The series of a drawing whose band is drawn: one that is alone, as it was measured, and may have it. */
export function soleSeries({ series }: Drawing): DrawnSeries | undefined {
  const [one] = series;
  if (one === undefined || series.length > 1) return undefined;
  const { custom } = one.field.config;
  const asMeasured = textAt(custom, 'transform') !== 'negative-Y' && !one.look.percent;
  return asMeasured && textAt(custom, EXPECTED) !== 'off' ? one : undefined;
}
