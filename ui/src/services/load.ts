// What the server tells of services: by their spans, and by metrics of those that send none.

import { queryBatch } from '../api/batch';
import type { Grid } from '../api/calls';
import { ApiError, type Asking } from '../api/client';
import { ratesBy, type RateSeries, type TraceFilters, type TraceRange } from '../api/traces';
import { gridTimes, summarize, toColumn, type Column } from '../chart/columns';
import { matrixOf, vectorOf } from '../page/charts';
import { alignGrid, chooseStep, formatDuration, type Span } from '../time/range';
import { CONVENTIONS, exprOf, matchersOf, type Convention } from './conventions';
import { mergeServices, noCourse, serviceOf, servicesOfSpans, type Service } from './services';

/** Steps of a service's course in the list. */
export const LIST_STEPS = 40;
/** A rate needs two samples, and many are scraped once a minute. */
const LEAST_WINDOW_S = 120;

export interface Seen {
  services: readonly Service[];
  grid: Grid;
  /** What could not be read, and why. */
  unread: readonly { what: string; error: string }[];
}

/** `span` as whole steps, so that no step is a part of one. */
export function gridOf(span: Span, steps: number): Grid {
  return alignGrid(span, chooseStep(span.toMs - span.fromMs, steps, 5));
}

/** The time of a grid as traces are asked: its last instant is the end of the last step. */
export function rangeOf({ start, end }: Grid): TraceRange {
  return { start, end };
}

/** How many whole steps there are. */
export function stepsOf({ start, end, step }: Grid): number {
  return Math.max(1, Math.round((end - start) / step));
}

/** Rates over the whole time, and step by step. */
export async function bothRates(
  by: string,
  filters: TraceFilters,
  grid: Grid,
  asking: Asking,
): Promise<{ whole: readonly RateSeries[]; steps: readonly RateSeries[] }> {
  const range = rangeOf(grid);
  const [whole, steps] = await Promise.all([
    ratesBy(by, filters, range, Math.max(grid.end - grid.start, 1), asking),
    ratesBy(by, filters, range, grid.step, asking),
  ]);
  return { whole: whole.data, steps: steps.data };
}

async function spanServices(grid: Grid, asking: Asking): Promise<Service[]> {
  const { whole, steps } = await bothRates('service,kind', {}, grid, asking);
  return servicesOfSpans(whole, steps, grid, stepsOf(grid));
}

/** The window of rates over steps of this length. */
export function windowOf(stepS: number): string {
  return formatDuration(Math.max(stepS, LEAST_WINDOW_S) * 1000);
}

const PRESENT = `count by (__name__) ({__name__=~"${CONVENTIONS.map(({ count }) => count).join('|')}"})`;
const UP = 'sum by (job) (up)';
const ALL = 'count by (job) (up)';
/** Jobs of hosts, which have a page of their own. */
const HOSTS = 'count by (job) (node_load1)';

const MEASURES = ['rate', 'failures', 0.5, 0.95, 0.99] as const;

function mean(column: Column | undefined): number | null {
  return column === undefined ? null : summarize(column).avg;
}

/** The services of one convention, from the answers to its measures in their order. */
function servicesOf(
  convention: Convention,
  columns: readonly ReadonlyMap<string, { column: Column; matchers: string }>[],
  length: number,
): Service[] {
  const [rates, failures, p50, p95, p99] = columns;
  return [...(rates ?? [])].map(([name, { column, matchers }]) => {
    const course = noCourse(length);
    course.rates = column;
    course.failures = failures?.get(name)?.column ?? column.map((value) => (value === null ? null : 0));
    course.p50 = p50?.get(name)?.column ?? course.p50;
    course.p95 = p95?.get(name)?.column ?? course.p95;
    course.p99 = p99?.get(name)?.column ?? course.p99;
    const [rate, failed] = [mean(course.rates), mean(course.failures)];
    return {
      name,
      source: 'metrics',
      kind: '',
      convention: convention.count,
      matchers,
      targets: null,
      course,
      fare: {
        rate,
        errorRatio: rate === null || rate === 0 ? null : (failed ?? 0) / rate,
        p50: mean(course.p50),
        p95: mean(course.p95),
        p99: mean(course.p99),
      },
    };
  });
}

interface Measured {
  services: Service[];
  targets: ReadonlyMap<string, { up: number; all: number }>;
}

