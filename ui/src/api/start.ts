// What sends to the server, by name; the demo.

import type { Known } from '../start/arrivals';
import { ask, change, type Asking } from './client';

const RECENT_S = 900;

/** Who sent lately; of a signal that may not be seen there is nobody. Rejects as `ask` does. */
export async function senders(
  may: Readonly<Record<'metrics' | 'logs' | 'traces', boolean>>,
  asking: Asking,
): Promise<Known> {
  const now = Date.now() / 1000;
  const range = { start: now - RECENT_S, end: now + 60 };
  const none: readonly string[] = [];
  const valuesOf = async (label: string): Promise<readonly string[]> =>
    may.metrics ? (await ask<readonly string[]>(`/api/v1/label/${label}/values`, range, asking)).data : none;
  const linesOf = async (): Promise<readonly string[]> => {
    if (!may.logs) return none;
    const wanted = { ...range, field: 'service', limit: 200 };
    const found = await ask<readonly { value: string }[]>('/api/logs/values', wanted, asking);
    return found.data.map(({ value }) => value);
  };
  const spansOf = async (): Promise<readonly string[]> =>
    may.traces ? (await ask<readonly string[]>('/api/spans/services', range, asking)).data : none;
  const [jobs, metrics, logs, traces] = await Promise.all([
    valuesOf('job'),
    valuesOf('__name__'),
    linesOf(),
    spansOf(),
  ]);
  return { jobs, metrics, logs, traces };
}

export interface Demo {
  /** Where its telemetry is; empty where there is none. */
  readonly tenant: string;
  readonly is_running: boolean;
  /** The release that goes wrong runs just now. */
  readonly is_broken: boolean;
  readonly release: string;
  readonly cycle_s: number;
}

export async function demoStatus(asking: Asking): Promise<Demo> {
  return (await ask<Demo>('/api/demo', {}, asking)).data;
}

export function startDemo(asking: Asking): Promise<Demo> {
  return change('POST', '/api/demo/start', null, asking);
}

export function stopDemo(asking: Asking): Promise<Demo> {
  return change('POST', '/api/demo/stop', null, asking);
}

export function eraseDemo(asking: Asking): Promise<Demo> {
  return change('DELETE', '/api/demo', null, asking);
}
