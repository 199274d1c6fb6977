// Traces: searches that find them, one laid out, and all of one span. The server lays them out; pages draw.

import { ask, type Answer, type Asking } from './client';

/** What spans must meet. */
export interface TraceFilters {
  readonly query?: string | undefined;
  readonly service?: string | undefined;
  readonly operation?: string | undefined;
  readonly min_duration?: string | undefined;
  readonly max_duration?: string | undefined;
  readonly status?: 'error' | undefined;
  readonly kind?: string | undefined;
}

/** Ends in seconds since the epoch. */
export interface TraceRange {
  readonly start: number;
  readonly end: number;
}

export interface TraceSummary {
  readonly trace_id: string;
  /** Nanoseconds since the epoch: more digits than a number keeps. */
  readonly start_ns: string;
  readonly duration_ns: number;
  readonly spans: number;
  readonly errors: number;
  readonly has_root: boolean;
  readonly service: string;
  readonly name: string;
  readonly services: readonly { readonly service: string; readonly spans: number }[];
}

export interface TracePage {
  readonly traces: readonly TraceSummary[];
  readonly cursor: string | null;
}

export function searchTraces(
  filters: TraceFilters,
  range: TraceRange,
  page: { limit: number; cursor?: string | undefined },
  asking: Asking,
): Promise<Answer<TracePage>> {
  return ask('/api/spans/search', { ...filters, ...range, ...page }, asking);
}

export function traceServices(range: TraceRange, asking: Asking): Promise<Answer<readonly string[]>> {
  return ask('/api/spans/services', { ...range }, asking);
}

export interface TraceOperation {
  readonly service: string;
  readonly name: string;
  readonly kind: string;
}

export function traceOperations(
  service: string,
  range: TraceRange,
  asking: Asking,
): Promise<Answer<readonly TraceOperation[]>> {
  return ask('/api/spans/operations', { service, ...range }, asking);
}

/** What services, or calls between two of them, did in a time. */
export interface SpanRate {
  readonly spans: number;
  readonly rate: number;
  readonly errors: number;
  readonly error_ratio: number;
  readonly mean_ns: number;
  readonly quantiles_ns: Readonly<Record<string, number>>;
}

export interface ServiceGraph {
  readonly nodes: readonly (SpanRate & { readonly service: string })[];
  readonly edges: readonly (SpanRate & { readonly caller: string; readonly callee: string })[];
  /** Of so many traces one was looked at: more than 1 where there are very many. */
  readonly one_in: number;
}

export function serviceGraph(range: TraceRange, asking: Asking): Promise<Answer<ServiceGraph>> {
  return ask('/api/spans/graph', { ...range }, asking);
}

export interface RateSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Each with the trace of its longest span. */
  readonly points: readonly (SpanRate & { readonly time_ms: number; readonly exemplar: string })[];
}

/** How many spans met the filters at each step, by their status. */
export function spanRates(
  filters: TraceFilters,
  range: TraceRange,
  stepS: number,
  asking: Asking,
): Promise<Answer<readonly RateSeries[]>> {
  return ask('/api/spans/rates', { ...filters, ...range, step: stepS, by: 'status' }, asking);
}

/** The same by other fields, with commas between: service, kind, name, status, attributes. */
export function ratesBy(
  by: string,
  filters: TraceFilters,
  range: TraceRange,
  stepS: number,
  asking: Asking,
): Promise<Answer<readonly RateSeries[]>> {
  return ask('/api/spans/rates', { ...filters, ...range, step: stepS, by }, asking);
}

/** A span and where it stands; times in nanoseconds since the trace's begin. */
export interface TraceRow {
  readonly span_id: string;
  /** The row of its parent; -1 for none. */
  readonly parent: number;
  readonly depth: number;
  readonly service: string;
  readonly name: string;
  readonly kind: string;
  readonly status: string;
  readonly offset_ns: number;
  readonly duration_ns: number;
  /** In which none of its children ran. */
  readonly own_ns: number;
  readonly critical_ns: number;
  readonly children: number;
  readonly descendants: number;
  /** The run of like siblings that it is in; -1 for none. */
  readonly fold: number;
  readonly events: number;
  readonly links: number;
  readonly warnings: readonly string[];
}

export interface TraceFold {
  readonly parent: number;
  readonly rows: readonly number[];
  readonly service: string;
  readonly name: string;
  readonly errors: number;
  readonly total_ns: number;
  readonly longest_ns: number;
}

