// The search language, as far as the page writes it: conditions on a field, and where a fault of the server's is.

import type { LogLine } from '../api/logs';

const PLAIN = /^[A-Za-z_][\w.@/-]*$/u;

/** A text as the language writes it. */
export function quoted(text: string): string {
  return `"${text.replace(/[\\"]/gu, '\\$&')}"`;
}

/** The condition that a field has this value, or has not. */
export function condition(name: string, value: string, include: boolean): string {
  const field = PLAIN.test(name) ? name : quoted(name);
  return `${include ? '' : 'NOT '}${field}:${quoted(value)}`;
}

/** `query` and `more` besides. */
export function narrowed(query: string, more: string): string {
  const before = query.trim();
  if (before === '') return more;
  if (` ${before} `.includes(` ${more} `)) return before;
  return /\bOR\b/u.test(before) ? `(${before}) ${more}` : `${before} ${more}`;
}

/** A fault in a search: what is wrong, and at which of its characters, from 0; -1 where the server does not say. */
export interface Fault {
  message: string;
  at: number;
}

/** The fault that a refusal tells of. */
export function readFault(message: string): Fault {
  const found = /^search, column (\d+): (.*)$/su.exec(message);
  if (!found) return { message, at: -1 };
  return { message: found[2] ?? '', at: Number(found[1]) - 1 };
}

/** A line's value of a field: its own, or an attribute of it, its resource or its scope; null without one. */
export function valueOf(line: LogLine, name: string): string | null {
  const own: Readonly<Record<string, string>> = {
    level: line.level,
    service: line.service,
    trace_id: line.trace_id,
    span_id: line.span_id,
    severity: line.severity > 0 ? String(line.severity) : '',
    severity_text: line.severity_text,
    event_name: line.event_name,
  };
  if (Object.hasOwn(own, name)) return own[name] || null;
  for (const pairs of [line.attributes, line.resource, line.scope.attributes])
    for (const [key, value] of pairs) if (key === name) return value;
  return null;
}

const TRACE_NAME = /^trace[_.-]?id$/iu;
const TRACE_ID = /^(?:[0-9a-f]{16}){1,2}$/iu;

/** The trace that a field names; null for other fields, and for what is no trace's id. */
export function traceIdIn(name: string, value: string): string | null {
  return TRACE_NAME.test(name) && TRACE_ID.test(value) && !/^0+$/u.test(value) ? value.toLowerCase() : null;
}

/** Milliseconds of a time in nanoseconds. */
export function msOf(ns: string): number {
  return Number(ns.slice(0, -6) || '0');
}

/** The time of day of a line to the millisecond. */
export function clockOf(ns: string, utc: boolean): string {
  const at = new Date(msOf(ns));
  if (Number.isNaN(at.getTime())) return 'out of range';
  const parts = utc
    ? [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()]
    : [at.getHours(), at.getMinutes(), at.getSeconds()];
  const clock = parts.map((part) => String(part).padStart(2, '0')).join(':');
  return `${clock}.${ns.slice(-9, -6).padStart(3, '0')}`;
}

/** What tells a line from others; equal ones of the same time have it in common. */
export function lineKey(line: LogLine): string {
  return `${line.ts_ns} ${line.origin} ${line.body.slice(0, 80)}`;
}
