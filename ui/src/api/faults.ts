// What the server says is wrong with what was sent, and at which field.

import { ApiError } from './client';

export interface Fault {
  /** As `levels[0].timeout`; empty where it is about the whole. */
  place: string;
  text: string;
}

/** `maintenance window 'x': levels[0].timeout: at most 31d`, or without what it is of. */
const PLACED =
  /^(?:[a-z ]+ (?:'.*?'|".*?"): )?(?:action\.|policy\.|schedule\.)?([a-z_A-Z]+(?:\[\d+\]|\.\w+)*): (.+)$/su;
const MISSING = /^the field (\S+) is missing$/u;
const WHOLE = /^[a-z ]+ (?:'.*?'|".*?"): the document: (.+)$/su;

/** Where the fault is that a refusal tells of, and what it is. */
export function faultIn(error: Error): Fault {
  const { message } = error;
  // What is not there, not allowed or changed meanwhile is at no field.
  if (error instanceof ApiError && error.status !== 400) return { place: '', text: message };
  const whole = WHOLE.exec(message);
  if (whole) return { place: '', text: whole[1] ?? message };
  const missing = MISSING.exec(message);
  if (missing) return { place: missing[1] ?? '', text: 'It is needed' };
  const placed = PLACED.exec(message);
  if (!placed) return { place: '', text: message };
  return { place: placed[1] ?? '', text: placed[2] ?? message };
}

export interface Faults {
  /** What is wrong with a field, its parts included; undefined when nothing is. */
  at: (place: string) => string | undefined;
  /** What is wrong with none of the fields that were asked for. */
  rest: (...places: readonly string[]) => string | null;
}

function isWithin(place: string, field: string): boolean {
  return place === field || place.startsWith(`${field}.`) || place.startsWith(`${field}[`);
}

/** A refusal as fields of a form tell it. */
export function faultsOf(error: Error | null): Faults {
  const fault = error === null ? null : faultIn(error);
  return {
    at: (field) => (fault !== null && isWithin(fault.place, field) ? fault.text : undefined),
    rest: (...fields) =>
      fault === null || fields.some((field) => isWithin(fault.place, field))
        ? null
        : fault.place === ''
          ? fault.text
          : `${fault.place}: ${fault.text}`,
  };
}
