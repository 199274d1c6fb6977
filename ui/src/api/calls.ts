import { ask, probe, type Answer, type Asking } from './client';
import type { BuildInfo, QueryAnswer, RuntimeInfo, TargetsAnswer, TsdbStatus } from './types';

/** Start, end and step of a range query, in whole seconds or fractions of them. */
export interface Grid {
  start: number;
  end: number;
  step: number;
}

/** With what it took: who reads one query wants to know. Pages that ask many use `queryBatch`. */
export function queryRange(query: string, grid: Grid, asking: Asking): Promise<Answer<QueryAnswer>> {
  return ask('/api/v1/query_range', { query, ...grid, stats: 'true' }, asking);
}

export function queryInstant(query: string, time: number, asking: Asking): Promise<Answer<QueryAnswer>> {
  return ask('/api/v1/query', { query, time, stats: 'true' }, asking);
}

export function targets(asking: Asking): Promise<Answer<TargetsAnswer>> {
  return ask('/api/v1/targets', {}, asking);
}

export function tsdbStatus(limit: number, asking: Asking): Promise<Answer<TsdbStatus>> {
  return ask('/api/v1/status/tsdb', { limit }, asking);
}

export function buildInfo(asking: Asking): Promise<Answer<BuildInfo>> {
  return ask('/api/v1/status/buildinfo', {}, asking);
}

export function runtimeInfo(asking: Asking): Promise<Answer<RuntimeInfo>> {
  return ask('/api/v1/status/runtimeinfo', {}, asking);
}

export function metricNames(asking: Asking): Promise<Answer<readonly string[]>> {
  return ask('/api/v1/label/__name__/values', {}, asking);
}

/** The names of labels; of the series that `selector` selects, or of all. */
export function labelNames(selector: string | null, asking: Asking): Promise<Answer<readonly string[]>> {
  return ask('/api/v1/labels', selector === null ? {} : { 'match[]': selector }, asking);
}

/** The values of a label; of the series that `selector` selects, or of all. */
export function labelValues(
  label: string,
  selector: string | null,
  asking: Asking,
  range: { start?: number; end?: number } = {},
): Promise<Answer<readonly string[]>> {
  const path = `/api/v1/label/${encodeURIComponent(label)}/values`;
  return ask(path, { ...range, ...(selector === null ? {} : { 'match[]': selector }) }, asking);
}

/** What senders say of their metrics, by metric. */
export function metricMetadata(
  asking: Asking,
): Promise<
  Answer<
    Readonly<
      Record<string, readonly { readonly type: string; readonly help: string; readonly unit: string }[]>
    >
  >
> {
  return ask('/api/v1/metadata', { limit_per_metric: 1 }, asking);
}

/** The tree that the server's parser makes of a query. */
export function parseQuery(query: string, asking: Asking): Promise<Answer<unknown>> {
  return ask('/api/v1/parse_query', { query }, asking);
}

export function formatQuery(query: string, asking: Asking): Promise<Answer<string>> {
  return ask('/api/v1/format_query', { query }, asking);
}

export interface Health {
  healthy: boolean;
  ready: boolean;
}

/** Whether the server lives and takes traffic; rejects with ApiError when it does not answer at all. */
export async function health(signal?: AbortSignal): Promise<Health> {
  // Who is ready is healthy: the second question is asked only of a server that is not.
  const ready = await probe('/-/ready', signal);
  return { healthy: ready || (await probe('/-/healthy', signal)), ready };
}
