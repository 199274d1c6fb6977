// Pharos' own addresses for logs. Times are nanoseconds as text, for a number of JavaScript's does not hold them.

import {
  ask,
  failure,
  noteStatus,
  parseEnvelope,
  requestHeaders,
  ApiError,
  type Answer,
  type Asking,
} from './client';

/** Key, value as text, and a letter for its kind. */
export type Attribute = readonly [key: string, value: string, kind: string];

export interface LogLine {
  ts_ns: string;
  observed_ns: string;
  /** What it comes from: a number that `logContext` takes. */
  origin: string;
  body: string;
  body_kind: string;
  /** `trace`, `debug`, `info`, `warn`, `error`, `fatal`, or empty. */
  level: string;
  severity: number;
  severity_text: string;
  service: string;
  event_name: string;
  trace_id: string;
  span_id: string;
  attributes: readonly Attribute[];
  resource: readonly Attribute[];
  scope: { name: string; version: string; attributes: readonly Attribute[] };
}

/** What is searched for, in which time. */
export interface LogsAsked {
  query: string;
  fromMs: number;
  toMs: number;
}

export interface LogPage {
  lines: readonly LogLine[];
  /** Where the next page begins; empty where there is none. */
  cursor: string;
  /** What it may lack. */
  warnings: readonly string[];
}

export interface LogHistogram {
  start_ns: string;
  step_ns: string;
  steps: number;
  total: number;
  series: readonly { value: string; counts: readonly number[] }[];
  others: readonly number[];
}

export interface LogField {
  name: string;
  place: 'own' | 'record' | 'resource' | 'scope';
}

export interface LogPattern {
  template: string;
  level: string;
  lines: number;
  first_ns: string;
  last_ns: string;
  counts: readonly number[];
}

export interface LogPatterns {
  lines: number;
  is_complete: boolean;
  patterns: readonly LogPattern[];
  left_out: number;
}

export interface LogNews {
  lines: readonly LogLine[];
  left_out: number;
}

/** These addresses are asked by GET alone; a search may be long. */
const LONGEST = 30_000;

function answered<T>(
  name: string,
  params: Readonly<Record<string, string | number>>,
  asking: Asking,
): Promise<Answer<T>> {
  return ask<T>(`/api/logs/${name}`, params, asking, LONGEST);
}

async function asked<T>(
  name: string,
  params: Readonly<Record<string, string | number>>,
  asking: Asking,
): Promise<T> {
  return (await answered<T>(name, params, asking)).data;
}

function range({ query, fromMs, toMs }: LogsAsked): { query: string; start: number; end: number } {
  return { query, start: Math.floor(fromMs), end: Math.ceil(toMs) };
}

export async function logLines(
  what: LogsAsked,
  limit: number,
  cursor: string,
  asking: Asking,
): Promise<LogPage> {
  const { data, warnings } = await answered<Omit<LogPage, 'warnings'>>(
    'search',
    { ...range(what), limit, cursor },
    asking,
  );
  return { ...data, warnings };
}

export function logHistogram(
  what: LogsAsked,
  by: string,
  buckets: number,
  asking: Asking,
): Promise<LogHistogram> {
  return asked('histogram', { ...range(what), by, buckets }, asking);
}

export async function logFields(what: LogsAsked, asking: Asking): Promise<readonly LogField[]> {
  const { start, end } = range(what);
  return (await asked<{ fields: readonly LogField[] }>('fields', { start, end }, asking)).fields;
}

export function logValues(
  what: LogsAsked,
  field: string,
  asking: Asking,
): Promise<readonly { value: string; lines: number }[]> {
  return asked('values', { ...range(what), field }, asking);
}

export function logContext(
  line: LogLine,
  each: number,
  asking: Asking,
): Promise<{ lines: readonly LogLine[]; is_start: boolean; is_end: boolean }> {
  return asked('context', { origin: line.origin, ts: line.ts_ns, before: each, after: each + 1 }, asking);
}

export function logPatterns(what: LogsAsked, asking: Asking): Promise<LogPatterns> {
  return asked('patterns', range(what), asking);
}

/**
 * Calls `onNews` with the lines that come, until `signal` fires or the stream ends; returns up to when was told.
 * Rejects as `ask` does. Not an EventSource, which cannot say whose data is meant.
 */
export async function tailLogs(
  query: string,
  sinceNs: string,
  tenant: string | null,
  signal: AbortSignal,
  onNews: (news: LogNews) => void,
): Promise<string> {
  const path = '/api/logs/tail';
  let told = sinceNs;
  try {
    const form = new URLSearchParams({ query, start: sinceNs });
    const answer = noteStatus(
      await fetch(`${path}?${form.toString()}`, { signal, headers: requestHeaders(tenant) }),
    );
    if (!answer.ok || answer.body === null) {
      const envelope = parseEnvelope(await answer.text(), answer.status, path);
      throw new ApiError('refused', envelope.status === 'error' ? envelope.error : '', answer.status);
    }
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = '';
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return told;
      const events = (rest + value).split('\n\n');
      rest = events.pop() ?? '';
      for (const event of events) {
        const fields = new Map(
          event.split('\n').map((line) => {
            const colon = line.indexOf(': ');
            return [line.slice(0, colon), line.slice(colon + 2)] as const;
          }),
        );
        told = fields.get('id') ?? told;
        const kind = fields.get('event');
        if (kind === 'lines') onNews(JSON.parse(fields.get('data') ?? '{}') as LogNews);
        if (kind === 'failure')
          throw new ApiError('refused', (JSON.parse(fields.get('data') ?? '{}') as { error: string }).error);
      }
    }
  } catch (error) {
    throw failure(error, path);
  }
}
