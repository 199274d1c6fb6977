// All that a dashboard shows in one request; each line is told as soon as it has come.

import { linesOf } from './batch';
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
import type { AnswerLine, Question } from './dashboards';

/** The path of the question about one's own dashboards. */
export const OWN = '/api/pharos/dashboard_query';

/** Asks `question` at `path`. Rejects with ApiError when it is refused or breaks off, with an AbortError when ended. */
export async function askDashboard(
  path: string,
  question: Question,
  asking: Asking,
  onLine: (line: AnswerLine) => void,
): Promise<void> {
  let ended = false;
  try {
    const response = await fetch(path, {
      method: 'POST',
      signal: bounded(asking.signal, TIMEOUT_MS),
      headers: { 'Content-Type': 'application/json', ...requestHeaders(asking.tenant) },
      body: JSON.stringify(question),
    });
    noteStatus(response);
    if (!response.ok || !response.body) {
      const envelope = parseEnvelope(await response.text(), response.status, path);
      const said = envelope.status === 'error' ? envelope : undefined;
      throw new ApiError(
        'refused',
        said?.error ?? 'not an answer of Pharos',
        response.status,
        said?.errorType,
      );
    }
    for await (const text of linesOf(response.body)) {
      if (text.trim() === '') continue;
      const line = JSON.parse(text) as AnswerLine;
      if (line.kind === 'end') ended = true;
      onLine(line);
    }
  } catch (error) {
    throw failure(error, path);
  }
  if (!ended) throw new ApiError('network', `The answer broke off (${path}).`);
}
