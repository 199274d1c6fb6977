import type { Envelope } from './types';

/** On whose behalf and for how long something is asked. */
export interface Asking {
  /** Whose data; null for the tenant of requests that name none. */
  tenant: string | null;
  signal?: AbortSignal;
}

/** How a request failed: nothing came back, it took too long, or the server refused it in its own words. */
export type FailureKind = 'network' | 'timeout' | 'refused';

export class ApiError extends Error {
  constructor(
    readonly kind: FailureKind,
    message: string,
    readonly status = 0,
    /** Prometheus' `errorType`, such as `bad_data` or `execution`; empty when the server gave none. */
    readonly errorType = '',
  ) {
    super(message);
    this.name = 'ApiError';
  }
}

export interface Answer<T> {
  data: T;
  warnings: readonly string[];
  infos: readonly string[];
  /** Milliseconds from asking to the decoded answer. */
  tookMs: number;
  /** Characters of the answer's body. */
  size: number;
}

export type Params = Readonly<Record<string, string | number | readonly string[] | undefined>>;

/** How long an answer may take. */
export const TIMEOUT_MS = 60_000;
const LONGEST_GET = 1_800;

/** `signal`, and an end after `longestMs`. */
export function bounded(signal: AbortSignal | undefined, longestMs: number): AbortSignal {
  const timeout = AbortSignal.timeout(longestMs);
  return signal ? AbortSignal.any([signal, timeout]) : timeout;
}

function encode(params: Params): URLSearchParams {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    if (value === undefined) continue;
    if (typeof value === 'object') for (const one of value) form.append(key, one);
    else form.append(key, String(value));
  }
  return form;
}

/** What the server takes for a tenant's name. */
const TENANT = /^[a-zA-Z0-9!_.*'()-]{1,150}$/;

/** The headers that say whose data is meant. Throws ApiError for what can be no tenant's name. */
export function tenantHeaders(tenant: string | null): Record<string, string> {
  if (tenant === null) return {};
  if (!TENANT.test(tenant))
    throw new ApiError(
      'refused',
      `“${tenant}” is not a tenant's name: up to 150 letters, digits and !_.*'()-`,
    );
  return { 'X-Scope-OrgID': tenant };
}

/** True for the rejection that a cancelled request ends with. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** What a failed fetch is: our own error, or the cancellation as it is. */
export function failure(error: unknown, url: string): unknown {
  if (isAbort(error) || error instanceof ApiError) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new ApiError('timeout', `No answer from ${url} within ${TIMEOUT_MS / 1000} s.`);
  return new ApiError('network', `The server did not answer (${url}).`);
}

/** The envelope in `body`. Throws ApiError for what is none. */
export function parseEnvelope<T>(body: string, status: number, path: string): Envelope<T> {
  const start = body.trim();
  if (start === '') throw new ApiError('refused', `HTTP status ${status} without a message.`, status);
  let parsed: unknown;
  try {
    parsed = JSON.parse(start);
  } catch {
    // A proxy answers with a page of its own, which is not for reading here.
    if (!start.startsWith('<')) throw new ApiError('refused', start.slice(0, 200), status);
  }
  if (typeof parsed !== 'object' || parsed === null || !('status' in parsed))
    throw new ApiError('refused', `${status} from ${path}: not an answer of Pharos.`, status);
  return parsed as Envelope<T>;
}

/**
 * Asks one endpoint of the Prometheus API and unwraps its envelope.
 *
 * Long queries go as a form by POST, which the API accepts wherever it takes a query. Rejects with ApiError,
 * or with an AbortError when `signal` fired.
 */
export async function ask<T>(path: string, params: Params, asking: Asking): Promise<Answer<T>> {
  const started = performance.now();
  const form = encode(params).toString();
  const post = form.length > LONGEST_GET;
  const url = post || form === '' ? path : `${path}?${form}`;
  let body: string;
  let status: number;
  try {
    const response = await fetch(url, {
      method: post ? 'POST' : 'GET',
      signal: bounded(asking.signal, TIMEOUT_MS),
      headers: { Accept: 'application/json', ...tenantHeaders(asking.tenant) },
      ...(post ? { body: new URLSearchParams(form) } : {}),
    });
    status = response.status;
    body = await response.text();
  } catch (error) {
    throw failure(error, path);
  }
  const envelope = parseEnvelope<T>(body, status, path);
  if (envelope.status === 'error') throw new ApiError('refused', envelope.error, status, envelope.errorType);
  return {
    data: envelope.data,
    warnings: envelope.warnings ?? [],
    infos: envelope.infos ?? [],
    tookMs: performance.now() - started,
    size: body.length,
  };
}

/** True when `path` answers with a 2xx status; false for any other status; rejects when nothing answers. */
export async function probe(path: string, signal?: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(path, { signal: bounded(signal, 5_000) });
    return response.ok;
  } catch (error) {
    throw failure(error, path);
  }
}
