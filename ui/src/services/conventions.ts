// Requests as metrics name them, for services that send no spans: the names of OpenTelemetry, client libraries, gRPC.

import type { Labels } from '../api/types';

/** One way to name requests. */
export interface Convention {
  /** The metric that counts requests: what the convention is known by. */
  count: string;
  /** The buckets of durations; empty without any. */
  bucket: string;
  /** So many of the buckets' unit are a second. */
  perSecond: number;
  /** Matchers of failed requests; each names a label of its own, so that at most one of them finds any. */
  failed: readonly string[];
}

const CODES = ['code=~"5.."', 'status=~"5.."', 'status_code=~"5.."', 'http_status_code=~"5.."'] as const;

/** The more telling ones first: of a service that has several the first is taken. */
export const CONVENTIONS: readonly Convention[] = [
  {
    count: 'http_server_request_duration_seconds_count',
    bucket: 'http_server_request_duration_seconds_bucket',
    perSecond: 1,
    failed: ['http_response_status_code=~"5.."'],
  },
  {
    count: 'http_server_duration_milliseconds_count',
    bucket: 'http_server_duration_milliseconds_bucket',
    perSecond: 1000,
    failed: ['http_status_code=~"5.."'],
  },
  {
    count: 'http_server_requests_seconds_count',
    bucket: 'http_server_requests_seconds_bucket',
    perSecond: 1,
    failed: CODES,
  },
  {
    count: 'http_request_duration_seconds_count',
    bucket: 'http_request_duration_seconds_bucket',
    perSecond: 1,
    failed: CODES,
  },
  { count: 'http_requests_total', bucket: '', perSecond: 1, failed: CODES },
  {
    count: 'grpc_server_handled_total',
    bucket: 'grpc_server_handling_seconds_bucket',
    perSecond: 1,
    failed: ['grpc_code=~"Unknown|Internal|Unavailable|DataLoss|DeadlineExceeded|Unimplemented"'],
  },
];

/** Labels that tell services apart. */
export const BY = 'service, service_name, job';

/** What is measured of requests: how many a second, how many of them failed, and a quantile of durations in seconds. */
export type Measure = 'rate' | 'failures' | number;

/** The PromQL of a measure, by the labels of services; `matchers` narrow it to one, `window` as `5m`. */
export function exprOf(
  { count, bucket, perSecond, failed }: Convention,
  measure: Measure,
  window: string,
  matchers = '',
): string {
  const selected = (metric: string, ...more: string[]): string =>
    `rate(${metric}{${[...(matchers === '' ? [] : [matchers]), ...more].join(',')}}[${window}])`;
  if (measure === 'rate') return `sum by (${BY}) (${selected(count)})`;
  if (measure === 'failures')
    return `sum by (${BY}) (${failed.map((one) => selected(count, one)).join(' or ')})`;
  const quantile = `histogram_quantile(${measure}, sum by (le, ${BY}) (${selected(bucket)}))`;
  return perSecond === 1 ? quantile : `${quantile} / ${perSecond}`;
}

/** The matchers of the series that have these labels of a service. */
export function matchersOf(labels: Labels): string {
  return BY.split(', ')
    .map((name) => `${name}=${JSON.stringify(labels[name] ?? '')}`)
    .join(',');
}
