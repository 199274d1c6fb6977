// All questions of a page in one request; each answer is given as soon as it has come.

import {
  ApiError,
  bounded,
  failure,
  noteStatus,
  parseEnvelope,
  requestHeaders,
  TIMEOUT_MS,
  type Asking,
} from './client';
import type { BatchLine, QueryAnswer } from './types';

/** With a step over a range, otherwise at one time; all in seconds. */
export interface BatchQuery {
  query: string;
  time?: number;
  start?: number;
  end?: number;
  step?: number;
}

/** An answer, or why there is none. */
export type Outcome = QueryAnswer | ApiError;

const PATH = '/api/query_batch';

function outcomeOf({ answer }: BatchLine): Outcome {
  if (answer.status === 'success') return answer.data;
  return new ApiError('refused', answer.error, 0, answer.errorType);
}

/** The lines of a body as they come. */
export async function* linesOf(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.pipeThrough(new TextDecoderStream() as TransformStream<Uint8Array, string>).getReader();
  let rest = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const lines = (rest + value).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}

/**
 * What the server answers to each of `queries`, in their order.
 *
 * Rejects with ApiError when the batch as a whole failed, or broke off, and with an AbortError when `signal` fired;
 * a query that was refused is an outcome like another. `onOutcome` hears of each as it comes.
 */
export async function queryBatch(
  queries: readonly BatchQuery[],
  asking: Asking,
  onOutcome?: (index: number, outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const found: (Outcome | undefined)[] = queries.map(() => undefined);
  try {
    const response = await fetch(PATH, {
      method: 'POST',
      signal: bounded(asking.signal, TIMEOUT_MS),
      headers: { 'Content-Type': 'application/json', ...requestHeaders(asking.tenant) },
      body: JSON.stringify({ queries }),
    });
    noteStatus(response);
    if (!response.ok || !response.body || response.headers.get('Content-Type') !== 'application/x-ndjson') {
      const envelope = parseEnvelope(await response.text(), response.status, PATH);
      const said = envelope.status === 'error' ? envelope : undefined;
      throw new ApiError(
        'refused',
        said?.error ?? 'not an answer of Pharos',
        response.status,
        said?.errorType,
      );
    }
    for await (const line of linesOf(response.body)) {
      const read = JSON.parse(line) as BatchLine;
      const outcome = outcomeOf(read);
      found[read.index] = outcome;
      onOutcome?.(read.index, outcome);
    }
  } catch (error) {
    throw failure(error, PATH);
  }
  return found.map((outcome) => {
    if (outcome === undefined) throw new ApiError('network', `The answer broke off (${PATH}).`);
    return outcome;
  });
}
