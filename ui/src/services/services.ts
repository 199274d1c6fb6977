// Services as they fare: requests, failures and durations, and what burns first. Pure.

import type { AlertView } from '../api/alerts';
import type { RateSeries } from '../api/traces';
import type { Labels } from '../api/types';
import { compareAlerts, isIn, severityOf } from '../alerts/alerts';
import type { Column } from '../chart/columns';
import { formatSeconds, formatValue } from '../design/format';
import { worst, type Status } from '../design/status';
import { formatDuration } from '../time/range';

/** How something fared in a time. Durations in seconds; null is not known. */
export interface Fare {
  /** Requests a second. */
  rate: number | null;
  /** The share that failed. */
  errorRatio: number | null;
  p50: number | null;
  p95: number | null;
  p99: number | null;
}

/** How a service fared, step by step. */
export interface Course {
  /** Requests and failed requests a second. */
  rates: Column;
  failures: Column;
  /** In seconds. */
  p50: Column;
  p95: Column;
  p99: Column;
  /** The trace of the longest request of each step; empty where none is known. */
  slowest: readonly string[];
}

/** Where what is known of a service comes from: its spans, its own metrics, or only the targets that are scraped. */
export type Source = 'spans' | 'metrics' | 'targets';

export interface Service {
  name: string;
  source: Source;
  fare: Fare;
  course: Course;
  /** Of its spans, those that count as requests. */
  kind: string;
  /** Of its metrics: their convention, and the matchers of its series. */
  convention: string;
  matchers: string;
  /** Its scrape targets, where it has any. */
  targets: { up: number; all: number } | null;
}

export interface Verdict {
  status: Status;
  /** The worst first, in words. */
  reasons: readonly string[];
  alerts: readonly AlertView[];
}

export const NO_FARE: Fare = { rate: null, errorRatio: null, p50: null, p95: null, p99: null };

export function noCourse(length: number): Course {
  const none = (): Column => new Array<number | null>(length).fill(null);
  return { rates: none(), failures: none(), p50: none(), p95: none(), p99: none(), slowest: [] };
}

/** The service that labels name: what OpenTelemetry and many others call it, else the job. */
export function serviceOf(labels: Labels): string {
  const { service, service_name: named, job = '' } = labels;
  // OpenTelemetry's job is `namespace/name`.
  return service || named || job.slice(job.lastIndexOf('/') + 1);
}

const REQUESTS = ['server', 'consumer'] as const;

/** Which spans of a service are its requests: those it serves, else those it consumes, else its most frequent ones. */
function kindOf(kinds: ReadonlyMap<string, number>): string {
  for (const kind of REQUESTS) if (kinds.has(kind)) return kind;
  return [...kinds].sort((a, b) => b[1] - a[1] || a[0].localeCompare(b[0]))[0]?.[0] ?? '';
}

function seconds(ns: number | undefined): number | null {
  return ns === undefined ? null : ns / 1e9;
}

/** Spans of one kind, step by step: no span is no request, and no duration. */
export function courseOf(
  series: RateSeries | undefined,
  grid: { start: number; step: number },
  length: number,
): Course {
  const course = noCourse(length);
  course.rates.fill(0);
  course.failures.fill(0);
  const slowest = new Array<string>(length).fill('');
  for (const point of series?.points ?? []) {
    const at = Math.round((point.time_ms / 1000 - grid.start) / grid.step);
    if (at < 0 || at >= length) continue;
    course.rates[at] = point.rate;
    course.failures[at] = point.errors / grid.step;
    course.p50[at] = seconds(point.quantiles_ns['0.5']);
    course.p95[at] = seconds(point.quantiles_ns['0.95']);
    course.p99[at] = seconds(point.quantiles_ns['0.99']);
    slowest[at] = point.exemplar;
  }
  return { ...course, slowest };
}

/** How spans fared over a whole time of so many seconds. */
export function fareOf(series: RateSeries | undefined, lengthS: number): Fare {
  const [point] = series?.points ?? [];
  if (!point) return NO_FARE;
  return {
    rate: point.spans / lengthS,
    errorRatio: point.error_ratio,
    p50: seconds(point.quantiles_ns['0.5']),
    p95: seconds(point.quantiles_ns['0.95']),
    p99: seconds(point.quantiles_ns['0.99']),
  };
}

/** The services that have spans, by rates of services and kinds: over the whole time, and step by step. */
export function servicesOfSpans(
  whole: readonly RateSeries[],
  steps: readonly RateSeries[],
  grid: { start: number; end: number; step: number },
  length: number,
): Service[] {
  const kinds = new Map<string, Map<string, number>>();
  for (const { labels, points } of whole) {
    const { service = '', kind = '' } = labels;
    const own = kinds.get(service) ?? new Map<string, number>();
    own.set(
      kind,
      points.reduce((sum, { spans }) => sum + spans, 0),
    );
    kinds.set(service, own);
  }
  return [...kinds].map(([name, own]) => {
    const kind = kindOf(own);
    const fits = ({ labels }: RateSeries): boolean => labels.service === name && labels.kind === kind;
    return {
      name,
      source: 'spans',
      kind,
      convention: '',
      matchers: '',
      targets: null,
      fare: fareOf(whole.find(fits), grid.end - grid.start),
      course: courseOf(steps.find(fits), grid, length),
    };
  });
}

