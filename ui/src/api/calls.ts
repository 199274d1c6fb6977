import { ask, probe, type Answer } from './client';
import type { BuildInfo, QueryAnswer, TargetsAnswer, TsdbStatus } from './types';

/** Start, end and step of a range query, in whole seconds or fractions of them. */
export interface Grid {
  start: number;
  end: number;
  step: number;
}

export function queryRange(query: string, grid: Grid, signal?: AbortSignal): Promise<Answer<QueryAnswer>> {
  return ask('/api/v1/query_range', { query, ...grid, stats: 'true' }, signal);
}

export function queryInstant(
  query: string,
  time: number,
  signal?: AbortSignal,
): Promise<Answer<QueryAnswer>> {
  return ask('/api/v1/query', { query, time, stats: 'true' }, signal);
}

export function targets(signal?: AbortSignal): Promise<Answer<TargetsAnswer>> {
  return ask('/api/v1/targets', {}, signal);
}

export function tsdbStatus(limit: number, signal?: AbortSignal): Promise<Answer<TsdbStatus>> {
  return ask('/api/v1/status/tsdb', { limit }, signal);
}

export function buildInfo(signal?: AbortSignal): Promise<Answer<BuildInfo>> {
  return ask('/api/v1/status/buildinfo', {}, signal);
}

export function metricNames(signal?: AbortSignal): Promise<Answer<readonly string[]>> {
  return ask('/api/v1/label/__name__/values', {}, signal);
}

export function formatQuery(query: string): Promise<Answer<string>> {
  return ask('/api/v1/format_query', { query });
}

export interface Health {
  healthy: boolean;
  ready: boolean;
}

/** Whether the server lives and takes traffic; rejects with ApiError when it does not answer at all. */
export async function health(signal?: AbortSignal): Promise<Health> {
  const [healthy, ready] = await Promise.all([probe('/-/healthy', signal), probe('/-/ready', signal)]);
  return { healthy, ready };
}
