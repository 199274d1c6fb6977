// What Explore shows as a panel of a dashboard. Pure.

import type { QueryAnswer } from '../api/types';
import { LINES, METRICS, SIZE } from '../dashboards/newPanel';
import type { Unit } from '../design/format';
import { object, type JsonObject } from '../panels/json';
import type { TimeRange } from '../time/range';
import { isStored } from './heat';
import type { QueryPanel } from './state';

/** The ids that dashboards have for units. None is of seconds since the epoch, and the query must stay as it was asked. */
export const UNIT_IDS: Readonly<Record<Unit, string | null>> = {
  none: null,
  count: 'short',
  'per-second': 'cps',
  bytes: 'bytes',
  'bytes-per-second': 'binBps',
  seconds: 's',
  ratio: 'percentunit',
  percent: 'percent',
  celsius: 'celsius',
  cores: 'suffix:cores',
  timestamp: null,
};

const LONGEST_TITLE = 80;
const NUMBER_SIZE = { w: 6, h: 5 } as const;
/** The newest schema that `make` writes. */
const SCHEMA = 42;

/** How a panel shows it. */
export type Kind = 'timeseries' | 'heatmap' | 'table' | 'stat';

/** What a panel shows as Explore does: one value of now is a number, several are a table. */
export function kindOf({ view }: Pick<QueryPanel, 'view'>, answer: QueryAnswer | undefined): Kind {
  if (view === 'heat') return 'heatmap';
  if (view === 'graph') return 'timeseries';
  if (answer?.resultType === 'scalar') return 'stat';
  return answer?.resultType === 'vector' && answer.result.length === 1 ? 'stat' : 'table';
}

export function sizeOf(kind: Kind): { w: number; h: number } {
  return kind === 'stat' ? NUMBER_SIZE : SIZE;
}

/** A query in one line, as a panel is called until somebody has a better name. */
export function titleOf(expr: string): string {
  const line = expr.trim().replace(/\s+/gu, ' ');
  return line.length > LONGEST_TITLE ? `${line.slice(0, LONGEST_TITLE - 1)}…` : line;
}

/** What of a panel is as its kind has it. */
function looksOf(kind: Kind, stacked: boolean): JsonObject {
  const plain = { type: kind, options: {}, fieldConfig: { defaults: {}, overrides: [] } };
  switch (kind) {
    case 'timeseries': {
      if (!stacked) return LINES;
      const { custom } = object(object(LINES.fieldConfig).defaults);
      const stack = { ...object(custom), fillOpacity: 40, stacking: { mode: 'normal', group: 'A' } };
      return { ...LINES, fieldConfig: { defaults: { custom: stack }, overrides: [] } };
    }
    case 'heatmap':
      return plain;
    case 'stat': {
      const reduceOptions = { calcs: ['lastNotNull'], fields: '', values: false };
      return { ...plain, options: { reduceOptions, graphMode: 'none', colorMode: 'value' } };
    }
    case 'table':
      // All rows are of one instant.
      return {
        ...plain,
        transformations: [{ id: 'organize', options: { excludeByName: { Time: true } } }],
      };
  }
}

function targetOf(expr: string, kind: Kind): JsonObject {
  const target = { refId: 'A', datasource: METRICS, expr };
  switch (kind) {
    case 'timeseries':
      return { ...target, range: true };
    case 'heatmap': {
      // Explore takes what stored buckets grew by from step to step; a panel has to ask for that.
      const grown = isStored(expr) ? `sum by (le) (increase(${expr.trim()}[$__rate_interval]))` : expr;
      return { ...target, expr: grown, format: 'heatmap', range: true };
    }
    case 'stat':
      return { ...target, instant: true, range: false };
    case 'table':
      return { ...target, format: 'table', instant: true, range: false };
  }
}

/** The panel that shows the query `panel` as Explore does, with values in `unit`. */
export function panelOf(panel: QueryPanel, kind: Kind, title: string, unit: Unit): JsonObject {
  const looks = looksOf(kind, panel.stacked);
  const fieldConfig = object(looks.fieldConfig);
  const id = UNIT_IDS[unit];
  return {
    ...looks,
    title,
    fieldConfig:
      id === null ? fieldConfig : { ...fieldConfig, defaults: { ...object(fieldConfig.defaults), unit: id } },
    targets: [targetOf(panel.expr, kind)],
    ...(panel.step === null ? {} : { interval: panel.step }),
  };
}

/** A dashboard that shows this panel alone, over the time that is looked at. */
export function dashboardOf(
  title: string,
  panel: JsonObject,
  kind: Kind,
  { from, to }: TimeRange,
): JsonObject {
  return {
    title,
    schemaVersion: SCHEMA,
    tags: [],
    time: { from, to },
    panels: [{ ...panel, id: 1, gridPos: { x: 0, y: 0, ...sizeOf(kind) } }],
  };
}