function sum(column: Column, from: number, to = column.length): number {
  return column.slice(from, to).reduce<number>((total, value) => total + (value ?? 0), 0);
}

function middle(column: Column, from: number, to = column.length): number | null {
  const known = column
    .slice(from, to)
    .filter((value): value is number => value !== null && Number.isFinite(value))
    .sort((a, b) => a - b);
  return known[Math.floor(known.length / 2)] ?? null;
}

/** The share of the time that counts as now. */
const RECENT = 0.25;
export const FAILING = { warning: 0.01, critical: 0.05 } as const;
/** So many times as long as before, and at least so long, is slow. */
const SLOWER = 2;
const LEAST_SLOW_S = 0.05;

interface Reason {
  status: Status;
  text: string;
}

function courseReasons({ course }: Service, stepS: number): Reason[] {
  const length = course.rates.length;
  const from = Math.floor(length * (1 - RECENT));
  const lately = formatDuration(Math.max(1, length - from) * stepS * 1000);
  const reasons: Reason[] = [];
  const [now, failed] = [sum(course.rates, from), sum(course.failures, from)];
  const ratio = now > 0 ? failed / now : 0;
  if (ratio >= FAILING.warning)
    reasons.push({
      status: ratio >= FAILING.critical ? 'critical' : 'warning',
      text: `${formatValue(ratio, 'ratio')} of requests failed in the last ${lately}`,
    });
  if (now === 0 && sum(course.rates, 0, from) > 0)
    reasons.push({ status: 'warning', text: `no requests in the last ${lately}` });
  const [slow, before] = [middle(course.p95, from), middle(course.p95, 0, from)];
  if (slow !== null && before !== null && slow >= LEAST_SLOW_S && slow >= before * SLOWER)
    reasons.push({
      status: 'warning',
      text: `p95 is ${formatSeconds(slow)}, ${(slow / Math.max(before, 1e-9)).toFixed(1)} times that of before`,
    });
  return reasons;
}

/** The alerts that burn and are of a service, the worst first. */
export function alertsOf(name: string, alerts: readonly AlertView[]): AlertView[] {
  return alerts
    .filter((alert) => isIn(alert, 'burning') && serviceOf(alert.labels) === name)
    .sort(compareAlerts);
}

/** How a service stands, by its alerts, its failures, its durations and its targets. */
export function judgeService(service: Service, alerts: readonly AlertView[], stepS: number): Verdict {
  const own = alertsOf(service.name, alerts);
  const reasons: Reason[] = own.map((alert) => ({
    status: alert.state === 'unknown' ? 'unknown' : severityOf(alert.labels),
    text: alert.labels['alertname'] ?? 'an alert fires',
  }));
  reasons.push(...courseReasons(service, stepS));
  const { targets } = service;
  if (targets && targets.up < targets.all)
    reasons.push({
      status: targets.up === 0 ? 'critical' : 'warning',
      text: `${targets.all - targets.up} of ${targets.all} targets down`,
    });
  if (reasons.length === 0)
    return { status: hasFigures(service) ? 'ok' : 'no-data', reasons: [], alerts: own };
  const status = worst(reasons.map((one) => one.status));
  const ordered = [...reasons].sort((a, b) => RANKS.indexOf(a.status) - RANKS.indexOf(b.status));
  return { status, reasons: ordered.map(({ text }) => text), alerts: own };
}

const RANKS: readonly Status[] = ['critical', 'warning', 'unknown', 'info', 'ok', 'no-data'];

function hasFigures({ fare, targets }: Service): boolean {
  return fare.rate !== null || (targets !== null && targets.up > 0);
}

export interface Judged {
  service: Service;
  verdict: Verdict;
}

/** What burns first; of equals what fails most often, then what is asked most. */
export function compareJudged(a: Judged, b: Judged): number {
  const failures = ({ service }: Judged): number => (service.fare.rate ?? 0) * (service.fare.errorRatio ?? 0);
  return (
    RANKS.indexOf(a.verdict.status) - RANKS.indexOf(b.verdict.status) ||
    failures(b) - failures(a) ||
    (b.service.fare.rate ?? 0) - (a.service.fare.rate ?? 0) ||
    a.service.name.localeCompare(b.service.name)
  );
}

/** All that is known of services by name: what spans tell goes before what metrics do, and targets are added. */
export function mergeServices(
  spans: readonly Service[],
  metrics: readonly Service[],
  targets: ReadonlyMap<string, { up: number; all: number }>,
  length: number,
): Service[] {
  const found = new Map<string, Service>();
  for (const one of [...spans, ...metrics]) if (!found.has(one.name)) found.set(one.name, one);
  for (const [name, counted] of targets) {
    const known = found.get(name);
    found.set(
      name,
      known
        ? { ...known, targets: counted }
        : {
            name,
            source: 'targets',
            kind: '',
            convention: '',
            matchers: '',
            targets: counted,
            fare: NO_FARE,
            course: noCourse(length),
          },
    );
  }
  return [...found.values()];
}
