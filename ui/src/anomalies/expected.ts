// Between which limits the series of a graph were to be expected, as the detector of anomalies wrote it beside them,
// and when they were not between them.

import type { Anomaly, AnomalyWatch } from '../api/anomalies';
import type { Grid } from '../api/calls';
import type { Labels, RangeSeries } from '../api/types';
import { gridTimes, labelKey, readColumn } from '../chart/columns';
import type { Annotation, ValueBand } from '../chart/marks';

const LOWER = 'pharos_anomaly_lower';
const UPPER = 'pharos_anomaly_upper';
/** So many series have their band drawn: more of them hide one another. */
const MOST = 10;
const NAME = '__name__';
const METRIC = 'anomaly_metric';
const WATCH = 'anomaly_watch';
const ADDED: ReadonlySet<string> = new Set([NAME, METRIC, WATCH]);

const plain = (text: string): string => text.replace(/\s+/gu, '');
const quoted = (text: string): string => JSON.stringify(text);
const literal = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/gu, '\\$&');
const oneOf = (names: readonly string[]): string => quoted(names.map(literal).join('|'));

/** What asks for the limits of some series of an expression; empty where none of them can be watched.
 *
 * Without `byName` only a watch of the expression itself counts, not one of a metric that is called the same. */
export function limitsQuery(
  expr: string,
  series: readonly RangeSeries[],
  watches: readonly AnomalyWatch[],
  byName = true,
): string {
  const names = [...new Set(series.slice(0, MOST).flatMap(({ metric }) => metric[NAME] ?? []))];
  const asked = watches
    .filter((one) => plain(one.query) === plain(expr) || plain(one.series) === plain(expr))
    .map(({ name }) => name);
  const limits = `__name__=~"${LOWER}|${UPPER}"`;
  if (asked.length > 0) return `{${limits},${WATCH}=~${oneOf(asked)}}`;
  return names.length === 0 || !byName ? '' : `{${limits},${METRIC}=~${oneOf(names)}}`;
}

/** The labels of what is judged, without what verdicts add to them. */
function ownKey(labels: Labels): string {
  return labelKey(Object.fromEntries(Object.entries(labels).filter(([name]) => !ADDED.has(name))));
}

interface Limited {
  at: number;
  lower: RangeSeries;
  upper: RangeSeries;
}

/** Which of the series have limits, and which those are; of several watches the first by name. */
function limited(series: readonly RangeSeries[], limits: readonly RangeSeries[]): readonly Limited[] {
  const sorted = [...limits].sort((a, b) => (a.metric[WATCH] ?? '').localeCompare(b.metric[WATCH] ?? ''));
  const find = (name: string, { metric }: RangeSeries): RangeSeries | undefined =>
    sorted.find(
      (one) =>
        one.metric[NAME] === name &&
        ownKey(one.metric) === ownKey(metric) &&
        (metric[NAME] === undefined || (one.metric[METRIC] ?? metric[NAME]) === metric[NAME]),
    );
  return series.slice(0, MOST).flatMap((one, at) => {
    const lower = find(LOWER, one);
    const upper = find(UPPER, one);
    return lower === undefined || upper === undefined ? [] : [{ at, lower, upper }];
  });
}

/** The bands of series from the series of their limits. */
export function bandsOf(
  series: readonly RangeSeries[],
  limits: readonly RangeSeries[],
  grid: Grid,
): readonly ValueBand[] {
  const steps = gridTimes(grid).length;
  return limited(series, limits).map(({ at, lower, upper }) => ({
    label: 'expected',
    lower: readColumn(lower, grid, steps),
    upper: readColumn(upper, grid, steps),
    series: at,
  }));
}

/** When the series that have limits were not as expected; what goes on lasts until `endMs`. */
export function stretchesOf(
  series: readonly RangeSeries[],
  limits: readonly RangeSeries[],
  found: readonly Anomaly[],
  endMs: number,
): readonly Annotation[] {
  const key = (watch: string, metric: string, labels: Labels): string =>
    JSON.stringify([watch, metric, ownKey(labels)]);
  const drawn = new Set(
    limited(series, limits).map(({ lower: { metric } }) =>
      key(metric[WATCH] ?? '', metric[METRIC] ?? '', metric),
    ),
  );
  return found
    .filter(({ watch, metric, labels }) => drawn.has(key(watch, metric, labels)))
    .map(({ severity, start, end }) => ({
      fromMs: Date.parse(start),
      toMs: end === null ? endMs : Date.parse(end),
      text: 'Unusual',
      tone: severity,
    }));
}

/** So many instants are asked for at most. */
const MOST_STEPS = 11_000;

/** The grid that times (in seconds, ascending) are of; null for what is none, or too fine. */
export function gridThrough(times: readonly number[]): Grid | null {
  const [start] = times;
  const end = times.at(-1);
  if (start === undefined || end === undefined) return null;
  const step = times.reduce(
    (least, time, i) => (i === 0 ? least : Math.min(least, time - (times[i - 1] ?? 0))),
    Infinity,
  );
  return step > 0 && Number.isFinite(step) && (end - start) / step <= MOST_STEPS
    ? { start, end, step }
    : null;
}

/** Bands that stand on a grid, as they stand at some of its times. */
export function bandsAt(
  times: readonly number[],
  bands: readonly ValueBand[],
  grid: Grid,
): readonly ValueBand[] {
  const places = times.map((time) => Math.round((time - grid.start) / grid.step));
  if (places.every((place, i) => place === i)) return bands;
  return bands.map((band) => ({
    ...band,
    lower: places.map((place) => band.lower[place] ?? null),
    upper: places.map((place) => band.upper[place] ?? null),
  }));
}
