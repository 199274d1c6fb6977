// A panel's transformations, one after the other: `reduce`, `organize` and those like them, by Grafana's ids.

import type { Frame } from '../frame';
import { at, flagAt, objects, textAt } from '../json';
import { readMatcher } from '../overrides';
import { heatmap, histogram } from './bins';
import { calculateField, extractFields, partitionByValues } from './calculate';
import {
  concatenate,
  convertFieldType,
  filterByRefId,
  filterFieldsByName,
  formatTime,
  labelsToFields,
  organize,
  renameByRegex,
  transpose,
} from './columns';
import { configFromData } from './configFrom';
import { groupingToMatrix, joinByField, merge, seriesToRows } from './join';
import type { Step } from './names';
import { groupToNestedTable } from './nested';
import { formatString, joinByLabels, rowsToFields } from './reshape';
import { filterByValue, groupBy, limit, reduceSeries, sortBy, timeSeriesTable } from './rows';
import { prepareTimeSeries } from './series';
import { smoothing } from './smooth';

const asIs: Step = (frames) => frames;

const STEPS: Readonly<Record<string, Step>> = {
  calculateField,
  concatenate,
  configFromData,
  convertFieldType,
  extractFields,
  filterByRefId,
  filterByValue,
  filterFieldsByName,
  formatString,
  formatTime,
  groupBy,
  groupToNestedTable,
  groupingToMatrix,
  heatmap,
  histogram,
  joinByField,
  joinByLabels,
  labelsToFields,
  limit,
  merge,
  organize,
  partitionByValues,
  prepareTimeSeries,
  reduce: reduceSeries,
  renameByRegex,
  rowsToFields,
  seriesToColumns: joinByField,
  seriesToRows,
  smoothing,
  sortBy,
  timeSeriesTable,
  transpose,
};

/** The ids of the transformations that are known. */
export const TRANSFORMATIONS: readonly string[] = Object.keys(STEPS);

export interface Transformed {
  frames: readonly Frame[];
  /** Transformations that are not known here and were left out. */
  unknown: readonly string[];
}

/** What `transformations` make of `frames`, in order. Those that are disabled, and those not known, change nothing. */
export function transform(frames: readonly Frame[], transformations: unknown): Transformed {
  let now = frames;
  const unknown: string[] = [];
  for (const one of objects(transformations)) {
    const id = textAt(one, 'id');
    if (flagAt(one, 'disabled')) continue;
    if (!Object.hasOwn(STEPS, id)) {
      unknown.push(id);
      continue;
    }
    const step = STEPS[id] ?? asIs;
    const filter = at(one, 'filter');
    if (textAt(filter, 'id') === '') {
      now = step(now, one.options);
      continue;
    }
    const meant = readMatcher(filter);
    const [some, rest]: [Frame[], Frame[]] = [[], []];
    for (const frame of now)
      (frame.fields[0] && meant({ field: frame.fields[0], frame, names: [], seen: [] }) ? some : rest).push(
        frame,
      );
    now = [...step(some, one.options), ...rest];
  }
  return { frames: now, unknown };
}
