// What else happened where something is, in every signal. Times are nanoseconds as text.

import { ask, type Asking } from './client';
import type { Labels, RelatedAnswer, SeriesExemplars } from './types';

/** A line of a chart at a time, a log line, a span (or a whole trace), an alert. */
export type About =
  | { kind: 'series'; expr: string; labels: Labels; atMs: number }
  | { kind: 'line'; origin: string; tsNs: string }
  | { kind: 'span'; traceId: string; spanId: string }
  | { kind: 'alert'; fingerprint: string };

/** Labels as a selector that names them all, the metric's name aside. */
export function selectorOf(labels: Labels): string {
  const pairs = Object.entries(labels)
    .filter(([name]) => name !== '__name__')
    .map(
      ([name, value]) =>
        `${/^[a-zA-Z_]\w*$/u.test(name) ? name : JSON.stringify(name)}=${JSON.stringify(value)}`,
    );
  return `{${pairs.join(',')}}`;
}

/** Asked by GET alone; an expression may be long. */
const LONGEST = 30_000;

function named(about: About): Readonly<Record<string, string>> {
  switch (about.kind) {
    case 'series':
      return { series: about.expr, labels: selectorOf(about.labels), time: String(Math.round(about.atMs)) };
    case 'line':
      return { origin: about.origin, ts: about.tsNs };
    case 'span':
      return { trace_id: about.traceId, ...(about.spanId === '' ? {} : { span_id: about.spanId }) };
    case 'alert':
      return { fingerprint: about.fingerprint };
  }
}

/** Single measurements of the series that an expression selects, with the labels that say where they were made. */
export async function exemplars(
  query: string,
  span: { start: number; end: number },
  asking: Asking,
): Promise<readonly SeriesExemplars[]> {
  return (await ask<readonly SeriesExemplars[]>('/api/v1/query_exemplars', { query, ...span }, asking)).data;
}

/** What else happened so long before and after it. */
export async function related(about: About, around: string, asking: Asking): Promise<RelatedAnswer> {
  return (await ask<RelatedAnswer>('/api/related', { ...named(about), around }, asking, LONGEST)).data;
}
