// What the panel "What else happened here" is about, and how that is written in the address.

import type { About } from '../api/related';
import type { Labels } from '../api/types';

/** The parameter of the address that says it. */
export const ABOUT = 'about';

const LINE = /^line:(\d{1,20}):(\d{1,19})$/u;
const SPAN = /^span:([0-9a-f]{1,32}):([0-9a-f]{0,16})$/u;
const ALERT = /^alert:([0-9a-f]{1,32})$/u;

export function writeAbout(about: About): string {
  switch (about.kind) {
    case 'series':
      return `series:${Math.round(about.atMs)}:${JSON.stringify(about.labels)}:${about.expr}`;
    case 'line':
      return `line:${about.origin}:${about.tsNs}`;
    case 'span':
      return `span:${about.traceId}:${about.spanId}`;
    case 'alert':
      return `alert:${about.fingerprint}`;
  }
}

function readSeries(text: string): About | null {
  const head = /^series:(\d{1,14}):/u.exec(text);
  if (!head?.[1]) return null;
  const rest = text.slice(head[0].length);
  // The labels end where they are JSON: a brace may stand in a value.
  for (let end = rest.indexOf('}:'); end >= 0; end = rest.indexOf('}:', end + 1)) {
    try {
      const labels: unknown = JSON.parse(rest.slice(0, end + 1));
      if (typeof labels !== 'object' || labels === null) return null;
      if (!Object.values(labels).every((value) => typeof value === 'string')) return null;
      const expr = rest.slice(end + 2);
      return expr === '' ? null : { kind: 'series', expr, labels: labels as Labels, atMs: Number(head[1]) };
    } catch {
      // Not yet the end of it.
    }
  }
  return null;
}

/** What an address says it is about; null for nothing, and for nonsense. */
export function readAbout(text: string | undefined): About | null {
  if (text === undefined) return null;
  const line = LINE.exec(text);
  if (line?.[1] && line[2]) return { kind: 'line', origin: line[1], tsNs: line[2] };
  const span = SPAN.exec(text);
  if (span?.[1]) return { kind: 'span', traceId: span[1], spanId: span[2] ?? '' };
  const alert = ALERT.exec(text);
  if (alert?.[1]) return { kind: 'alert', fingerprint: alert[1] };
  return readSeries(text);
}