/** The targets by service, and the services that measure their requests; those only where they are `wanted`. */
async function metricServices(grid: Grid, asking: Asking, wanted = true): Promise<Measured> {
  const instant = [PRESENT, UP, ALL, HOSTS].map((query) => ({ query, time: grid.end }));
  const [present, up, all, hosts] = await queryBatch(instant, asking);
  if (all instanceof ApiError) throw all;
  const names = new Set(vectorOf(present).map(({ labels }) => labels.__name__));
  const known = wanted ? CONVENTIONS.filter(({ count }) => names.has(count)) : [];
  // The first step of a course ends one step after the start.
  const steps = { ...grid, start: grid.start + grid.step };
  const length = gridTimes(steps).length;
  const asked = known.flatMap((convention) =>
    MEASURES.filter((measure) => typeof measure === 'string' || convention.bucket !== '').map((measure) => ({
      convention,
      query: exprOf(convention, measure, windowOf(grid.step)),
    })),
  );
  const outcomes =
    asked.length === 0
      ? []
      : await queryBatch(
          asked.map(({ query }) => ({ query, ...steps })),
          asking,
        );
  const services = known.flatMap((convention) => {
    const own = outcomes.filter((_, i) => asked[i]?.convention === convention);
    const columns = own.map(
      (outcome) =>
        new Map(
          matrixOf(outcome).map((one) => [
            serviceOf(one.metric),
            { column: toColumn(one, steps, length), matchers: matchersOf(one.metric) },
          ]),
        ),
    );
    return servicesOf(convention, columns, length);
  });
  const ofHosts = new Set(vectorOf(hosts).map(({ labels }) => labels.job));
  const ups = new Map(vectorOf(up).map(({ labels, value }) => [labels.job, value]));
  const targets = new Map(
    vectorOf(all)
      .filter(({ labels }) => !ofHosts.has(labels.job))
      .map(({ labels, value }) => [serviceOf(labels), { up: ups.get(labels.job) ?? 0, all: value }]),
  );
  return { services, targets };
}

/** The services that are scraped, by the names of their jobs; hosts are none. */
export async function serviceNames(timeS: number, asking: Asking): Promise<string[]> {
  const [all, hosts] = await queryBatch(
    [ALL, HOSTS].map((query) => ({ query, time: timeS })),
    asking,
  );
  const ofHosts = new Set(vectorOf(hosts).map(({ labels }) => labels.job));
  return vectorOf(all)
    .filter(({ labels }) => !ofHosts.has(labels.job))
    .map(({ labels }) => serviceOf(labels));
}

const NOTHING: Measured = { services: [], targets: new Map() };

/** Steps of one service's course. */
const PAGE_STEPS = 160;

export interface SeenService {
  /** Undefined where nothing of that name is seen. */
  service: Service | undefined;
  grid: Grid;
}

/** One service in `span`, in more steps. Rejects as its questions do. */
export async function loadService(
  name: string,
  span: Span,
  may: { traces: boolean; metrics: boolean },
  asking: Asking,
): Promise<SeenService> {
  const grid = gridOf(span, PAGE_STEPS);
  const length = stepsOf(grid);
  let spans: Service[] = [];
  if (may.traces) {
    const { whole, steps } = await bothRates('service,kind', { service: name }, grid, asking);
    spans = servicesOfSpans(whole, steps, grid, length);
  }
  const metrics = may.metrics ? await metricServices(grid, asking, spans.length === 0) : NOTHING;
  const services = mergeServices(spans, metrics.services, metrics.targets, length);
  return { service: services.find((one) => one.name === name), grid };
}

/** Every service that is seen in `span`, as far as the reader may see; what fails leaves the rest as it is. */
export async function loadServices(
  span: Span,
  may: { traces: boolean; metrics: boolean },
  asking: Asking,
): Promise<Seen> {
  const grid = gridOf(span, LIST_STEPS);
  const unread: { what: string; error: string }[] = [];
  const or =
    <T>(what: string, none: T) =>
    (error: unknown): T => {
      if (!(error instanceof ApiError)) throw error;
      unread.push({ what, error: error.message });
      return none;
    };
  const [spans, metrics] = await Promise.all([
    may.traces ? spanServices(grid, asking).catch(or<Service[]>('services by their spans', [])) : [],
    may.metrics ? metricServices(grid, asking).catch(or('services by their metrics', NOTHING)) : NOTHING,
  ]);
  const services = mergeServices(spans, metrics.services, metrics.targets, stepsOf(grid));
  return { services, grid, unread };
}
