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
    /** So many seconds later it is worth another try; 0 when the server did not say. */
    readonly retryAfterS = 0,
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

let proof: string | null = null;
const unauthenticated = new Set<() => void>();

/** What a change must carry beside a session's cookie, to show that a page of ours sent it; null without a session. */
export function setCsrfToken(token: string | null): void {
  proof = token;
}

/** Calls `listener` whenever the server does not know who asks; returns how to leave. */
export function onUnauthenticated(listener: () => void): () => void {
  unauthenticated.add(listener);
  return () => unauthenticated.delete(listener);
}

/** The headers of every request: whose data is meant, and that a page of ours sends it. */
export function requestHeaders(tenant: string | null): Record<string, string> {
  return { ...tenantHeaders(tenant), ...(proof === null ? {} : { 'X-CSRF-Token': proof }) };
}

/** Tells those who listen when `response` says that nobody is known to ask. */
export function noteStatus(response: Response): Response {
  if (response.status === 401) for (const listener of unauthenticated) listener();
  return response;
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
export async function ask<T>(
  path: string,
  params: Params,
  asking: Asking,
  longestGet = LONGEST_GET,
): Promise<Answer<T>> {
  const form = encode(params).toString();
  const post = form.length > longestGet;
  const url = post || form === '' ? path : `${path}?${form}`;
  return exchange(url, post ? { method: 'POST', body: new URLSearchParams(form) } : {}, asking);
}

/** Sends a change to Pharos' own API, as JSON, and unwraps the answer. Rejects as `ask` does. */
export async function change<T>(
  method: 'POST' | 'PUT' | 'PATCH' | 'DELETE',
  path: string,
  body: object | null,
  asking: Asking,
): Promise<T> {
  const json = { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } };
  return (await exchange<T>(path, { method, ...(body === null ? {} : json) }, asking)).data;
}

async function exchange<T>(
  url: string,
  init: { method?: string; body?: BodyInit; headers?: Record<string, string> },
  asking: Asking,
): Promise<Answer<T>> {
  const started = performance.now();
  const path = url.replace(/\?.*/su, '');
  let body: string;
  let response: Response;
  try {
    response = await fetch(url, {
      ...init,
      signal: bounded(asking.signal, TIMEOUT_MS),
      headers: { Accept: 'application/json', ...requestHeaders(asking.tenant), ...init.headers },
    });
    body = await response.text();
  } catch (error) {
    throw failure(error, path);
  }
  const { status } = noteStatus(response);
  const envelope = parseEnvelope<T>(body, status, path);
  if (envelope.status === 'error')
    throw new ApiError(
      'refused',
      envelope.error,
      status,
      envelope.errorType,
      Number(response.headers.get('Retry-After')) || 0,
    );
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
