// Events that a server sends as they happen. Not an EventSource, which cannot say whose data is meant.

import {
  ApiError,
  failure,
  noteStatus,
  parseEnvelope,
  requestHeaders,
  type Asking,
  type Params,
} from './client';

export interface ServerEvent {
  /** Its name; empty where it has none. */
  readonly kind: string;
  readonly id: string;
  readonly data: string;
}

/** The events in `text`, which are whole, and what is left of one that is not. */
export function splitEvents(text: string): { events: readonly ServerEvent[]; rest: string } {
  const blocks = text.replace(/\r\n/gu, '\n').split('\n\n');
  const rest = blocks.pop() ?? '';
  const events = blocks.flatMap((block): ServerEvent[] => {
    const found = { kind: '', id: '', data: [] as string[] };
    for (const line of block.split('\n')) {
      const [, name = '', value = ''] = /^([^:]*)(?:: ?(.*))?$/su.exec(line) ?? [];
      if (name === 'event') found.kind = value;
      else if (name === 'id') found.id = value;
      else if (name === 'data') found.data.push(value);
    }
    // A comment keeps the line open and says nothing.
    return found.kind === '' && found.data.length === 0 ? [] : [{ ...found, data: found.data.join('\n') }];
  });
  return { events, rest };
}

/** Calls `onEvent` with what comes, until the signal fires or the stream ends. Rejects as `ask` does. */
export async function readEvents(
  path: string,
  params: Params,
  asking: Asking & { signal: AbortSignal },
  onEvent: (event: ServerEvent) => void,
): Promise<void> {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params))
    if (value !== undefined) for (const one of [value].flat()) form.append(key, String(one));
  try {
    const { signal, tenant } = asking;
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
      if (done) return;
      const split = splitEvents(rest + value);
      rest = split.rest;
      split.events.forEach(onEvent);
    }
  } catch (error) {
    throw failure(error, path);
  }
}