export interface TraceView {
  readonly trace_id: string;
  readonly start_ns: string;
  readonly duration_ns: number;
  /** The row that began it; -1 where that is not there. */
  readonly root: number;
  readonly service: string;
  readonly name: string;
  readonly services: readonly {
    readonly service: string;
    readonly spans: number;
    readonly errors: number;
    readonly own_ns: number;
    readonly critical_ns: number;
  }[];
  readonly rows: readonly TraceRow[];
  readonly folds: readonly TraceFold[];
  /** Row, from, to. */
  readonly critical_path: readonly (readonly [number, number, number])[];
  readonly warnings: readonly string[];
}

export function traceView(traceId: string, asking: Asking): Promise<Answer<TraceView>> {
  return ask(`/api/spans/trace/${encodeURIComponent(traceId)}`, {}, asking);
}

/** A value as OTLP writes it in JSON. */
export interface OtlpValue {
  readonly stringValue?: string;
  readonly intValue?: string | number;
  readonly doubleValue?: number | string;
  readonly boolValue?: boolean;
  readonly bytesValue?: string;
  readonly arrayValue?: { readonly values?: readonly OtlpValue[] };
  readonly kvlistValue?: { readonly values?: readonly OtlpPair[] };
}

export interface OtlpPair {
  readonly key: string;
  readonly value?: OtlpValue;
}

type OtlpPairs = readonly OtlpPair[];

export interface OtlpSpan {
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly startTimeUnixNano: string;
  readonly attributes?: OtlpPairs;
  readonly events?: readonly {
    readonly timeUnixNano?: string;
    readonly name?: string;
    readonly attributes?: OtlpPairs;
  }[];
  readonly links?: readonly {
    readonly traceId: string;
    readonly spanId: string;
    readonly attributes?: OtlpPairs;
  }[];
  readonly status?: { readonly message?: string };
}

export interface OtlpSpans {
  readonly resourceSpans: readonly {
    readonly resource?: { readonly attributes?: OtlpPairs };
    readonly scopeSpans: readonly {
      readonly scope?: {
        readonly name?: string;
        readonly version?: string;
        readonly attributes?: OtlpPairs;
      };
      readonly spans: readonly OtlpSpan[];
    }[];
  }[];
}

export function wholeSpan(traceId: string, spanId: string, asking: Asking): Promise<Answer<OtlpSpans>> {
  return ask(`/api/spans/trace/${encodeURIComponent(traceId)}/${encodeURIComponent(spanId)}`, {}, asking);
}

export interface TraceLogs {
  readonly lines: readonly {
    readonly ts_ns: string;
    readonly level: string;
    readonly service: string;
    readonly body: string;
    readonly span_id: string;
  }[];
}

/** The newest lines that carry these ids, `limit` at most. */
export function traceLogs(
  query: string,
  range: TraceRange,
  asking: Asking,
  limit = 100,
): Promise<Answer<TraceLogs>> {
  return ask('/api/logs/search', { query, ...range, limit }, asking);
}

/** An attribute whose values are spread otherwise among the selected spans than among the rest. */
export interface AttributeDifference {
  readonly attribute: string;
  /** Shares are from 0 to 1; those that differ most come first. */
  readonly values: readonly {
    readonly value: string;
    readonly selected: number;
    readonly rest: number;
  }[];
}

/** A search names many traces: these addresses are asked by GET alone. */
const LONGEST = 30_000;

/** Which attributes tell the spans that meet `selected` as well from the others that meet the filters. */
export function spanDifferences(
  filters: TraceFilters,
  selected: string,
  range: TraceRange,
  asking: Asking,
): Promise<Answer<readonly AttributeDifference[]>> {
  const params = { ...filters, ...range, selected_query: selected };
  return ask('/api/spans/differences', params, asking, LONGEST);
}

/** One of two traces that are compared. */
export interface ComparedTrace {
  readonly trace_id: string;
  readonly start_ns: string;
  readonly duration_ns: number;
  readonly service: string;
  readonly name: string;
  readonly spans: number;
  readonly errors: number;
}

/** What one of two traces has at a path. */
export interface PathSide {
  readonly spans: number;
  readonly errors: number;
  readonly total_ns: number;
  readonly own_ns: number;
}

export interface PathDifference {
  /** From the trace's begin down. */
  readonly path: readonly { readonly service: string; readonly name: string }[];
  readonly left: PathSide;
  readonly right: PathSide;
  /** By how much the right one took longer there by itself. */
  readonly own_ns: number;
}

export interface TraceComparison {
  readonly left: ComparedTrace;
  readonly right: ComparedTrace;
  /** Those at which most time is won or lost first. */
  readonly paths: readonly PathDifference[];
}

export function compareTraces(left: string, right: string, asking: Asking): Promise<Answer<TraceComparison>> {
  return ask('/api/spans/compare', { left, right }, asking);
}
